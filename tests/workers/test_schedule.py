"""Schedules: one due time for everybody who asks, whatever the moment of asking."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from celery import Celery
from celery.beat import Scheduler
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from workers.due_times import DueTimes
from workers.schedule import (
    ACCEPTED,
    DURATION,
    EPOCH,
    Crontab,
    Every,
    Schedule,
    celery_schedule,
    latest_due,
    next_due,
    schedule_of,
    seconds_of,
)

moments = st.timedeltas(min_value=timedelta(days=10_000), max_value=timedelta(days=45_000)).map(EPOCH.__add__)
crontabs = st.sampled_from(
    ["0 2 * * sun", "*/5 * * * *", "30 4 1 * *", "0 0 29 2 *", "15,45 8-18 * * mon-fri", "0 12 1 1 fri", "0 0 L * *"]
).map(Crontab)
schedules: st.SearchStrategy[Schedule] = st.one_of(crontabs, st.integers(1, 10**6).map(Every))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@given(schedules, moments)
def test_due_times__asked_at_any_moment__enclose_it(schedule: Schedule, now: datetime) -> None:
    assert latest_due(schedule, now) <= now < next_due(schedule, now)


@given(schedules, moments)
def test_due_times__asked_at_a_due_time__are_that_time_and_the_one_after(schedule: Schedule, now: datetime) -> None:
    due = latest_due(schedule, now)
    assert latest_due(schedule, due) == due
    assert next_due(schedule, due) == next_due(schedule, now)
    assert latest_due(schedule, next_due(schedule, now)) == next_due(schedule, now)


@given(schedules, moments, st.integers(0, 1), st.integers(-720, 720))
def test_latest_due__two_askers_between_due_times__agree(
    schedule: Schedule, now: datetime, later: int, offset: int
) -> None:
    edge = next_due(schedule, now) - timedelta(microseconds=1)
    elsewhere = (edge if later else now).astimezone(timezone(timedelta(minutes=offset)))
    assert latest_due(schedule, elsewhere) == latest_due(schedule, now)


@given(crontabs, moments)
def test_latest_due__of_a_crontab__is_what_walking_forward_meets(schedule: Crontab, now: datetime) -> None:
    due = latest_due(schedule, now)
    assert next(CronSim(schedule.expression, due - timedelta(seconds=1))) == due


@given(st.integers(1, 10**6), moments)
def test_latest_due__of_an_interval__is_a_multiple_since_the_epoch(seconds: int, now: datetime) -> None:
    due = latest_due(Every(seconds), now)
    assert (due - EPOCH) % timedelta(seconds=seconds) == timedelta(0)
    assert due.tzinfo is UTC


def test_latest_due__of_the_default__is_sunday_at_two() -> None:
    sunday = schedule_of("0 2 * * sun")
    assert latest_due(sunday, at("2025-11-21T12:00:00+00:00")) == at("2025-11-16T02:00:00+00:00")
    assert latest_due(sunday, at("2025-11-16T01:59:59.999999+00:00")) == at("2025-11-09T02:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("every 300 s", Every(300)),
        ("every 5 min", Every(300)),
        ("every 6h", Every(21600)),
        ("every 1 d", Every(86400)),
        ("  0  2 * *   sun ", Crontab("0 2 * * sun")),
        ("0 2 * * 7", Crontab("0 2 * * 7")),
    ],
)
def test_schedule_of__accepted_forms__are_read(text: str, schedule: Schedule) -> None:
    assert schedule_of(text) == schedule
    assert schedule_of(str(schedule)) == schedule


@pytest.mark.parametrize(
    "text",
    ["", "sunday", "0 2 * *", "0 0 2 * * sun", "60 2 * * *", "0 2 30 2 *", "0 2 * * ١", "@daily", "0 2 * * sun;x"],
)
def test_schedule_of__anything_else__says_the_accepted_form(text: str) -> None:
    with pytest.raises(ValueError, match="accepted") as caught:
        schedule_of(text)
    assert ACCEPTED in str(caught.value)


@pytest.mark.parametrize(
    "text", ["every", "every 0 s", "every -5 s", "every 1.5 h", "every 400 d", "every 5", "every ٣ s"]
)
def test_schedule_of__a_bad_interval__says_the_accepted_form(text: str) -> None:
    with pytest.raises(ValueError, match="accepted") as caught:
        schedule_of(text)
    assert DURATION in str(caught.value)


def test_seconds_of__a_year_and_a_day__is_too_long() -> None:
    assert seconds_of("366 d") == 366 * 86400
    with pytest.raises(ValueError, match="accepted"):
        seconds_of("367 d")


def beat_at(schedule: Schedule, now: datetime) -> DueTimes:
    """A beat entry's schedule whose app's clock stands at `now`."""
    due_times = celery_schedule(schedule)
    due_times.nowfun = lambda: now
    return due_times


@given(schedules, moments, moments)
def test_beat__whatever_its_last_run__fires_once_for_a_due_time(
    schedule: Schedule, now: datetime, last_run: datetime
) -> None:
    state = beat_at(schedule, now).is_due(last_run)
    assert state.is_due == (last_run < latest_due(schedule, now))
    assert 0 < state.next <= (next_due(schedule, now) - latest_due(schedule, now)).total_seconds()
    assert not beat_at(schedule, now).is_due(now).is_due


def test_beat__two_started_apart__fire_for_the_same_due_time() -> None:
    first = beat_at(Every(300), at("2025-11-21T12:05:00.3+00:00"))
    second = beat_at(Every(300), at("2025-11-21T12:05:04+00:00"))
    assert first.is_due(at("2025-11-21T12:01:00+00:00")).is_due
    assert second.is_due(at("2025-11-21T12:04:59+00:00")).is_due
    assert first.is_due(at("2025-11-21T12:01:00+00:00")).next == pytest.approx(299.7)
    assert beat_at(Every(300), at("2025-11-21T12:09:59+00:00")).remaining_estimate(
        at("2025-11-21T12:05:00+00:00")
    ) == timedelta(seconds=1)


def test_beat__a_real_scheduler__applies_a_due_entry_once() -> None:
    app = Celery("probe", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {"scan": {"task": "scan", "schedule": celery_schedule(Every(3600))}}
    scheduler = Scheduler(app)
    scheduler.schedule["scan"].last_run_at = app.now() - timedelta(hours=2)
    scheduler.tick()
    assert scheduler.schedule["scan"].total_run_count == 1
    assert 0 < scheduler.tick() <= 3600
    assert scheduler.schedule["scan"].total_run_count == 1


def test_due_times__pickled_by_beat__come_back_equal() -> None:
    schedule = celery_schedule(Crontab("0 2 * * sun"))
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert schedule != celery_schedule(Every(300))
    assert len({schedule, celery_schedule(Crontab("0 2 * * sun"))}) == 1
    assert repr(schedule) == "<due: 0 2 * * sun>"
