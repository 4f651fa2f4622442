"""What must hold after every trial, as one function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from domain.account import Account
from domain.leg import Unknown, is_open
from events.facts import (
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustUnroutable,
    Fact,
    HoldingsKept,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    ProceedsCarried,
    ScanCompleted,
    VenueUnreachable,
)
from events.log import Recorded
from events.money import exactly_sum
from events.values import Keep, LegKind, RefusalCode
from simulators.coinbase.ledger import USER
from tests.workers.stand import BTC, USD, USDC, Stand
from views.accounts import accounts_of
from views.ledger import ledger_of

# The most that two sweeps of three or four legs may write, and ask in each minute, whatever happens to them.
MOST_EVENTS = 80
MOST_REQUESTS_A_MINUTE = 60
LONGEST_SENTENCE = 500

F = TypeVar("F", bound=Fact)


def assert_correct(at: Stand, finished: bool) -> None:
    """The log and the venue agree, nothing was done twice, and nobody is left without an answer.

    Until the sweep has finished it may wait for one leg, whose outcome is on record as unknown, and nothing but that
    leg's assets may differ.
    """
    log = list(at.desk.log.read())
    account = accounts_of(log)["main"]
    assert account == at.desk.streams.load("main").state, "replayed from nothing, the account is another one"
    _assert_one_deed_a_leg(at, log)
    _assert_ledgers_agree(at, log, account, finished)
    _assert_purse_agrees(log, account)
    _assert_all_answered(at, log, account, finished)
    _assert_read_whole(at, log)
    _assert_readable(log)
    assert len(log) <= MOST_EVENTS
    minutes = 1 + (at.clock() - log[0].occurred_at) / timedelta(minutes=1)
    assert sum(at.twin.gate.counts().values()) <= MOST_REQUESTS_A_MINUTE * minutes


def sentences(log: Sequence[Recorded]) -> Iterator[str]:
    """Give what the log tells its owner of everything that did not go its way."""
    for recorded in log:
        match recorded.fact:
            case VenueUnreachable(detail=told) | LegOutcomeUnknown(detail=told):
                yield told
            case LegRefused(refusal=refusal) | DustConversionFailed(refusal=refusal):
                yield refusal.sentence
            case ProceedsCarried(sentence=told) | DustUnroutable(sentence=told):
                yield told
            case HoldingsKept(kept=kept):
                yield from (each.sentence for each in kept)


def _assert_one_deed_a_leg(at: Stand, log: Sequence[Recorded]) -> None:
    """Every effective order has the key of one leg, every conversion the quote of one, and no leg has two."""
    intents = [recorded.fact for recorded in log if isinstance(recorded.fact, LegRequested)]
    state = at.twin.exchange.state
    orders = Counter(order.client_order_id for order in state.orders.values() if order.filled_size)
    assert set(orders) <= {intent.key for intent in intents}, "an order that no intent speaks of"
    assert set(orders.values()) <= {1}, "two effective orders under one key"
    quoted = {intent.quote.reference: intent.leg_id for intent in intents if intent.kind is LegKind.CONVERT}
    made = [trade.trade_id for trade in state.conversions.values() if trade.committed and not trade.reason]
    assert set(made) <= set(quoted), "a conversion that no intent speaks of"
    assert set(Counter(quoted[trade] for trade in made).values()) <= {1}, "two conversions for one leg"


def _assert_ledgers_agree(at: Stand, log: Sequence[Recorded], account: Account, finished: bool) -> None:
    recorded, moved = ledger_of(log).get("main", {}), at.moved()
    legs = [leg for leg in (account.sweep.legs.values() if account.sweep else ()) if is_open(leg)]
    doubtful = {asset for leg in legs for asset in (leg.plan.spend, leg.plan.receive)}
    for asset in (recorded.keys() | moved.keys()) - (set() if finished else doubtful):
        assert recorded.get(asset, 0) == moved.get(asset, 0), f"{asset}: the log and the venue differ"
    for leg in legs:
        waits = isinstance(leg, Unknown) or account.outage[0] == "convert"
        assert waits, f"{leg.plan.leg_id} waits, and no event says for what"


def _assert_purse_agrees(log: Sequence[Recorded], account: Account) -> None:
    """What dust has earned is what moved in hub currency, and what was bought is what lots were given or hold."""
    moved = ledger_of(log).get("main", {})
    for hub in (USDC, USD):
        assert account.purse.of(hub) == moved.get(hub, 0), f"{hub}: the purse and the legs differ"
    given = [fact.proceeds.quantity for fact in _facts(log, DustConverted)]
    kept = [lot.received.quantity for lot in account.purse.owed if lot.received]
    if account.sweep is None:
        assert exactly_sum(*given, *kept) == moved.get(BTC, 0), "what was bought is not what the lots were given"


def _assert_all_answered(at: Stand, log: Sequence[Recorded], account: Account, finished: bool) -> None:
    """Every announced lot is converted once, failed with its money where the event says, or carried."""
    announced = {lot.lot_id: fact.sweep_id for fact in _facts(log, DustDetected) if fact.live for lot in fact.lots}
    converted = Counter(fact.lot_id for fact in _facts(log, DustConverted))
    failed = {fact.lot_id for fact in _facts(log, DustConversionFailed)}
    carried = {lot.lot_id for fact in _facts(log, ProceedsCarried) for lot in fact.lots}
    assert set(converted.values()) <= {1}, "a lot was converted twice"
    if finished:
        assert account.sweep is None, "the sweep is still open"
        assert account.scanned_until is not None, "no scan was completed"
    waiting = account.sweep.opened.sweep_id if account.sweep else None
    for lot_id, sweep_id in announced.items():
        assert sweep_id == waiting or lot_id in converted.keys() | failed | carried, f"{lot_id}: no answer"
    for recorded in log:
        if isinstance(recorded.fact, DustConversionFailed):
            gone = recorded.fact.refusal.code is RefusalCode.INSUFFICIENT_BALANCE
            assert recorded.fact.money or gone, f"{recorded.fact.lot_id}: no word on where its money is"
            for amount in recorded.fact.money:
                there = _balance(at, amount.asset, recorded.occurred_at)
                assert amount.quantity <= there, f"{recorded.fact.lot_id}: its money is not there"


def _assert_read_whole(at: Stand, log: Sequence[Recorded]) -> None:
    """A scan on record has seen every wallet, none with more than it had, and none empty that was not."""
    wallets = at.twin.exchange.state.wallets
    for scan in _facts(log, ScanCompleted):
        assert scan.holdings == len(wallets), "a scan of a part passed for a scan of all"
    for recorded in log:
        if isinstance(recorded.fact, HoldingsKept):
            empty = [each.asset for each in recorded.fact.kept if each.reason is Keep.ZERO]
            held = [asset for asset in empty if _balance(at, asset, recorded.occurred_at)]
            assert held == [], "what could not be read passed for nothing"
        if isinstance(recorded.fact, DustDetected):
            for lot in recorded.fact.lots:
                ever = max(at.before[lot.asset], _balance(at, lot.asset, recorded.occurred_at))
                assert lot.quantity <= ever, f"{lot.asset}: more was read than there ever was"


def _balance(at: Stand, asset: str, moment: datetime) -> Decimal:
    """What the account had of an asset, by the venue's own ledger."""
    return at.twin.exchange.ledger.balance_at(USER, asset.removeprefix("coinbase:"), moment)


def _assert_readable(log: Sequence[Recorded]) -> None:
    """Each sentence is one line of printable words, and short."""
    for sentence in sentences(log):
        assert sentence.strip() == sentence != ""
        assert sentence.isprintable()
        assert len(sentence) <= LONGEST_SENTENCE


def _facts(log: Sequence[Recorded], kind: type[F]) -> list[F]:
    return [recorded.fact for recorded in log if isinstance(recorded.fact, kind)]
