"""The treasury of a wallet: its ETH, the tokens that may become ETH, their worth, and what ETH costs in each of them.

All of it is one request. A token counts by its feed alone: what none stands by has no price and is not converted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.chain import Code
from domain.errors import VenueUnavailable
from domain.treasury import Curve, Token, Treasury
from events.values import Funding
from venues.evm import assets
from venues.evm.effort import BASE_GAS, FIRST_GAS, apart, together
from venues.evm.feeds import ETH, Feeds, feed_asks, feeds_of, worth
from venues.evm.lens import Ask, Lens
from venues.evm.observation import Priced, price_calls, priced
from venues.evm.pricing import UNWRAP, route_name
from venues.evm.purchase import cost_of, quote_ask, ways_to_ether
from venues.evm.quantities import ETHER_DECIMALS, whole
from venues.evm.registry import Chain
from venues.evm.registry import Token as Known
from venues.evm.routes import Route
from venues.evm.rpc import Call, Rpc, good, octets, quantity
from venues.evm.terms import Terms
from venues.evm.words import WORD, number, padded, selector

# Which parts of the most that is asked for are quoted: a price between two of them is on a straight line.
PARTS: Final = (16, 4, 2, 1)
# How much dearer gas may have become when the conversion is mined.
DEARER: Final = Decimal("1.25")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Funds:
    """A treasury, and what a conversion at its block is proposed with; allowances and balances in base units."""

    treasury: Treasury
    priced: Priced
    at: datetime
    nonce: int
    code: str
    wei: int
    feeds: Feeds
    allowed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Teller:
    """Reads one address, to convert on its owner's `terms`; None for an address that is only watched."""

    rpc: Rpc
    lens: Lens
    chain: Chain
    address: str
    clock: Callable[[], datetime]
    terms: Terms | None = None

    def read(self, funding: Funding, asked: Decimal) -> Funds:
        """Read everything as of the latest block, and quote up to `asked` ETH."""
        known = [self._known(source.asset) for source in funding.sources]
        most = int(asked.scaleb(ETHER_DECIMALS))
        ways = [(token, route) for token in known for route in self._routes(token, most)]
        asked_feeds = feed_asks(self.chain)
        held = [self._balance(token) for token in known]
        allowances = [self._allowance(token) for token in known]
        quotes = [quote_ask(self.chain, route, most // part) for _, route in ways for part in PARTS]
        asks = [*asked_feeds, *held, *allowances, *quotes]
        answers = self.rpc.ask(
            [
                *price_calls("latest"),
                Call("eth_getTransactionCount", (self.address, "latest")),
                Call("eth_getCode", (self.address, "latest")),
                Call("eth_getBalance", (self.address, "latest")),
                *self.lens.read_calls(asks, "latest"),
            ]
        )
        at, seen = self._head(answers[0]), priced(answers[:3])
        read = self.lens.looked(answers[6:], asks, seen.block.number)
        feeds = feeds_of(self.chain, read[: len(asked_feeds)], at)
        rest = read[len(asked_feeds) :]
        units = [self._counted(token, answer) for token, answer in zip(known, rest, strict=False)]
        allowed = [number(answer) if answer else 0 for answer in rest[len(known) : 2 * len(known)]]
        costs = rest[2 * len(known) :]
        may_take = {token.address: each for token, each in zip(known, allowed, strict=True)}
        curves = self._curves(known, ways, costs, most, units, may_take, seen)
        code, wei = octets(good(answers[4])).hex(), quantity(good(answers[5]))
        tokens = tuple(
            self._token(token, each, curves[token.address], feeds) for token, each in zip(known, units, strict=True)
        )
        treasury = Treasury(
            head=seen.block,
            at=at,
            ether=_ether(wei),
            worth=worth(feeds, ETH),
            tokens=tokens,
            gas_price=self._dearest(seen),
            base_gas=_NOTHING if self._apart else self._expected(seen) * (BASE_GAS if code else FIRST_GAS),
            asked=asked,
            block_time=self.chain.block_time if self._apart else timedelta(0),
            confirmations=self.terms.confirmations if self.terms else 1,
        )
        return Funds(
            treasury,
            seen,
            at,
            quantity(good(answers[3])),
            code,
            wei,
            feeds,
            may_take,
        )

    def _head(self, block: object) -> datetime:
        if not isinstance(block, dict):
            raise VenueUnavailable("a node names no latest block")
        at = datetime.fromtimestamp(min(quantity(block.get("timestamp")), 2**33), UTC)
        age = self.clock() - at
        if self.chain.silence is not None and age > self.chain.silence:
            raise VenueUnavailable(f"the latest block that the node of {self.chain.name} knows is {age} old; it lags")
        return at

    def _known(self, asset: str) -> Known:
        address = assets.address_of(asset, self.chain.chain_id)
        known = self.chain.known(address) if address else None
        if known is None:
            raise ValueError(f"funding: {asset} is no token that is known on {self.chain.name}")
        return known

    def _routes(self, token: Known, most: int) -> Sequence[Route]:
        """List what is quoted: nothing where nothing is asked for, nor for WETH, which is withdrawn."""
        if most < PARTS[0] or token.address == self.chain.token("WETH").address:
            return ()
        return ways_to_ether(self.chain, token.address)

    def _balance(self, token: Known) -> Ask:
        return Ask(token.address, selector("balanceOf(address)") + padded(self.address))

    def _allowance(self, token: Known) -> Ask:
        spender = self.chain.uniswap.router
        return Ask(token.address, selector("allowance(address,address)") + padded(self.address) + padded(spender))

    def _counted(self, token: Known, answer: bytes | None) -> int:
        if answer is None or len(answer) < WORD:
            raise VenueUnavailable(f"{token.symbol} ({token.address}) on {self.chain.name} gives no balance")
        return number(answer)

    def _expected(self, seen: Priced) -> Decimal:
        return _ether(seen.base_fee + seen.tip) * DEARER

    @property
    def _apart(self) -> bool:
        """Say whether purchases are transactions of their own."""
        return self.terms is not None and not self.terms.delegate

    def _dearest(self, seen: Priced) -> Decimal:
        return _ether(min(seen.price.fee, self.terms.ceiling) if self.terms else seen.price.fee)

    def _curves(
        self,
        known: Sequence[Known],
        ways: Sequence[tuple[Known, Route]],
        costs: Sequence[bytes | None],
        most: int,
        units: Sequence[int],
        allowed: Mapping[str, int],
        seen: Priced,
    ) -> dict[str, tuple[Curve, ...]]:
        found: dict[str, list[Curve]] = {token.address: [] for token in known}
        weth = self.chain.token("WETH").address
        for token, held in zip(known, units, strict=True):
            if token.address == weth and held:
                all_of_it = whole(held, token.decimals)
                found[weth].append(self._curve(token, None, [(all_of_it, all_of_it)], 0, seen))
        for place, (token, route) in enumerate(ways):
            answered = costs[place * len(PARTS) : (place + 1) * len(PARTS)]
            points = [
                (_ether(most // part), whole(cost, token.decimals))
                for part, answer in zip(PARTS, answered, strict=True)
                if (cost := cost_of(answer))
            ]
            if points:
                found[token.address].append(self._curve(token, route, points, allowed[token.address], seen))
        return {address: tuple(curves) for address, curves in found.items()}

    def _curve(
        self,
        token: Known,
        route: Route | None,
        points: Sequence[tuple[Decimal, Decimal]],
        allowed: int,
        seen: Priced,
    ) -> Curve:
        """Write a way, None for withdrawing WETH; `allowed` is what the router may take of the token already."""
        effort = apart(route, allowed) if self._apart else together(route)
        return Curve(
            product=f"{UNWRAP if route is None else route_name(route, self.chain)}@{token.address}",
            gas=self._expected(seen) * effort.gas,
            points=_growing(points),
            fixed=route is None,
            upfront=self._dearest(seen) * effort.upfront,
            before=effort.before,
            after=effort.after,
        )

    def _token(self, token: Known, units: int, curves: tuple[Curve, ...], feeds: Feeds) -> Token:
        price = feeds.usd(token.symbol)
        return Token(
            asset=assets.token(self.chain.chain_id, token.address),
            held=whole(units, token.decimals),
            price=price,
            increment=Decimal(1).scaleb(-token.decimals),
            curves=curves,
            doubt="" if price else feeds.doubt(token.symbol) or f"no feed says what {token.symbol} is worth",
        )


def code_of(funds: Funds, delegate: str | None) -> Code:
    """Tell our delegation, if there is to be one, from none and from any other."""
    if not funds.code:
        return Code.EMPTY
    return Code.OURS if delegate and funds.code == "ef0100" + delegate[2:].lower() else Code.UNKNOWN


def _growing(points: Sequence[tuple[Decimal, Decimal]]) -> tuple[tuple[Decimal, Decimal], ...]:
    """Keep the points that ask more for more; small amounts of coarse tokens may cost the same."""
    kept: list[tuple[Decimal, Decimal]] = []
    for point in points:
        if not kept or (point[0] > kept[-1][0] and point[1] > kept[-1][1]):
            kept.append(point)
    return tuple(kept)


def _ether(wei: int) -> Decimal:
    return whole(wei, ETHER_DECIMALS)
