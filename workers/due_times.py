"""Our schedules as Celery beat asks for them. Celery's own crontab reads some expressions differently from cron,
so one reader decides both when beat fires and which due time a scan belongs to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery.schedules import BaseSchedule, schedstate

from workers.schedule import Schedule, latest_due, next_due


class DueTimes(BaseSchedule):  # type: ignore[misc]
    """Due once for each due time of `schedule` that passes while beat runs."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Say whether a due time passed since `last_run_at`, and in how many seconds to ask again."""
        now: datetime = self.now()
        wait = next_due(self.schedule, now) - now
        return schedstate(latest_due(self.schedule, now) > last_run_at, wait.total_seconds())

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Return the time left until the due time after `last_run_at`, negative when it has passed."""
        now: datetime = self.now()
        return next_due(self.schedule, last_run_at) - now

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DueTimes) and other.schedule == self.schedule

    def __hash__(self) -> int:
        return hash(self.schedule)

    def __repr__(self) -> str:
        return f"<due: {self.schedule}>"

    def __reduce__(self) -> tuple[type[DueTimes], tuple[Any, ...]]:
        return type(self), (self.schedule,)
