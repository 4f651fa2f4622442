"""What must be true once everything has come to rest, whatever was killed before."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from dustman.demo.audience import recorded_of
from dustman.demo.audit import Audit, audit, exchange_statement
from events.envelope import cloud_event
from events.facts import DustDetected, LegFilled, LegRequested, ScanCompleted
from events.feed import stream_key
from tests.chaos.stage import ACCOUNT, GROUP, Stage, plain_redis
from views.ledger import Ledger, add
from views.lots import Lots
from views.row import LotState

ANSWERS = {LotState.CONVERTED, LotState.CARRIED, LotState.FAILED}


def assert_whole(stage: Stage) -> None:
    """Wait until all is quiet; then log, feed, subscriber and venue must tell one story."""
    stage.rests()
    head = stage.log.head()
    stage.until(lambda: length_of_feed(stage) >= head, "the feed holds all that is in the log")
    stage.until(lambda: stage.subscriber.position >= head, "the subscriber has read it")
    assert_feed_is_the_log(stage, head)
    assert_each_leg_has_one_order(stage)
    assert_each_lot_has_its_answer(stage)
    seen = audited(stage)
    assert seen.passed, [row for row in seen.rows if not row.agrees]


def length_of_feed(stage: Stage) -> int:
    with plain_redis(stage) as client:
        return int(client.xlen(stream_key(stage.log.identity)))


def assert_feed_is_the_log(stage: Stage, head: int) -> None:
    """The stream holds every position; the subscriber saw each event once, in order and byte for byte."""
    identity = stage.log.identity
    told = [(each.position, cloud_event(each, identity).decode()) for each in stage.log.read(until=head)]
    with plain_redis(stage) as client:
        entries: Any = client.xrange(stream_key(identity), "-", f"{head}-0")
        parked = client.xlen(f"dustman:parked:{GROUP}")
    assert [entry_id for entry_id, _ in entries] == [f"{position}-0" for position, _ in told]
    assert [entry["event"] for _, entry in entries] == [event for _, event in told]
    assert stage.subscriber.seen[:head] == told
    assert parked == 0


def assert_each_leg_has_one_order(stage: Stage) -> None:
    """What the venue executed is exactly what the log calls filled: one order for each key, no key twice."""
    facts = [recorded.fact for recorded in stage.log.read()]
    keys = {fact.leg_id: fact.key for fact in facts if isinstance(fact, LegRequested)}
    filled = Counter(keys[fact.leg_id] for fact in facts if isinstance(fact, LegFilled))
    orders = stage.venue.get("/orders")["orders"]
    executed = Counter(order["client_order_id"] for order in orders if Decimal(order["filled_size"]) > 0)
    assert executed == filled
    assert set(executed.values()) <= {1}


def assert_each_lot_has_its_answer(stage: Stage) -> None:
    """No lot is left open, and no due time was scanned twice."""
    facts = [recorded.fact for recorded in stage.log.read()]
    lots = Lots()
    for recorded in stage.log.read():
        lots.apply(recorded)
    announced = {lot.lot_id for fact in facts if isinstance(fact, DustDetected) for lot in fact.lots}
    assert {lot_id for lot_id, row in lots.rows.items() if row.state in ANSWERS} == announced
    scans = Counter(fact.due for fact in facts if isinstance(fact, ScanCompleted))
    assert set(scans.values()) <= {1}


def audited(stage: Stage) -> Audit:
    """Hold the subscriber's own fold, a replay of the log and the venue's ledger against each other."""
    ledger: Ledger = {}
    lots = Lots()
    for _, event in list(stage.subscriber.seen):
        recorded = recorded_of(event.encode())
        lots.apply(recorded)
        add(ledger, recorded.fact)
    statement = exchange_statement(stage.venue.get("/ledger"), stage.venue.get("/orders"))
    return audit(ACCOUNT, ledger, lots, stage.log, statement)
