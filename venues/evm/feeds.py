"""Chainlink's price feeds: what a coin is worth in USD, believed only while fresh.

An answer counts if it is above zero and no older than the feed's own heartbeat; on an L2 nothing counts while its
sequencer is down, nor for an hour after it came back, since prices moved meanwhile
(https://docs.chain.link/data-feeds/l2-sequencer-feeds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Final

from domain.errors import VenueUnavailable
from venues.evm.lens import Ask
from venues.evm.registry import Chain, Feed
from venues.evm.words import WORD, number, selector, signed

GRACE: Final = timedelta(hours=1)
_ROUND: Final = 5 * WORD
_LATEST: Final = selector("latestRoundData()")
_DECIMALS: Final = selector("decimals()")
USD: Final = "USD"
ETH: Final = "ETH"
# What is worth as much as the coin: WETH is redeemed one to one.
SAME: Final[Mapping[str, str]] = {"WETH": ETH}


class Feeds:
    """The feeds of a chain, as they answered at one block."""

    def __init__(self, prices: Mapping[str, Decimal], doubts: Mapping[str, str]) -> None:
        self._prices = prices
        self._doubts = doubts

    def usd(self, symbol: str) -> Decimal | None:
        """Return what one whole token is worth by its feed, directly or through ETH; None when no fresh feed says."""
        name = SAME.get(symbol, symbol)
        if price := self._prices.get(f"{name}/{USD}"):
            return price
        in_ether, ether = self._prices.get(f"{name}/{ETH}"), self._prices.get(f"{ETH}/{USD}")
        return in_ether * ether if in_ether and ether else None

    def doubt(self, symbol: str) -> str:
        """Say why there is no price for a token, empty when no feed was asked that could have one."""
        name = SAME.get(symbol, symbol)
        pairs = (f"{name}/{USD}", f"{name}/{ETH}", f"{ETH}/{USD}")
        return next((self._doubts[pair] for pair in pairs if pair in self._doubts), "")


def feed_asks(chain: Chain) -> list[Ask]:
    """Ask every feed of a chain; `feeds_of` reads the answers."""
    asks = [Ask(chain.sequencer, _LATEST, words=5)] if chain.sequencer else []
    for feed in chain.feeds.values():
        asks += [Ask(feed.address, _LATEST, words=5), Ask(feed.address, _DECIMALS)]
    return asks


def feeds_of(chain: Chain, answers: Sequence[bytes | None], at: datetime) -> Feeds:
    """Read what the feeds answered at a block that was made `at`."""
    pairs = list(chain.feeds)
    if chain.sequencer:
        if sentence := _sequencer(answers[0], at):
            return Feeds({}, dict.fromkeys(pairs, sentence))
        answers = answers[1:]
    prices: dict[str, Decimal] = {}
    doubts: dict[str, str] = {}
    for place, pair in enumerate(pairs):
        found = _price(pair, chain.feeds[pair], answers[2 * place], answers[2 * place + 1], at)
        if isinstance(found, str):
            doubts[pair] = found
        else:
            prices[pair] = found
    return Feeds(prices, doubts)


def worth(feeds: Feeds, symbol: str) -> Decimal:
    """Return what one unit of a target is worth in USD; `VenueUnavailable` while no feed says, since nothing can be
    valued then."""
    if price := feeds.usd(symbol):
        return price
    raise VenueUnavailable(feeds.doubt(symbol) or f"no feed says what {symbol} is worth in {USD} on this chain")


def _price(pair: str, feed: Feed, latest: bytes | None, decimals: bytes | None, at: datetime) -> Decimal | str:
    """Read one feed's answer, or say why it does not count."""
    if latest is None or len(latest) < _ROUND or decimals is None or len(decimals) < WORD:
        return f"the feed {pair} at {feed.address} does not answer as a feed does"
    answer, updated, places = signed(latest, 1), number(latest, 3), number(decimals)
    if answer <= 0 or places > 36:
        return f"the feed {pair} answers {answer} with {places} decimals, which is no price"
    age = timedelta(seconds=int(at.timestamp()) - min(updated, 2**33))
    if age > feed.heartbeat:
        return f"the feed {pair} was last updated {age} ago; beyond its heartbeat of {feed.heartbeat} it says nothing"
    with localcontext(prec=80):
        return Decimal(answer).scaleb(-places)


def _sequencer(latest: bytes | None, at: datetime) -> str:
    """Say why the L2's prices do not count, empty when they do."""
    if latest is None or len(latest) < _ROUND:
        return "the feed that tells whether the L2's sequencer is up does not answer"
    down, since = number(latest, 1), number(latest, 2)
    if down:
        return "the L2's sequencer is down, so no price counts"
    up_for = timedelta(seconds=int(at.timestamp()) - min(since, 2**33))
    if since == 0 or up_for < GRACE:
        return f"the L2's sequencer came back {up_for} ago; prices count {GRACE} after that"
    return ""
