"""What wallets have, as their tokens claim: the coin and every token of all of them in one request.

One more is made for tokens just met. What spoils the reading of one wallet is an outage of that one alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from domain.errors import VenueUnavailable
from domain.likeness import skeleton
from venues.evm.discovery import Claim, Discovery
from venues.evm.judgement import Judgement
from venues.evm.lens import Ask, Lens
from venues.evm.names import harmless
from venues.evm.news import News, news_of
from venues.evm.registry import Chain
from venues.evm.rpc import Call, Rpc, good, quantity
from venues.evm.words import WORD, number, selector, text

# More decimals than any token has that is meant to be counted.
MOST_DECIMALS: Final = 36
_TEXT_WORDS: Final = 6
_LATEST: Final = Call("eth_getBlockByNumber", ("latest", False))


@dataclass(frozen=True, slots=True)
class Head:
    """The block that a reading is of, and what it charges for a unit of gas, in wei."""

    number: int
    block_hash: str
    at: datetime
    base_fee: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a wallet was found to have, in base units, and which of its tokens are quarantined."""

    head: Head
    ether: int
    units: Mapping[str, int]
    quarantined: Mapping[str, str]

    @property
    def believed(self) -> dict[str, int]:
        """Return what there is of tokens that are believed."""
        return {token: units for token, units in self.units.items() if units > 0 and token not in self.quarantined}


@dataclass(frozen=True, slots=True)
class Holder:
    """A wallet on its chain: the tokens that were met there, and who says which of them are believed."""

    chain: Chain
    address: str
    discovery: Discovery
    judgement: Judgement

    def tokens(self) -> list[str]:
        """List what is always read, the registry's tokens, and what was found."""
        always = [token.address for token in self.chain.tokens.values()]
        return sorted({*always, *self.discovery.tokens})

    def claim(self, token: str) -> Claim | None:
        """Return what a token said of itself, None for one that was not asked."""
        return self.discovery.tokens.get(token)

    def decimals(self, token: str) -> int:
        """Return the registry's decimals of a token, else its own, 0 for one that does not say."""
        if known := self.chain.known(token):
            return known.decimals
        claim = self.claim(token)
        return (claim.decimals or 0) if claim else 0

    def quarantined(self, tokens: Iterable[str]) -> Mapping[str, str]:
        """Return a sentence for each of the tokens that is not to be believed."""
        return self.judgement.quarantined({token: self.claim(token) for token in tokens})

    def unasked(self, tokens: Iterable[str]) -> list[str]:
        """List the unknown tokens that were not asked before what they call themselves and how they count."""
        return [token for token in tokens if not self.chain.known(token) and not self.claim(token)]

    def refuse_silence(self, units: Mapping[str, int | None]) -> None:
        """A registry's token always answers; one that does not is an outage, not an empty wallet."""
        for token in self.chain.tokens.values():
            if units[token.address] is None:
                raise VenueUnavailable(f"{token.symbol} ({token.address}) on {self.chain.name} gives no balance")


@dataclass(frozen=True, slots=True)
class Look:
    """One look at wallets: what is asked in one request, for whom, and the (token, wallet) pairs that are scanned."""

    holders: tuple[Holder, ...]
    news: tuple[News, ...]
    pairs: tuple[tuple[str, str], ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads wallets of one chain; `clock` says how old a block is."""

    chain: Chain
    rpc: Rpc
    lens: Lens
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def head(self) -> Head:
        """Read the latest block; `VenueUnavailable` when the node is behind."""
        return self.checked(self.rpc.call(_LATEST.method, *_LATEST.parameters))

    def look(self, holders: Sequence[Holder]) -> Look:
        """Prepare a look at wallets that each have another address."""
        news = news_of([holder.discovery for holder in holders])
        pairs = [(token, holder.address) for holder in holders for token in holder.tokens()]
        coins = [Call("eth_getBalance", (holder.address, "latest")) for holder in holders]
        calls = [_LATEST, *(each.call for each in news), *coins, *self.lens.scan_calls(pairs)]
        return Look(tuple(holders), tuple(news), tuple(pairs), tuple(calls))

    def seen(self, look: Look, answers: Sequence[object]) -> list[Reading | VenueUnavailable]:
        """Read what the calls of a look were answered, for each of its wallets."""
        given = iter(answers)
        head = self.checked(good(next(given)))
        news = [(each, next(given)) for each in look.news]
        ether = {holder.address: quantity(good(next(given))) for holder in look.holders}
        found = self.lens.scanned(list(given), look.pairs, head.number)
        units: dict[str, dict[str, int | None]] = {holder.address: {} for holder in look.holders}
        for (token, address), each in zip(look.pairs, found, strict=True):
            units[address][token] = each
        outages = _taken(news, head.number)
        sound = [holder for holder in look.holders if holder.address not in outages]
        self._add_fresh(sound, units, head.number)
        self.describe(
            ((holder, [token for token, each in units[holder.address].items() if each]) for holder in sound),
            head.number,
        )
        return [
            outages.get(holder.address) or _reading(holder, head, ether[holder.address], units[holder.address])
            for holder in look.holders
        ]

    def _add_fresh(self, holders: Sequence[Holder], units: Mapping[str, dict[str, int | None]], block: int) -> None:
        """Read the balances of tokens that were just met, of all wallets at once."""
        fresh = [
            (token, holder.address)
            for holder in holders
            for token in holder.tokens()
            if token not in units[holder.address]
        ]
        for (token, address), each in zip(fresh, self.lens.balances(fresh, block), strict=True):
            units[address][token] = each

    def balances(self, holder: Holder, tokens: Sequence[str], block: int) -> list[int | None]:
        """Read the balances of some tokens at a block."""
        return self.lens.balances([(token, holder.address) for token in tokens], block)

    def describe(self, held: Iterable[tuple[Holder, Collection[str]]], block: int) -> None:
        """Ask the unknown tokens that were not asked before what they call themselves and how they count."""
        unasked = [(holder, asked) for holder, tokens in held if (asked := holder.unasked(tokens))]
        claims = self.claims(sorted({token for _, asked in unasked for token in asked}), block)
        for holder, asked in unasked:
            holder.discovery.learn({token: claims[token] for token in asked})

    def claims(self, tokens: Sequence[str], block: int) -> dict[str, Claim]:
        """Ask tokens what they say of themselves."""
        questions = (
            (selector("decimals()"), 1),
            (selector("symbol()"), _TEXT_WORDS),
            (selector("name()"), _TEXT_WORDS),
        )
        asks = [Ask(token, question, words=words) for token in tokens for question, words in questions]
        answers = self.lens.read(asks, block)
        said = zip(tokens, answers[::3], answers[1::3], answers[2::3], strict=True)
        return {token: _claim(*each) for token, *each in said}

    def checked(self, block: object) -> Head:
        """Read a latest block; what a node that lags says is no longer so."""
        if not isinstance(block, dict):
            raise VenueUnavailable("a node names no latest block")
        seconds = quantity(block.get("timestamp"))
        at = datetime.fromtimestamp(min(seconds, 2**33), UTC)
        age = self.clock() - at
        if self.chain.silence is not None and age > self.chain.silence:
            raise VenueUnavailable(
                f"the latest block that the node of {self.chain.name} knows is {age} old; the node lags"
            )
        charge = quantity(block.get("baseFeePerGas"))
        return Head(quantity(block.get("number")), str(block.get("hash")), at, charge)


def _taken(news: Iterable[tuple[News, object]], head: int) -> dict[str, VenueUnavailable]:
    """Take the news, and return by wallet the outages of those whose news can't be read."""
    outages: dict[str, VenueUnavailable] = {}
    for each, answer in news:
        try:
            each.take(answer, head)
        except VenueUnavailable as outage:
            outages |= {discovery.wallet: outage for discovery in each.discoveries}
    return outages


def _reading(holder: Holder, head: Head, ether: int, units: Mapping[str, int | None]) -> Reading | VenueUnavailable:
    try:
        holder.refuse_silence(units)
    except VenueUnavailable as outage:
        return outage
    held = {token: each for token, each in units.items() if each is not None}
    return Reading(head, ether, held, holder.quarantined(units))


def _claim(decimals: bytes | None, symbol: bytes | None, title: bytes | None) -> Claim:
    places = number(decimals) if decimals and len(decimals) >= WORD else None
    counted = places if places is not None and places <= MOST_DECIMALS else None
    names = [text(answer) if answer else "" for answer in (symbol, title)]
    return Claim(counted, *map(harmless, names), *map(skeleton, names))
