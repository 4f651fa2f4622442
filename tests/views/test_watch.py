"""What is worth an alert: given events and the passing of time, these alerts and no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace as changed
from datetime import timedelta
from decimal import Decimal
from itertools import count, pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from domain.identity import strategy_stream, stream_of
from events.facts import (
    AccountWentLive,
    ConversionsHalted,
    ConversionsResumed,
    DustInstructed,
    DustUnroutable,
    Fact,
    FundingDeclined,
    HoldingsKept,
    InstructionsExpired,
    ScanCompleted,
    StrategyFact,
    StrategyMeasured,
    StrategyNotMeasured,
    VenueUnreachable,
)
from events.log import Recorded
from events.records import replace
from events.sqlite import SQLiteLog
from events.values import Keep, Kept
from tests.events.clocks import SetClock
from tests.events.samples import AT, LATER, SAMPLES, new
from tests.views import chronicle
from tests.views.stories import STORIES, story
from views.alarms import Alarm, Level, Limits
from views.watch import Alert, Watch

D = Decimal
F = TypeVar("F")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIMITS = Limits(next_digest=lambda at: (at + DAY).replace(hour=8, minute=0, second=0, microsecond=0))
OUTAGE = VenueUnreachable("main", "coinbase", "scan", "scan-1", "no answer within 10 s")
HALT, RESUMED = ConversionsHalted("main", "holiday"), ConversionsResumed("main")


def sample(kind: type[F]) -> F:
    return next(fact for fact in SAMPLES if isinstance(fact, kind))


SCAN, STUCK = sample(ScanCompleted), sample(DustUnroutable)
MEASURED, DOUBTED = sample(StrategyMeasured), sample(StrategyNotMeasured)
OVER, BELOW = replace(MEASURED, exceeds=True), replace(MEASURED, exceeds=False)


class Story:
    """A watch, and a clock that only the story moves."""

    def __init__(self, **limits: object) -> None:
        self.watch = Watch("log", changed(LIMITS, **limits), frozenset({"main", "other"}))  # type: ignore[arg-type]
        self.now = AT
        self.numbers = count(1)

    def happens(self, *facts: Fact) -> list[Alert]:
        return [alert for fact in facts for alert in self.watch.apply(self._recorded(fact))]

    def waits(self, time: timedelta) -> list[Alert]:
        self.now += time
        return self.watch.tick(self.now)

    def _recorded(self, fact: Fact) -> Recorded:
        self.now += timedelta(microseconds=1)
        stream = strategy_stream(fact.strategy) if isinstance(fact, StrategyFact) else stream_of(fact.account)
        number = next(self.numbers)
        event = new(str(number), fact)
        return Recorded(
            number, stream, number, event.event_id, "type", 1, b"", fact, self.now, self.now, event.correlation_id, None
        )


def titles(alerts: Sequence[Alert]) -> list[str]:
    return [alert.title for alert in alerts]


def test_halt__is_told_once_and_its_end_without_a_sound() -> None:
    at = Story()
    (told,) = at.happens(HALT)
    assert (told.title, told.text, told.silent) == ("main: account halted", "main is halted: holiday", False)
    assert at.happens(ScanCompleted("main", "s", AT, 1, 1, 0, D(0), "USD", {}, True)) == []
    assert at.waits(2 * HOUR) == []
    (over,) = at.happens(RESUMED)
    assert (over.title, over.silent) == ("main: account resumed", True)
    assert "It took 2:00:00. Before: main is halted: holiday" in over.text


def test_outage__shorter_than_the_limit__is_not_told_nor_its_end() -> None:
    at = Story()
    assert at.happens(OUTAGE) + at.waits(14 * MINUTE) + at.happens(SCAN) + at.waits(HOUR) == []


def test_outage__that_lasts__is_told_when_it_did_for_the_limit_and_so_is_its_end() -> None:
    at = Story()
    assert at.happens(OUTAGE) + at.waits(14 * MINUTE) + at.happens(replace(OUTAGE, about="scan-2")) == []
    (told,) = at.waits(MINUTE)
    assert told.title == "main: venue unreachable"
    assert told.text == "main: coinbase could not be reached (scan): no answer within 10 s"
    assert told.at == AT + timedelta(microseconds=1) + 15 * MINUTE
    (over,) = at.happens(SCAN)
    assert (over.title, over.silent) == ("main: venue recovered", False)


def test_recovery__of_what_the_owner_switched_off__is_not_told_either() -> None:
    at = Story(levels={Alarm.VENUE_UNREACHABLE: Level.OFF})
    assert at.happens(OUTAGE) + at.waits(HOUR) + at.happens(SCAN) == []


def test_flapping__within_the_window__is_one_alert_and_a_count() -> None:
    at = Story(levels={Alarm.ACCOUNT_RESUMED: Level.OFF})
    assert titles(at.happens(*(HALT, RESUMED) * 5)) == ["main: account halted"]
    (more,) = at.waits(HOUR)
    assert (more.count, more.text) == (4, "4 more of the same, the last: main is halted: holiday")
    assert at.waits(HOUR) == []
    assert titles(at.happens(HALT)) == ["main: account halted"]


def test_alarms__of_other_accounts_or_kinds__do_not_collapse() -> None:
    at = Story()
    assert titles(at.happens(HALT, ConversionsHalted("other", ""), OUTAGE) + at.waits(15 * MINUTE)) == [
        "main: account halted", "other: account halted", "main: venue unreachable",
    ]  # fmt: skip


def test_account__that_settings_do_not_have__is_left_alone() -> None:
    assert Story().happens(ConversionsHalted("former", "")) == []


def test_digest__at_its_time__has_a_line_for_each_kind_with_a_count() -> None:
    at = Story()
    assert at.happens(STUCK, replace(STUCK, asset="coinbase:ADA", value=D("0.2")), sample(DustInstructed)) == []
    (digest,) = [each for each in at.waits(2 * DAY) if each.title == "digest"]
    assert digest.at == AT.replace(hour=8) + DAY
    stays, sold = digest.text.splitlines()
    assert stays == "main: ADA worth 0.2 USD has no way out: below_minimum (and 1 more)"
    instructed = sample(DustInstructed)
    assert sold.startswith(f"{MEASURED.strategy}: 1 lots worth {instructed.total} USD are to be sold, for")
    assert (digest.count, digest.silent) == (3, True)
    assert at.waits(2 * DAY) == []


def test_levels__of_the_owner__decide() -> None:
    live = AccountWentLive("main", "9f86", D(25), D(50), "USD")
    assert titles(Story().happens(live)) == ["main: account went live"]
    assert Story(levels={Alarm.ACCOUNT_WENT_LIVE: Level.OFF}).happens(live) == []
    assert Story(levels={Alarm.ACCOUNT_WENT_LIVE: Level.DIGEST}).happens(live) == []
    (silent,) = Story(levels={Alarm.ACCOUNT_WENT_LIVE: Level.SILENT}).happens(live)
    assert silent.silent


def test_unroutable__that_grows__is_told_once_for_all_that_a_scan_said() -> None:
    at = Story(levels={Alarm.DUST_UNROUTABLE: Level.OFF})
    for number, value in enumerate(("3", "1.9", "0.2", "4")):
        assert at.happens(replace(STUCK, asset=f"coinbase:A{number}", value=D(value))) == []
    (told,) = at.waits(2 * MINUTE)
    assert told.text == "main: dust without a way out grew from 0 to 9.1 USD"
    assert at.happens(replace(STUCK, asset="coinbase:B", value=D("4.9"))) + at.waits(HOUR) == []
    gone = HoldingsKept("main", "s", (Kept("coinbase:A3", D(0), Keep.ZERO, "none is left"),))
    at.happens(gone, replace(STUCK, asset="coinbase:C", value=D("4.1")))
    (more,) = at.waits(HOUR)
    assert more.text == "main: dust without a way out grew from 9.1 to 14.1 USD"


def test_trade__that_gets_no_eth__is_told_with_the_reason_and_what_was_possible() -> None:
    at, declined = Story(), sample(FundingDeclined)
    (told,) = at.happens(declined)
    assert told.title == "main: funding declined"
    assert told.text == (
        "main: trade trade-2 got none of its 5 ETH: what may be converted is not enough; "
        "the most a trade could have is 0.3 ETH"
    )
    assert not at.happens(replace(declined, trade="trade-3", largest=None, gap=None, reason="the node is away"))
    (more,) = at.waits(HOUR)
    assert more.text == "1 more of the same, the last: main: trade trade-3 got none of its 5 ETH: the node is away"


def test_scan__that_is_overdue__is_told_once_until_there_is_another() -> None:
    at = Story()
    assert at.happens(SCAN) + at.waits(8 * DAY - MINUTE) == []
    assert titles(at.waits(MINUTE)) == ["main: scan overdue"]
    assert at.waits(30 * DAY) + at.happens(replace(SCAN, scan_id="2")) == []
    assert titles(at.waits(8 * DAY)) == ["main: scan overdue"]


def test_strategy__over_its_threshold__is_told_at_the_last_of_n_in_a_row() -> None:
    at = Story()
    assert at.happens(OVER, OVER, BELOW, OVER, DOUBTED, OVER) == []
    (told,) = at.happens(OVER)
    assert told.title == f"{MEASURED.strategy}: strategy over"
    assert "over it 3 times in a row" in told.text
    assert at.happens(OVER, OVER) == []
    assert titles(at.happens(BELOW)) == [f"{MEASURED.strategy}: strategy below"]
    (told,) = Story().happens(*[replace(OVER, sentence="")] * 3)
    assert told.text.endswith("over it 3 times in a row")


def test_strategy__in_doubt__is_told_at_the_last_of_n_in_a_row() -> None:
    at = Story(over_intervals=2)
    assert at.happens(DOUBTED, BELOW, DOUBTED) == []
    assert titles(at.happens(DOUBTED)) == [f"{MEASURED.strategy}: strategy unmeasured"]
    assert titles(at.happens(BELOW)) == [f"{MEASURED.strategy}: strategy measured again"]


def test_strategy__of_an_accounts_name__ends_nothing_of_the_account() -> None:
    at = Story(over_intervals=1)
    at.happens(HALT)
    assert titles(at.happens(replace(OVER, strategy="main"))) == ["main: strategy over"]
    assert titles(at.happens(replace(BELOW, strategy="main"))) == ["main: strategy below"]
    assert titles(at.happens(RESUMED)) == ["main: account resumed"]


def told_of(name: str, *waits: timedelta, **limits: object) -> list[Alert]:
    log = story(name).log
    at = Story(**limits)
    alerts = [alert for each in log for alert in at.watch.apply(each)]
    at.now = log[-1].recorded_at
    return alerts + [alert for time in waits for alert in at.waits(time)]


def test_lost_answer__of_a_real_sweep__is_told_when_it_stays_lost() -> None:
    told = [each for each in told_of("unknown", HOUR) if each.title == "main: outcome unknown"]
    (asked,) = [each.fact for each in story("unknown").log if each.type == "leg_requested"]
    assert len(told) == 1
    assert told[0].at == asked.requested_at + 15 * MINUTE  # type: ignore[union-attr]
    assert "sell ADA-USDC; do not trade by hand" in told[0].text


def test_sweep__of_real_workers__is_told_as_it_ended() -> None:
    assert "main: sweep failed" in titles(told_of("unbought"))
    assert "main: sweep failed" not in titles(told_of("converted", 2 * DAY))
    (digest,) = [each for each in told_of("converted", 2 * DAY) if each.title == "digest"]
    assert "2 converted, 0 carried, 0 failed" in digest.text


def test_carried_proceeds__of_a_real_sweep__are_told_when_they_waited_long() -> None:
    assert "main: proceeds carried" not in titles(told_of("unbought", 13 * DAY))
    assert "main: proceeds carried" in titles(told_of("unbought", 15 * DAY))
    assert "main: proceeds carried" not in titles(told_of("unbought, then bought", 15 * DAY))
    assert "main: proceeds carried" not in titles(told_of("converted", 15 * DAY))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Recorded]]:
    clock = SetClock()
    log = SQLiteLog(Path(tmp_path_factory.mktemp("watch"), "log.db"), clock)
    chronicle.write(log)
    yield list(log.read())
    log.close()


def watching() -> Watch:
    return Watch("log", LIMITS, frozenset(name.replace(", ", "-").replace(" ", "_") for name in STORIES) | {"wallet"})


def test_watch__folded_again_with_time_passing_otherwise__tells_the_same(whole: list[Recorded]) -> None:
    once, often = watching(), watching()
    first = [alert for each in whole for alert in once.apply(each)] + once.tick(LATER + 400 * DAY)
    second: list[Alert] = []
    for each in whole:
        second += often.tick(each.recorded_at - timedelta(microseconds=1))
        second += often.apply(each)
    for days in range(400):
        second += often.tick(LATER + days * DAY)
    second += often.tick(LATER + 400 * DAY)
    assert len(first) > 20
    assert first == second


def test_places__of_alerts__never_go_back_and_ids_are_their_own(whole: list[Recorded]) -> None:
    watch = watching()
    told = [alert for each in whole for alert in watch.apply(each)] + watch.tick(LATER + 400 * DAY)
    assert all((a.position, a.at) <= (b.position, b.at) for a, b in pairwise(told))
    assert len({alert.alert_id for alert in told}) == len(told)
    assert all(len(line) <= 520 for alert in told for line in alert.text.splitlines())


def test_watch__begun_again_behind_any_place__tells_all_that_comes_after_it(whole: list[Recorded]) -> None:
    watch = watching()
    told = [alert for each in whole for alert in watch.apply(each)] + watch.tick(LATER + 400 * DAY)
    for place in {(alert.position, alert.at) for alert in told}:
        again = watching()
        left = [alert for each in whole for alert in again.apply(each)] + again.tick(LATER + 400 * DAY)
        after = [alert for alert in left if (alert.position, alert.at) > place]
        assert after == told[len(told) - len(after) :]
        assert {(alert.position, alert.at) for alert in told[: len(told) - len(after)]} >= {place}


def test_instructions__that_need_approval__are_told_at_once_and_so_is_their_expiry() -> None:
    at = Story()
    told = replace(sample(DustInstructed), approval_until=AT + 10 * MINUTE)
    (waits,) = at.happens(told)
    assert waits.title == f"{told.strategy}: approval awaited"
    assert f"{told.measure_id} waits for approval until 2026-03-01 02:10:00 UTC" in waits.text
    (expired,) = at.happens(sample(InstructionsExpired))
    assert (expired.title, expired.silent) == (f"{told.strategy}: instructions expired", False)
    assert "nobody approved measure-1 in time; nothing of it is sold" in expired.text
