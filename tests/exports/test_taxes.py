"""What tax programs are given: exact files, and totals that are the log's."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ImpossibleHistory
from dustman.exports.cells import guarded
from dustman.exports.forms import TAX, Form, write
from dustman.period import Period
from events.facts import AccountFact, DustDetected, LegFilled, RewardsClaimed
from events.log import EventLog
from events.memory import MemoryLog
from events.money import Amount, exactly_less, exactly_sum
from events.records import replace
from events.values import Block, Proof, Reward, Source
from tests.domain.controls import D
from tests.events.clocks import SetClock
from tests.exports.stories import AT, WORDS, Scan, awkward, record, swept_account
from views.ledger import ledger_of
from views.trades import EARNED, NOT_EARNED, Income, Trade, movements_of

GOLDEN = Path(__file__).with_name("golden")
SCANS = st.lists(
    st.tuples(
        st.integers(0, 124), st.integers(0, 499), st.integers(0, 32), st.lists(st.sampled_from(WORDS), max_size=8)
    ),
    min_size=1,
    max_size=3,
)


def log_of(*stories: Sequence[AccountFact], seed: int = 1) -> EventLog:
    clock = SetClock()
    log = MemoryLog("log-1", clock)
    record(log, clock, stories, Random(seed))
    return log


def exported(form: Form, log: EventLog, account: str = "", period: Period | None = None) -> list[dict[str, str]]:
    file = io.BytesIO()
    count = write(form, log, account, period or Period(), file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert len(rows) == count
    return rows


@pytest.mark.parametrize("form", TAX)
def test_tax_export__of_an_awkward_story__is_the_golden_file(form: Form) -> None:
    file = io.BytesIO()
    write(form, log_of(awkward()), "", Period(), file)
    assert file.getvalue().decode() == (GOLDEN / f"{form}.csv").read_text()


@settings(max_examples=60, deadline=None)
@given(first=SCANS, second=SCANS, seed=st.integers(0, 99))
def test_tax_export__of_random_sweeps__adds_up_to_the_ledger(first: list[Scan], second: list[Scan], seed: int) -> None:
    log = log_of(swept_account("main", first), swept_account("other", second), seed=seed)
    ledger = ledger_of(log.read())
    for account in ("main", "other"):
        moved = {
            asset.removeprefix("coinbase:"): change for asset, change in ledger.get(account, {}).items() if change != 0
        }
        assert _moved(exported(Form.KOINLY, log, account), "Sent Amount", "Received Amount", "Fee Amount") == moved
        tracked = exported(Form.COINTRACKER, log, account)
        assert _moved(tracked, "Sent Quantity", "Received Quantity", "Fee Amount") == moved
        rotki = exported(Form.ROTKI_TRADES, log, account)
        assert _moved(rotki, "Spend Amount", "Receive Amount", "Fee") == moved
        assert exported(Form.ROTKI_EVENTS, log, account) == []
    orders = [row["TxHash"] for row in exported(Form.KOINLY, log)]
    fills = [recorded.fact.fill.order_id for recorded in log.read() if isinstance(recorded.fact, LegFilled)]
    assert orders == fills


def _moved(rows: list[dict[str, str]], sent: str, received: str, fee: str) -> dict[str, Decimal]:
    """Add up a file as its importer does."""
    moved: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        for amount in (sent, received, fee):
            if row[amount]:
                assert set(row[amount]) <= set("0123456789."), row
                asset = row[amount.replace(" Amount", "").replace(" Quantity", "") + " Currency"]
                change = Decimal(row[amount])
                moved[asset] = (exactly_sum if amount == received else exactly_less)(moved[asset], change)
    return {asset: change for asset, change in moved.items() if change != 0}


def test_tax_export__a_route_over_a_hub__is_two_disposals() -> None:
    log = log_of(swept_account("main", [(120, 490, 0, [])]))
    _, sold, bought = movements_of(log.read())
    assert isinstance(sold, Trade)
    assert isinstance(bought, Trade)
    assert (sold.sent.asset, sold.received.asset) == ("coinbase:ADA", "coinbase:USDC")
    assert (bought.sent.asset, bought.received.asset) == ("coinbase:USDC", "coinbase:BTC")
    assert sold.value == sold.received.quantity == D("0.48")
    assert bought.value == bought.sent.quantity
    assert sold.fee == Amount(D("0.00576"), "coinbase:USDC")


def test_tax_export__equal_orders_at_one_time__stay_apart_for_rotki() -> None:
    rows = [row for row in exported(Form.ROTKI_TRADES, log_of(awkward())) if row["Spend Currency"] == "ADA"]
    first, second = (int(row["Timestamp"]) for row in rows)
    assert (first, second) == (int(AT.timestamp()) * 1000 + 987, first + 1)


def test_tax_export__a_reward__is_income_and_then_a_disposal() -> None:
    log = log_of(awkward())
    (income,) = (each for each in movements_of(log.read()) if isinstance(each, Income))
    assert (income.received.asset, income.value) == ("coinbase:DOGE", D("0.4000000000000000001"))
    doge = [row for row in exported(Form.KOINLY, log) if "DOGE" in row["Sent Currency"] + row["Received Currency"]]
    assert [row["Label"] for row in doge] == ["reward", ""]


def test_tax_export__every_source__is_classed_as_income_or_not() -> None:
    assert set(Source) == EARNED | NOT_EARNED
    assert not EARNED & NOT_EARNED


def test_tax_export__a_claim_of_ours__is_income_when_it_arrived_and_not_again_when_it_is_sold() -> None:
    opened, *rest = awkward()
    assert isinstance(opened, DustDetected)
    arrived = Reward(Amount(D("4.000000000000000001"), "coinbase:DOGE"), D("0.5"))
    claim = RewardsClaimed("main", "evm", "claim", Source.KING_CLAIM, None, (arrived,), "USD", "0xaa", Block(7, "0xbb"))
    lots = tuple(replace(lot, proof=Proof("0xaa", 7)) for lot in opened.lots)
    log = log_of([claim, replace(opened, lots=lots), *rest])
    (income,) = (each for each in movements_of(log.read()) if isinstance(each, Income))
    assert (income.received, income.value, income.reference) == (arrived.amount, D("0.5"), "0xaa")


def test_tax_export__a_redemption__is_a_disposal_for_each_part_of_the_basket_by_its_value() -> None:
    king, eigen, ethfi = (f"eip155:1/erc20:0x{name * 20}" for name in ("aa", "bb", "cc"))
    parts = (Reward(Amount(D(20), eigen), D(24)), Reward(Amount(D(10), ethfi), D(9)))
    spent = Amount(D("0.1"), king)
    claim = RewardsClaimed("main", "evm", "claim", Source.KING_REDEEM, spent, parts, "USD", "0xaa", Block(7, "0xbb"))
    first, second = movements_of(log_of([claim]).read())
    assert isinstance(first, Trade)
    assert isinstance(second, Trade)
    assert (first.received, first.value, second.received) == (parts[0].amount, D(24), parts[1].amount)
    assert first.sent + second.sent == spent
    assert abs(first.sent.quantity - D("0.1") * 24 / 33) < D("1e-7")


def test_tax_export__of_a_period__goes_by_the_time_of_execution() -> None:
    log = log_of(awkward())
    second = timedelta(seconds=1)
    assert exported(Form.ROTKI_TRADES, log, period=Period(since=AT + second)) == []
    assert exported(Form.ROTKI_TRADES, log, period=Period(until=AT)) == []
    assert len(exported(Form.ROTKI_TRADES, log, period=Period(since=AT, until=AT + second))) == 6
    assert len(exported(Form.ROTKI_TRADES, log, period=Period(since=3, until=4))) == 2


def test_tax_export__of_another_account__is_empty() -> None:
    assert exported(Form.KOINLY, log_of(awkward()), account="other") == []


@pytest.mark.parametrize(
    ("fees", "sent", "received", "fee"),
    [
        ([], "2", "10", None),
        ([("A", "1")], "1", "10", ("A", "1")),
        ([("B", "1"), ("B", "2")], "2", "13", ("B", "3")),
        ([("A", "1"), ("B", "2")], "2", "12", ("B", "2")),
        ([("A", "1"), ("C", "5")], "2", "10", ("C", "5")),
        ([("B", "-1")], "2", "10", None),
    ],
)
def test_trade__its_fee__is_paid_on_top_of_what_is_written(
    fees: list[tuple[str, str]], sent: str, received: str, fee: tuple[str, str] | None
) -> None:
    opened, sale, *_ = awkward()
    assert isinstance(sale, LegFilled)
    amounts = tuple(Amount(D(quantity), f"x:{name}") for name, quantity in fees)
    fill = replace(sale.fill, spent=Amount(D(2), "x:A"), received=Amount(D(10), "x:B"), fees=amounts)
    assert isinstance(opened, DustDetected)
    opened = replace(opened, policy=replace(opened.policy, hubs=("x:B",)))
    (trade,) = movements_of(log_of([opened, replace(sale, fill=fill)]).read())
    assert isinstance(trade, Trade)
    assert (trade.sent.quantity, trade.received.quantity) == (D(sent), D(received))
    assert trade.fee == (Amount(D(fee[1]), f"x:{fee[0]}") if fee else None)


def test_trade__without_a_hub_currency__is_worth_what_its_lot_was() -> None:
    opened, sale, *_ = awkward()
    assert isinstance(opened, DustDetected)
    opened = replace(opened, policy=replace(opened.policy, hubs=()))
    (trade,) = movements_of(log_of([opened, sale]).read())
    assert (trade.value, trade.currency) == (D("0.12"), "USD")
    with pytest.raises(ImpossibleHistory, match="so it has no value"):
        list(movements_of(log_of([opened, awkward()[6]]).read()))


def test_trade__of_a_sweep_that_is_not_open__stops() -> None:
    with pytest.raises(ImpossibleHistory, match="position 1: a leg of sweep, which is not open"):
        list(movements_of(log_of(awkward()[1:2]).read()))


def test_trade__with_fees_in_two_other_assets__is_refused() -> None:
    opened, sale, *_ = awkward()
    assert isinstance(sale, LegFilled)
    fill = replace(sale.fill, fees=(Amount(D(1), "x:C"), Amount(D(1), "x:D")))
    with pytest.raises(ImpossibleHistory, match="fees in 2 assets"):
        list(movements_of(log_of([opened, replace(sale, fill=fill)]).read()))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1", "＝1"])
def test_cells__text_that_begins_a_formula__begins_with_an_apostrophe(name: str) -> None:
    assert guarded(name) == f"'{name}"
    assert guarded("BTC") == "BTC"
