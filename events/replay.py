"""Replay: any state is a fold over the log, from the beginning to now or to an earlier position."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from events.log import EventLog, Recorded

State = TypeVar("State")


def fold(
    log: EventLog, initial: State, evolve: Callable[[State, Recorded], State], until: int | None = None, after: int = 0
) -> State:
    """Return the state after all events with `after < position <= until`, to the head when `until` is None.

    With `initial` the state at `after`, a fold goes on where an earlier one ended. As of a moment, `until` is
    `log.position_at(moment)`.
    """
    state = initial
    for recorded in log.read(after=after, until=until):
        state = evolve(state, recorded)
    return state
