"""Which tokens a wallet may hold: every contract that ever logged a transfer to it, and what each says of itself.

What was found is kept in a file that may be lost: then the chain is read again. Blocks near the head are always read
again, since a reorganisation may have changed them. New blocks come first, then older ones, as far as a scan's share
of requests goes; the next scan goes on from there. Transfer is ERC-20's event (EIP-20), whose amount is not indexed,
unlike that of ERC-721.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import ConfigurationError, VenueUnavailable
from venues.evm.assets import checksummed
from venues.evm.routes import Route
from venues.evm.rpc import LOGS, Call, Failure, Rpc
from venues.evm.words import WORD, padded

TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
# Blocks below the head that are read again: twice what Ethereum takes to finalise.
OVERLAP: Final = 128
# Requests for old blocks in one scan, so that a first scan of a long history ends.
REQUESTS_A_SCAN: Final = 40
SHORTEST: Final = 1
# Wallets asked for in one call; geth allows a thousand values for a topic.
WALLETS_AT_ONCE: Final = 500
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


class Found(msgspec.Struct):
    """What is known: the blocks read, `low` to `high`, both included, and the tokens met there.

    Nothing was read where `high` is below `low`. `span` is how many blocks the provider last read at once, 0 for all.
    A token has no claim until it was asked. `routes` are those over which tokens were sold the last time, best first.
    """

    low: int = 0
    high: int = -1
    span: int = 0
    tokens: dict[str, Claim | None] = msgspec.field(default_factory=dict)
    routes: dict[str, list[Route]] = msgspec.field(default_factory=dict)


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

    @property
    def routes(self) -> Mapping[str, Sequence[Route]]:
        """Return the routes over which tokens were sold the last time, the best first."""
        return self.found.routes

    def unread(self) -> int:
        """Count the old blocks that are still to be read."""
        return max(0, self.found.low - self.start) if self.found.high >= self.found.low else 0

    def take(self, news: Collection[str] | None, head: int) -> None:
        """Take the tokens met in new blocks up to `head`, or with None read those in smaller steps; then older blocks.

        Raises `VenueUnavailable` when new blocks can't be read.
        """
        found = self.found
        if head + self.overlap < found.high:  # this is another chain than the one that was read
            self._found = found = Found(tokens=found.tokens, routes=found.routes)
        if news is None:
            if found.high < found.low:
                found.low, found.high = head + 1, head
            self._newer(head)
        else:
            self._meet(news)
            found.low, found.high = min(found.low, self.next_block()) if found.high >= found.low else self.start, head
        self._older()
        self._keep()

    def learn(self, claims: Mapping[str, Claim]) -> None:
        """Remember what tokens say of themselves."""
        self.found.tokens.update(claims)
        self._keep()

    def remember(self, routes: Mapping[str, list[Route]]) -> None:
        """Remember over which routes tokens are sold."""
        if any(self.found.routes.get(token) != some for token, some in routes.items()):
            self.found.routes.update(routes)
            self._keep()

    def meet(self, tokens: Iterable[str]) -> None:
        """Take note of tokens that another process met: what the cache has of them is known here too."""
        if unknown := [token for token in tokens if token not in self.found.tokens]:
            kept = _read(self.cache).tokens
            self.found.tokens.update({token: kept.get(token) for token in unknown})

    def next_block(self) -> int:
        """Return the first block whose transfers are news."""
        found = self.found
        if found.high < found.low:
            return self.start
        return max(self.start, found.low, found.high + 1 - self.overlap)

    def _newer(self, head: int) -> None:
        found = self.found
        start = self.next_block()
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
            answer = self.rpc.ask([_logs(low, hex(high), [self.wallet])])[0]
            if not isinstance(answer, Failure):
                self._meet(_transfers(answer).get(_topic(self.wallet), set()))
                if found.span:
                    found.span += 1 + found.span // 4
                return low if backwards else high
            if not _is_too_much(answer) or span <= SHORTEST:
                raise VenueUnavailable(f"the node refused {answer}")
            found.span = max(SHORTEST, span // 4)

    def _meet(self, tokens: Iterable[str]) -> None:
        for token in tokens:
            self.found.tokens.setdefault(token, None)

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


@dataclass(frozen=True, slots=True)
class News:
    """What is new for wallets whose news begin at the same block: the call that asks for it."""

    discoveries: tuple[Discovery, ...]
    call: Call

    def take(self, answer: object, head: int) -> dict[str, VenueUnavailable]:
        """Give each wallet its part of the answer as of the block `head`; return the outages by wallet."""
        outages = {}
        met = None if isinstance(answer, Failure) else _transfers(answer)
        for each in self.discoveries:
            try:
                each.take(None if met is None else met.get(_topic(each.wallet), set()), head)
            except VenueUnavailable as outage:
                outages[each.wallet] = outage
        return outages


def news_of(discoveries: Sequence[Discovery]) -> list[News]:
    """Ask what is new for all wallets, in as few calls as there are blocks where news begin."""
    starts: dict[int, list[Discovery]] = {}
    for each in discoveries:
        starts.setdefault(each.next_block(), []).append(each)
    return [
        News(tuple(some), _logs(start, "latest", [each.wallet for each in some]))
        for start, together in sorted(starts.items())
        for some in (together[at : at + WALLETS_AT_ONCE] for at in range(0, len(together), WALLETS_AT_ONCE))
    ]


def _logs(first: int, last: str, wallets: Sequence[str]) -> Call:
    topics = [TRANSFER, None, [_topic(wallet) for wallet in wallets]]
    return Call(LOGS, ({"fromBlock": hex(first), "toBlock": last, "topics": topics},))


def _topic(wallet: str) -> str:
    return "0x" + padded(wallet).hex()


def _read(cache: Path | None) -> Found:
    try:
        found = msgspec.json.decode(cache.read_bytes(), type=Found) if cache else Found()
        return msgspec.structs.replace(found, tokens={checksummed(each): n for each, n in found.tokens.items()})
    except (OSError, ValueError):
        return Found()


def _transfers(logs: object) -> dict[str, set[str]]:
    """Return by topic of its receiver the contracts of ERC-20 transfers; `VenueUnavailable` when these are no logs."""
    met: dict[str, set[str]] = {}
    try:
        for log in logs:  # type: ignore[attr-defined]
            if log.get("removed") is True:  # of a block that is no longer part of the chain
                continue
            if len(log["topics"]) == 3 and len(log["data"]) == 2 + 2 * WORD:
                met.setdefault(log["topics"][2].lower(), set()).add(log["address"])
        return {receiver: {checksummed(token) for token in tokens} for receiver, tokens in met.items()}
    except (TypeError, KeyError, ValueError, AttributeError):
        raise VenueUnavailable("a node answered eth_getLogs with something that is no list of logs") from None


def _is_too_much(failure: Failure) -> bool:
    words = failure.message.lower()
    return failure.code == -32005 or any(word in words for word in _TOO_MUCH)
