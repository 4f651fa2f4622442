"""Who asks for scans: two beats by mistake, none at all, another Celery app."""

from __future__ import annotations

from celery import Celery

from dustman.wiring import now
from events.facts import DustDetected, ScanCompleted, SweepCompleted
from tests.chaos.stage import ACCOUNT, Stage
from tests.chaos.verdict import assert_whole
from workers.schedule import next_due


def test_two_beats__by_mistake__cause_no_second_sweep(stage: Stage) -> None:
    with stage.second("beat"):
        stage.provoke()
        stage.waits_for(ScanCompleted, 3)
        assert_whole(stage)
    sold = [lot.asset for each in stage.news() if isinstance(each.fact, DustDetected) for lot in each.fact.lots]
    assert sorted(sold) == sorted(set(sold))


def test_foreign_app__sends_a_scan_by_name_while_no_beat_runs__the_account_is_swept(stage: Stage) -> None:
    stage.workers["beat"].kill()
    stage.provoke()
    due = next_due(stage.settings.account(ACCOUNT).schedule, now())
    stage.until(lambda: now() > due, "a scan is due that nobody asked for")
    with Celery("foreign", broker=stage.settings.redis.broker_url, set_as_current=False) as foreign:
        foreign.send_task("dustman.scan", kwargs={"account": "mine"}, queue="detector")
        foreign.send_task("dustman.scan", kwargs={"account": ACCOUNT}, queue="detector")
    stage.waits_for(SweepCompleted)
    refused = (
        "dustman.scan {'account': 'mine'}: ConfigurationError: account: there is no 'mine'; the settings have main"
    )
    stage.until(lambda: refused in "\n".join(stage.workers["detector"].last_lines()), "the other account is refused")
    stage.workers["beat"].start()
    assert_whole(stage)
