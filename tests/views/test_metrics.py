"""The log as numbers: what each event adds, and that a restart changes none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from events.facts import (
    DustConverted,
    DustDetected,
    DustInstructed,
    DustUnroutable,
    EthReserved,
    Fact,
    FundingCompleted,
    FundingDeclined,
    FundingOpened,
    HoldingsKept,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    LegRequested,
    ReservationReleased,
    StrategyMeasured,
    StrategyNotMeasured,
)
from events.log import NewEvent, Recorded
from events.memory import MemoryLog
from events.money import Amount
from events.records import replace
from events.sqlite import SQLiteLog
from events.values import Keep, Kept, Unmeasured
from tests.events.clocks import SetClock
from tests.events.samples import LATER, SAMPLES
from tests.views import chronicle
from tests.views.stories import story
from views import measures
from views.ledger import ledger_of
from views.measures import Kind, Measure
from views.metrics import Metrics

D = Decimal
F = TypeVar("F")
Numbers = dict[tuple[str, ...], Decimal]


def sample(kind: type[F]) -> F:
    return next(fact for fact in SAMPLES if isinstance(fact, kind))


def folded(log: Sequence[Recorded], venue: str = "coinbase") -> Metrics:
    metrics = Metrics({"main": venue})
    for recorded in log:
        metrics.apply(recorded)
    return metrics


def numbers(metrics: Metrics, measure: Measure) -> Numbers:
    return {labels: value for found, labels, value in metrics.samples() if found is measure}


def recorded(*facts: Fact) -> list[Recorded]:
    clock, log = SetClock(), MemoryLog("metrics", SetClock())
    for number, fact in enumerate(facts):
        stream = f"stream-{number}"
        log.append(stream, 0, [NewEvent(stream, fact, clock(), "test")])
    return list(log.read())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Recorded]]:
    log = SQLiteLog(Path(tmp_path_factory.mktemp("metrics"), "log.db"), SetClock())
    chronicle.write(log)
    yield list(log.read())
    log.close()


def test_samples__of_everything_that_can_happen__are_of_every_measure_of_the_log(whole: list[Recorded]) -> None:
    found = {sample.measure for sample in folded(whole).samples()}
    of_the_process = {
        measures.LOG_UP, measures.HEAD, measures.VIEW,
        measures.FEED_UP, measures.FEED_LAG, measures.CONSUMER_LAG, measures.PARKED,
    }  # fmt: skip
    assert set(measures.ALL) - found == of_the_process | {measures.OTHER_FEES, measures.REORGS}


def test_samples__each__has_the_labels_of_its_measure_and_is_there_once(whole: list[Recorded]) -> None:
    samples = list(folded(whole).samples())
    assert all(len(sample.labels) == len(sample.measure.labels) for sample in samples)
    assert len({(sample.measure, sample.labels) for sample in samples}) == len(samples)
    assert all(label for sample in samples for label in sample.labels)


def test_counters__as_the_log_grows__never_go_back(whole: list[Recorded]) -> None:
    metrics, before = Metrics(), dict[tuple[Measure, tuple[str, ...]], Decimal]()
    for each in whole:
        metrics.apply(each)
        now = {key: value for key, value in metrics.counts.items() if key[0].kind is Kind.COUNTER}
        assert all(now[key] >= value for key, value in before.items())
        before = now
    assert before


def test_fold__in_two_parts__gives_what_one_gives(whole: list[Recorded]) -> None:
    metrics = folded(whole[:100])
    for each in whole[100:]:
        metrics.apply(each)
    assert sorted(metrics.samples()) == sorted(folded(whole).samples())
    assert metrics.position == whole[-1].position


def test_names__each__follow_prometheus() -> None:
    names = [measure.name for measure in measures.ALL]
    assert len(set(names)) == len(names)
    for measure in measures.ALL:
        assert measure.name.endswith("_total") == (measure.kind is Kind.COUNTER), measure.name
        assert measure.meaning.endswith("."), measure.name


def test_conversion__of_two_lots__counts_them_and_adds_up_to_the_ledger() -> None:
    log = story("converted").log
    metrics = folded(log)
    at = ("main", "coinbase")
    assert numbers(metrics, measures.CONVERTED) == {at: D(2)}
    assert numbers(metrics, measures.DETECTED) == {(*at, "live"): D(2)}
    assert numbers(metrics, measures.PROCEEDS) == {(*at, "coinbase:BTC"): ledger_of(log)["main"]["coinbase:BTC"]}
    assert numbers(metrics, measures.SWEEPS) == {at: D(1)}
    assert numbers(metrics, measures.OPEN_LEGS) == {(*at, "requested"): D(0), (*at, "unknown"): D(0)}
    assert numbers(metrics, measures.OPEN_SINCE) == numbers(metrics, measures.OLDEST_LEG) == {}


def test_lost_answer__until_it_is_settled__is_open_since_it_was_asked() -> None:
    log = story("unknown").log
    metrics = folded(log)
    (asked,) = [each.fact.requested_at for each in log if isinstance(each.fact, LegRequested)]
    at = ("main", "coinbase", "unknown")
    assert numbers(metrics, measures.OPEN_LEGS)[at] == 1
    assert numbers(metrics, measures.OLDEST_LEG) == {at: D(str(asked.timestamp()))}
    assert numbers(metrics, measures.LEGS)[at] == 1


def test_outage__until_the_venue_answers__is_a_venue_that_is_down() -> None:
    at = ("main", "coinbase")
    away, back = folded(story("away").log), folded(story("away, then converted").log)
    assert numbers(away, measures.REACHED) == {at: D(0)}
    assert numbers(back, measures.REACHED) == {at: D(1)}
    assert numbers(away, measures.SCANS) == {}
    assert numbers(back, measures.OUTAGES) == numbers(away, measures.OUTAGES) == {(*at, "scan"): D(1)}


def test_trade__that_is_funded__is_promised_its_eth_and_gas_until_it_is_released() -> None:
    facts: list[Fact] = [sample(EthReserved), sample(FundingOpened), sample(FundingCompleted), sample(FundingDeclined)]
    at = ("main", "evm")
    during, after = folded(recorded(*facts[:2]), "evm"), folded(recorded(*facts), "evm")
    assert numbers(during, measures.OPEN_RESERVATIONS) == {at: D(1)}
    assert numbers(during, measures.RESERVED) == {at: D("0.1")}
    assert set(numbers(during, measures.OPEN_SINCE)) == {at}
    assert numbers(after, measures.OPEN_SINCE) == {}
    assert numbers(after, measures.RESERVATIONS) == {(*at, "converted"): D(1)}
    assert numbers(after, measures.FUNDINGS) == {(*at, "covered"): D(1)}
    assert numbers(after, measures.FUNDED_VALUE) == {(*at, "USD"): D("213.9")}
    assert numbers(after, measures.FUNDED) == {at: D("0.0713")}
    assert numbers(after, measures.DECLINED) == {(*at, "not_possible"): D(1)}
    ended = folded(recorded(*facts, sample(ReservationReleased)), "evm")
    assert numbers(ended, measures.RESERVED) == numbers(ended, measures.OPEN_RESERVATIONS) == {}


def test_conversion__for_a_trade_that_fell_short__is_counted_apart() -> None:
    short = replace(sample(FundingCompleted), covered=False, spent=(), received=Amount(D(0), "eip155:42161/slip44:60"))
    metrics = folded(recorded(sample(EthReserved), sample(FundingOpened), short), "evm")
    assert numbers(metrics, measures.FUNDINGS) == {("main", "evm", "fell_short"): D(1)}
    assert numbers(metrics, measures.OPEN_SINCE) == {}


def test_failed_lots__of_a_sweep__count_with_the_value_they_were_announced_at() -> None:
    log = story("unbought").log
    (opened,) = [each.fact for each in log if isinstance(each.fact, DustDetected)]
    metrics = folded(log)
    assert sum(numbers(metrics, measures.FAILED).values()) == len(opened.lots)
    assert sum(numbers(metrics, measures.FAILED_VALUE).values()) == opened.total
    assert sum(numbers(metrics, measures.CARRIED).values()) > 0


def test_unroutable__until_something_else_is_said_of_the_asset__has_its_value() -> None:
    stuck = sample(DustUnroutable)
    other = replace(stuck, asset="coinbase:ADA", value=D("0.25"))
    kept = HoldingsKept("main", "scan-2", (Kept(other.asset, D(0), Keep.ZERO, "none is left"),))
    at = ("main", "coinbase", stuck.reason.value)
    metrics = folded(recorded(stuck, other, stuck))
    assert numbers(metrics, measures.UNROUTABLE) == {at: D(2)}
    assert numbers(metrics, measures.UNROUTABLE_VALUE) == {(*at, "USD"): stuck.value + D("0.25")}
    assert numbers(folded(recorded(stuck, other, kept)), measures.UNROUTABLE) == {at: D(1)}


def test_fees__in_a_strangers_token__are_counted_and_make_no_label() -> None:
    log = story("converted").log
    strange = [
        each
        if not isinstance(each.fact, DustConverted)
        else replace(each, fact=replace(each.fact, fees=(Amount(D(1), "eip155:1/erc20:0xFREE-AIRDROP"),)))
        for each in log
    ]
    metrics = folded(strange)
    assert numbers(metrics, measures.FEES) == {}
    assert numbers(metrics, measures.OTHER_FEES) == {("main", "coinbase"): D(2)}


def test_venue__of_an_account_that_settings_no_longer_have__is_what_its_facts_named() -> None:
    metrics = Metrics()
    for each in story("converted").log:
        metrics.apply(each)
    assert numbers(metrics, measures.SWEEPS) == {("main", "coinbase"): D(1)}


def test_strategy__measured_and_then_in_doubt__keeps_its_last_numbers_and_counts_the_doubt() -> None:
    measured = sample(StrategyMeasured)
    name = measured.strategy
    doubt = StrategyNotMeasured(
        name, "m-2", measured.due, measured.measured_at, measured.mode, Unmeasured.EQUITY_STALE, "an hour old"
    )
    metrics = folded(recorded(measured, doubt))
    assert numbers(metrics, measures.RATIO) == {(name,): measured.ratio}
    assert numbers(metrics, measures.STRATEGY_DUST) == {(name, measured.currency): measured.total}
    assert numbers(metrics, measures.EXCEEDS) == {(name,): D(measured.exceeds)}
    assert numbers(metrics, measures.DOUBTS) == {(name, "equity_stale"): D(1)}


def test_instructions__that_need_approval__are_a_time_while_they_wait_and_counted_when_answered() -> None:
    waits = replace(sample(DustInstructed), approval_until=LATER)
    name = waits.strategy
    metrics = folded(recorded(waits))
    assert numbers(metrics, measures.AWAITED) == {(name,): D(str(LATER.timestamp()))}
    none = {(name, word): D(0) for word in measures.POSSIBLE_ANSWERS}
    assert numbers(metrics, measures.ANSWERS) == none
    assert numbers(folded(recorded(replace(waits, approval_until=None))), measures.ANSWERS) == {}
    answers: dict[str, Fact] = {
        "approved": sample(InstructionsApproved),
        "cancelled": sample(InstructionsCancelled),
        "expired": sample(InstructionsExpired),
    }
    for word, answer in answers.items():
        metrics = folded(recorded(waits, answer))
        assert numbers(metrics, measures.AWAITED) == {}
        assert numbers(metrics, measures.ANSWERS) == none | {(name, word): D(1)}
