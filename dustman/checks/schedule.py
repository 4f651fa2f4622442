"""When an account is read: by its own schedule, or when the strategies that it belongs to are measured."""

from __future__ import annotations

from dustman.checks.finding import Finding, ok
from dustman.settings import Settings
from dustman.wiring import now
from workers.schedule import next_due


def check_schedule(settings: Settings, name: str) -> Finding:
    """Say when the account is read next."""
    check = f"{name}: schedule"
    if strategies := settings.strategies_with(name):
        return ok(check, f"read when {' and '.join(strategies)} is measured; its own schedule rests")
    every = settings.account(name).schedule
    return ok(check, f"{every}, next at {next_due(every, now()):%Y-%m-%d %H:%M:%S} UTC")
