"""Which tokens a wallet may hold: every contract that ever logged a transfer to it, and what each says of itself.

What was found is kept in a file that may be lost: then the chain is read again. Blocks near the head are always read
again, since a reorganisation may have changed them. New blocks come first, then older ones, as far as a scan's share
of requests goes; the next scan goes on from there. Transfer is ERC-20's event (EIP-20), whose amount is not indexed,
unlike that of ERC-721.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import ConfigurationError, VenueUnavailable
from events.values import Source
from venues.evm.assets import checksummed
from venues.evm.rpc import LOGS, Call, Failure, Rpc, octets, quantity
from venues.evm.words import WORD, number, padded

TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
# Blocks below the head that are read again: twice what Ethereum takes to finalise.
OVERLAP: Final = 128
# Requests for old blocks in one scan, so that a first scan of a long history ends.
REQUESTS_A_SCAN: Final = 40
SHORTEST: Final = 1
# How many arrivals of a token are kept; what is there came with the last of them.
ARRIVALS_KEPT: Final = 32
# How providers say that they would not read so many blocks, or not send so many logs, at once.
_TOO_MUCH: Final = (
    "range",
    "limit",
    "more than",
    "too many",
    "too large",
    "exceed",
    "response size",
    "maximum",
    "timeout",
    "timed out",
)


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token says of itself, made harmless; `decimals` is None where it says nothing. Proves nothing.

    `looks` and `title_looks` are the skeletons of its symbol and of its name, by which likeness is told.
    """

    decimals: int | None
    symbol: str
    title: str = ""
    looks: str = ""
    title_looks: str = ""


class Arrival(msgspec.Struct):
    """A transfer to the wallet: its transaction and place there, who sent it, how many base units as hex.

    `source` is None until it was looked up.
    """

    tx_hash: str
    block: int
    index: int
    sender: str
    units: str
    source: Source | None = None

    @property
    def amount(self) -> int:
        """Return how many base units arrived."""
        return int(self.units, 16)


class Found(msgspec.Struct):
    """What is known: the blocks read, `low` to `high`, both included, and the tokens met there.

    Nothing was read where `high` is below `low`. `span` is how many blocks the provider last read at once, 0 for all.
    A token has no claim until it was asked. `arrivals` are the newest of each token.
    """

    low: int = 0
    high: int = -1
    span: int = 0
    tokens: dict[str, Claim | None] = msgspec.field(default_factory=dict)
    arrivals: dict[str, list[Arrival]] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class Discovery:
    """The tokens of one wallet. `start` is the first block worth reading: the wallet's first, or 0."""

    rpc: Rpc
    wallet: str
    start: int = 0
    cache: Path | None = None
    overlap: int = OVERLAP
    requests_a_scan: int = REQUESTS_A_SCAN
    _found: Found | None = None

    @property
    def found(self) -> Found:
        """Return what is known, read from the cache on first use; a cache that can't be read is none."""
        if self._found is None:
            self._found = _read(self.cache)
        return self._found

    @property
    def tokens(self) -> Mapping[str, Claim | None]:
        """Return the tokens found so far."""
        return self.found.tokens

    def unread(self) -> int:
        """Count the old blocks that are still to be read."""
        return max(0, self.found.low - self.start) if self.found.high >= self.found.low else 0

    def news(self) -> Call:
        """Return the call that reads what is new, up to the latest block; `take` wants its answer."""
        return _logs(self._next(), "latest", self.wallet)

    def take(self, news: object, head: int) -> None:
        """Take the answer to `news` as of the block `head`, or read in smaller steps; then go on to older blocks.

        Raises `VenueUnavailable` when new blocks can't be read.
        """
        found = self.found
        if head + self.overlap < found.high:  # this is another chain than the one that was read
            self._found = found = Found(tokens=found.tokens)
        self._forget(self._next())
        if isinstance(news, Failure):
            if found.high < found.low:
                found.low, found.high = head + 1, head
            self._newer(head)
        else:
            self._meet(news)
            found.low, found.high = min(found.low, self._next()) if found.high >= found.low else self.start, head
        self._older()
        self._keep()

    def keep(self) -> None:
        """Keep what was looked up of arrivals."""
        self._keep()

    def learn(self, claims: Mapping[str, Claim]) -> None:
        """Remember what tokens say of themselves."""
        self.found.tokens.update(claims)
        self._keep()

    def _next(self) -> int:
        found = self.found
        if found.high < found.low:
            return self.start
        return max(self.start, found.low, found.high + 1 - self.overlap)

    def _newer(self, head: int) -> None:
        found = self.found
        start = self._next()
        while start <= head:
            last = self._read(start, head, backwards=False)
            start = last + 1
            found.high = max(found.high, last)
        found.high = head

    def _older(self) -> None:
        found, budget = self.found, self.rpc.requests + self.requests_a_scan
        while found.low > self.start and self.rpc.requests < budget:
            found.low = self._read(self.start, found.low - 1, backwards=True)

    def _read(self, first: int, last: int, *, backwards: bool) -> int:
        """Read as much of the blocks `first` to `last` as the provider gives at once; return how far that went."""
        found = self.found
        while True:
            span = min(found.span or last - first + 1, last - first + 1)
            low, high = (last - span + 1, last) if backwards else (first, first + span - 1)
            answer = self.rpc.ask([_logs(low, hex(high), self.wallet)])[0]
            if not isinstance(answer, Failure):
                self._meet(answer)
                if found.span:
                    found.span += 1 + found.span // 4
                return low if backwards else high
            if not _is_too_much(answer) or span <= SHORTEST:
                raise VenueUnavailable(f"the node refused {answer}")
            found.span = max(SHORTEST, span // 4)

    def _meet(self, logs: object) -> None:
        found = self.found
        for token, arrivals in _arrivals(logs).items():
            found.tokens.setdefault(token, None)
            by_place = {(each.block, each.index): each for each in (*arrivals, *found.arrivals.get(token, ()))}
            found.arrivals[token] = [by_place[place] for place in sorted(by_place)][-ARRIVALS_KEPT:]

    def _forget(self, block: int) -> None:
        """Forget the arrivals in blocks that are read again: they may have become others."""
        for token, kept in self.found.arrivals.items():
            self.found.arrivals[token] = [each for each in kept if each.block < block]

    def _keep(self) -> None:
        """Write the cache whole or not at all."""
        if self.cache is None:
            return
        try:
            self.cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.cache.parent, delete=False) as file:
                file.write(msgspec.json.encode(self.found))
            os.replace(file.name, self.cache)  # noqa: PTH105
        except OSError as error:
            raise ConfigurationError(f"{self.cache}: cannot be written, {error.strerror}") from None


def _logs(first: int, last: str, wallet: str) -> Call:
    topics = [TRANSFER, None, "0x" + padded(wallet).hex()]
    return Call(LOGS, ({"fromBlock": hex(first), "toBlock": last, "topics": topics},))


def _read(cache: Path | None) -> Found:
    try:
        found = msgspec.json.decode(cache.read_bytes(), type=Found) if cache else Found()
        tokens = {checksummed(each): claim for each, claim in found.tokens.items()}
        arrivals = {checksummed(each): kept for each, kept in found.arrivals.items()}
        return msgspec.structs.replace(found, tokens=tokens, arrivals=arrivals)
    except (OSError, ValueError):
        return Found()


def _arrivals(logs: object) -> dict[str, list[Arrival]]:
    """Return the ERC-20 transfers by contract; `VenueUnavailable` when these are no logs."""
    found: dict[str, list[Arrival]] = {}
    try:
        plain = [log for log in logs if len(log["topics"]) == 3 and len(log["data"]) == 2 + 2 * WORD]  # type: ignore[attr-defined]
        for log in plain:
            arrival = Arrival(
                tx_hash=str(log["transactionHash"]),
                block=quantity(log["blockNumber"]),
                index=quantity(log["logIndex"]),
                sender=checksummed("0x" + log["topics"][1][-40:]),
                units=hex(number(octets(log["data"]))),
            )
            found.setdefault(checksummed(log["address"]), []).append(arrival)
        return found
    except (TypeError, KeyError, ValueError):
        raise VenueUnavailable("a node answered eth_getLogs with something that is no list of logs") from None


def _is_too_much(failure: Failure) -> bool:
    words = failure.message.lower()
    return failure.code == -32005 or any(word in words for word in _TOO_MUCH)
