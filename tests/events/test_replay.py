"""A state is a fold over the log: whole, up to a position, or on from where an earlier fold ended."""

from __future__ import annotations

from datetime import timedelta

from events.log import Recorded
from events.memory import MemoryLog
from events.replay import fold
from tests.events.clocks import SetClock
from tests.events.samples import new

NOTHING: tuple[str, ...] = ()


def names(state: tuple[str, ...], recorded: Recorded) -> tuple[str, ...]:
    return (*state, recorded.event_id)


def log_of(clock: SetClock) -> MemoryLog:
    log = MemoryLog("one", clock)
    for version, name in enumerate("abcde"):
        log.append("main", version, [new(name)])
        clock.move(60)
    return log


def test_fold__whole_log__sees_every_event_once_in_order() -> None:
    assert fold(log_of(SetClock()), NOTHING, names) == ("a", "b", "c", "d", "e")


def test_fold__until_a_position__is_the_state_at_it() -> None:
    log = log_of(SetClock())
    assert [fold(log, NOTHING, names, until=until) for until in (0, 2, 9)] == [
        NOTHING,
        ("a", "b"),
        ("a", "b", "c", "d", "e"),
    ]


def test_fold__from_an_earlier_state__ends_where_the_whole_fold_does() -> None:
    log = log_of(SetClock())
    for position in range(6):
        earlier = fold(log, NOTHING, names, until=position)
        assert fold(log, earlier, names, after=position) == fold(log, NOTHING, names)


def test_fold__as_of_a_moment__sees_what_was_recorded_by_then() -> None:
    clock = SetClock()
    start = clock.now
    log = log_of(clock)
    assert fold(log, NOTHING, names, until=log.position_at(start + timedelta(seconds=61))) == ("a", "b")
