"""Example values the specifications are written with: one account, four markets, a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.account import Account, evolve
from domain.commands import Command, Declare, RecordScan
from domain.decision import decide, fingerprint
from domain.dust import Market
from domain.scan import Reading
from domain.venue import Capabilities, Holding, Price, Product
from events.facts import AccountFact, AccountWentLive, DryRunCompleted, DustDetected
from events.money import Amount
from events.values import Execution, Fill, LegKind, Policy, Quote

D = Decimal
WHOLE = D(1)
TAKER_FEE = D("0.012")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
USD, USDC, BTC = "coinbase:USD", "coinbase:USDC", "coinbase:BTC"
ADA, DOGE, TONE, PYUSD = "coinbase:ADA", "coinbase:DOGE", "coinbase:TONE", "coinbase:PYUSD"

POLICY = Policy(
    target=BTC,
    threshold=D("0.50"),
    currency="USD",
    excluded=(USD, USDC, "coinbase:USDT", BTC),
    hubs=(USDC, USD),
    sweep_cap=D(25),
    day_cap=D(50),
)


def product(base: str, quote: str, **changes: object) -> Product:
    name = f"{base.split(':')[1]}-{quote.split(':')[1]}"
    usual = Product(name, base, quote, D("0.01"), D("0.01"), D("0.01"), D(1))
    return replace(usual, **changes)  # type: ignore[arg-type]


BTC_USDC = product(BTC, USDC, base_increment=D("0.00000001"), base_minimum=D("0.00000001"))
ADA_USDC = product(ADA, USDC)
DOGE_USDC = product(DOGE, USDC)
TONE_USD = product(TONE, USD, base_increment=D(1), base_minimum=D("26.7187147229469674"))


def market(*products: Product, **prices: Price) -> Market:
    """The usual four markets with the usual prices; `prices` by ticker replace them."""
    known = products or (BTC_USDC, ADA_USDC, DOGE_USDC, TONE_USD)
    usual = {
        "BTC-USDC": Price(D(60000), D(60006)),
        "ADA-USDC": Price(D("0.40"), D("0.4004")),
        "DOGE-USDC": Price(D("0.10"), D("0.1001")),
        "TONE-USD": Price(D("0.01523"), D("0.01524")),
    }
    changed = {name.replace("_", "-"): price for name, price in prices.items()}
    pairs = {(p.base, p.quote): p for p in known}
    return Market(Capabilities(pairs, frozenset({(USD, USDC), (USDC, USD)})), usual | changed)


def convertible(asset: str, *products: Product) -> Market:
    """The usual markets, or those named, and an asset without one that the venue exchanges for USDC."""
    usual = market(*products)
    pairs = usual.capabilities.convertible | {(asset, USDC)}
    return replace(usual, capabilities=replace(usual.capabilities, convertible=pairs))


def held(asset: str, available: str, hold: str = "0") -> Holding:
    return Holding(asset, D(available), D(hold))


def reading(*holdings: Holding, at: Market | None = None, due: datetime = NOON, automatic: bool = True) -> Reading:
    return Reading("main", "coinbase", due, due + timedelta(seconds=1), holdings, at or market(), 4, automatic)


def fold(account: Account, facts: Sequence[AccountFact]) -> Account:
    for fact in facts:
        account = evolve(account, fact)
    return account


def given(policy: Policy = POLICY) -> Account:
    """An account that its owner let go live under `policy`."""
    account = Account("main")
    for fact in allowed(policy):
        account, _ = when(account, Declare(fact, "owner"))
    return account


def allowed(policy: Policy) -> tuple[DryRunCompleted, AccountWentLive]:
    """What its owner does to let an account go live under `policy`."""
    mark = fingerprint(policy)
    dry = DryRunCompleted("main", mark, 1, 0, Amount(D("0.00001"), policy.target), NOON)
    return dry, AccountWentLive("main", mark, policy.sweep_cap, policy.day_cap, "USD")


def when(account: Account, command: Command) -> tuple[Account, list[AccountFact]]:
    facts = decide(command, account)
    return fold(account, facts), facts


def swept(*holdings: Holding, policy: Policy = POLICY, at: Market | None = None) -> Account:
    """A live account whose scan has just opened a sweep of these holdings."""
    account, facts = when(given(policy), RecordScan(reading(*holdings, at=at), policy))
    assert any(isinstance(fact, DustDetected) and fact.live for fact in facts)
    return account


def quote_for(kind: LegKind, spend: Amount, receive: str, price: Decimal, fee: Decimal = TAKER_FEE) -> Quote:
    """What a venue with this price and fee offers; fees are in the quote currency, inside a buy's spend."""
    if kind is LegKind.SELL:
        gross = spend.quantity * price
        return Quote(spend, Amount(gross * (1 - fee), receive), (Amount(gross * fee, receive),), price, "preview")
    if kind is LegKind.CONVERT:
        return Quote(spend, Amount(spend.quantity, receive), (), D(1), "trade")
    cost = spend.quantity * fee
    bought = ((spend.quantity - cost) / price).quantize(D("0.00000001"))
    return Quote(spend, Amount(bought, receive), (Amount(cost, spend.asset),), price, "preview")


def filled(quote: Quote, order_id: str = "order", part: Decimal = WHOLE) -> Fill:
    """The fill that gives `part` of what the quote offered."""
    fees = tuple(Amount(fee.quantity * part, fee.asset) for fee in quote.fees)
    spent = Amount(quote.spend.quantity * part, quote.spend.asset)
    received = Amount(quote.receive.quantity * part, quote.receive.asset)
    fee = fees[0] if fees else Amount(D(0), quote.receive.asset)
    return Fill(order_id, spent, received, fees, (Execution("trade", quote.price, spent.quantity, fee, NOON),))
