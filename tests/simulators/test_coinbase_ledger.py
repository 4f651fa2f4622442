"""The ledger of the Coinbase twin: nothing is lost, whatever is asked of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.exceptions import HTTPError

from simulators.coinbase.exchange import opened
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from simulators.exchange.ledger import FEES, USER, VENUE, BrokenLedger, Ledger
from tests.simulators.client import client_of

NOON = datetime(2026, 1, 4, 12, tzinfo=UTC)
sizes = st.decimals("0.01", "12", places=2).map(str)
products = st.sampled_from(["ADA-USDC", "XLM-USDC", "BTC-USDC"])
sales = st.tuples(st.just("sell"), products, sizes)
purchases = st.tuples(st.just("buy"), products, sizes)
conversions = st.tuples(st.just("convert"), st.sampled_from(["USD-USDC", "USDC-USD", "USDC-PYUSD"]), sizes)
fractions = st.tuples(st.just("partial"), products, st.decimals("0", "0.99", places=2).map(str))


def totals(ledger: dict[str, Any], when: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for balances in ledger[when].values():
        for asset, quantity in balances.items():
            sums[asset] = sums.get(asset, Decimal(0)) + Decimal(quantity)
    return {asset: quantity for asset, quantity in sums.items() if quantity}


def do(twin: CoinbaseTwin, client: Any, number: int, step: tuple[str, str, str]) -> None:
    verb, where, size = step
    source, target = where.split("-")
    if verb == "sell":
        client.market_order_sell(f"order {number}", where, base_size=size)
    elif verb == "buy":
        client.market_order_buy(f"order {number}", where, quote_size=size)
    elif verb == "partial":
        twin.inject(kind="partial", endpoint="create_order", fraction=size)
    elif trade_id := client.create_convert_quote(source, target, size).trade.id:
        client.commit_convert_trade(trade_id, source, target)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(sales, purchases, conversions, fractions), max_size=8), st.integers(0, 30))
def test_ledger__after_any_orders_and_conversions__has_lost_nothing(
    steps: list[tuple[str, str, str]], fee_permille: int
) -> None:
    scenario = small(
        taker_fee=str(Decimal(fee_permille) / 1000),
        requests_per_second="100000",
        burst=100000,
        wallets={code: {"available": "9.7", "decimals": 8} for code in ("ADA", "XLM", "BTC", "USD", "USDC")},
    )
    with CoinbaseTwin(scenario) as twin, client_of(twin) as client:
        for number, step in enumerate(steps):
            do(twin, client, number, step)
        ledger: Any = twin.ledger()
        assert totals(ledger, "balances") == totals(ledger, "opening")
        fees = sum(Decimal(order.total_fees) for order in client.list_orders().orders)
        assert fees == sum(Decimal(quantity) for quantity in ledger["balances"]["fees"].values())
        for account in client.get_accounts().accounts:
            shown = Decimal(account.available_balance["value"])
            assert shown == Decimal(ledger["balances"]["user"].get(account.currency, "0")) >= 0
            assert shown == round(shown, 8)


def test_movement__that_overdraws__is_a_defect() -> None:
    ledger = Ledger(opened(small(), 0))
    with pytest.raises(BrokenLedger, match="overdraws user ADA"):
        ledger.move(NOON, USER, VENUE, "ADA", Decimal("1.01"), "trade", "")


def test_movement__of_nothing__is_a_defect() -> None:
    ledger = Ledger(opened(small(), 0))
    with pytest.raises(BrokenLedger, match="is not above zero"):
        ledger.move(NOON, USER, FEES, "ADA", Decimal(0), "fee", "")


def test_balance__at_a_moment__leaves_out_what_came_later() -> None:
    ledger = Ledger(opened(small(), 0))
    for minutes in (0, 10, 20):
        ledger.move(NOON + timedelta(minutes=minutes), USER, VENUE, "XLM", Decimal(1), "trade", "")
    seen = [ledger.balance_at(USER, "XLM", NOON + timedelta(minutes=minutes)) for minutes in (-1, 0, 15, 20)]
    assert seen == [3, 2, 1, 0]


def test_numbers__beyond_the_default_precision__stay_exact() -> None:
    huge, tiny = Decimal("123456789012345678901234567890"), Decimal("0.000000000000000001")
    state = opened(small(wallets={"SHIB": {"available": str(huge)}}), 0)
    ledger = Ledger(state)
    ledger.move(NOON, USER, VENUE, "SHIB", tiny, "trade", "")
    ledger.move(NOON, VENUE, USER, "SHIB", tiny, "trade", "")
    assert ledger.balance(USER, "SHIB") == huge


def test_repetition__of_any_seed__gives_the_same_venue() -> None:
    def history(seed: int) -> Any:
        start = {"start": "2026-01-04T02:00:00Z", "frozen": True}
        with CoinbaseTwin(small(clock=start), seed=seed) as twin, client_of(twin) as client:
            client.market_order_sell("one", "ADA-USDC", base_size="1")
            with pytest.raises(HTTPError):
                client.get_order("nothing")
            twin_history: Any = twin.ledger()
            return [movement["reference"] for movement in twin_history["movements"]]

    assert history(1) == history(1) != history(2)
