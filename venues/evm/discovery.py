"""Which tokens a wallet may hold: every contract that ever logged a transfer to it, and what each says of itself.

What was found is kept in a file that may be lost: then the chain is read again. Blocks near the head are always read
again, since a reorganisation may have changed them. New blocks come first, then older ones, as far as a scan's share
of requests goes; the next scan goes on from there.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import ConfigurationError
from events.values import Source
from venues.evm.assets import checksummed
from venues.evm.routes import Route
from venues.evm.rpc import Rpc

# Blocks below the head that are read again: twice what Ethereum takes to finalise.
OVERLAP: Final = 128
# Requests for old blocks in one scan, so that a first scan of a long history ends.
REQUESTS_A_SCAN: Final = 40
# How many arrivals of a token are kept; what is there came with the last of them.
ARRIVALS_KEPT: Final = 32


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
    A token has no claim until it was asked. `routes` are those over which tokens were sold the last time, best first.
    `arrivals` are the newest of each token.
    """

    low: int = 0
    high: int = -1
    span: int = 0
    tokens: dict[str, Claim | None] = msgspec.field(default_factory=dict)
    routes: dict[str, list[Route]] = msgspec.field(default_factory=dict)
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

    @property
    def routes(self) -> Mapping[str, Sequence[Route]]:
        """Return the routes over which tokens were sold the last time, the best first."""
        return self.found.routes

    def unread(self) -> int:
        """Count the old blocks that are still to be read."""
        return max(0, self.found.low - self.start) if self.found.high >= self.found.low else 0

    def renew(self, head: int) -> None:
        """Begin anew where the head `head` is of another chain than the one that was read.

        Arrivals in blocks that are read again are forgotten: they may have become others.
        """
        if head + self.overlap < self.found.high:
            self._found = Found(tokens=self.found.tokens, routes=self.found.routes)
        first = self.next_block()
        for token, kept in self.found.arrivals.items():
            self.found.arrivals[token] = [each for each in kept if each.block < first]

    def take(self, met: Mapping[str, Sequence[Arrival]], head: int) -> None:
        """Take the arrivals in all blocks from `next_block` up to the head."""
        found = self.found
        self.note(met)
        found.low, found.high = min(found.low, self.next_block()) if found.high >= found.low else self.start, head

    def note(self, met: Mapping[str, Sequence[Arrival]]) -> None:
        """Take note of tokens and of their arrivals; what is known of them stays."""
        found = self.found
        for token, arrivals in met.items():
            found.tokens.setdefault(token, None)
            by_place = {(each.block, each.index): each for each in (*arrivals, *found.arrivals.get(token, ()))}
            found.arrivals[token] = [by_place[place] for place in sorted(by_place)][-ARRIVALS_KEPT:]

    def learn(self, claims: Mapping[str, Claim]) -> None:
        """Remember what tokens say of themselves."""
        self.found.tokens.update(claims)
        self.keep()

    def remember(self, routes: Mapping[str, list[Route]]) -> None:
        """Remember over which routes tokens are sold."""
        if any(self.found.routes.get(token, []) != some for token, some in routes.items()):
            self.found.routes.update(routes)
            self.keep()

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

    def keep(self) -> None:
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


def _read(cache: Path | None) -> Found:
    try:
        found = msgspec.json.decode(cache.read_bytes(), type=Found) if cache else Found()
        tokens = {checksummed(each): claim for each, claim in found.tokens.items()}
        arrivals = {checksummed(each): kept for each, kept in found.arrivals.items()}
        return msgspec.structs.replace(found, tokens=tokens, arrivals=arrivals)
    except (OSError, ValueError):
        return Found()
