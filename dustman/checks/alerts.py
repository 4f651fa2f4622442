"""Alerts: is each target's URL there and one that apprise knows, and is somebody at work who tells?"""

from __future__ import annotations

from collections.abc import Iterator

from domain.errors import ConfigurationError
from dustman.checks.finding import Finding, fail, ok, skip, warn
from dustman.settings import Settings
from dustman.wiring import open_log
from events.log import CorruptLog, LogUnavailable, StoreMisconfigured

# So many are a sign that nobody is at work, or that a target takes nothing; fewer are on their way.
MANY = 100


def check_alerts(settings: Settings) -> Iterator[Finding]:
    """Look at every target, without telling it anything."""
    if settings.alerts is None:
        return
    # Apprise takes a while to load.
    from dustman.alerts import Progress
    from dustman.targets import target_of

    for name in settings.alerts.targets:
        try:
            service = target_of(settings, name).service
        except ConfigurationError as error:
            yield fail(f"{name}: alerts", str(error), "see https://appriseit.com/services/ for the form of its URL")
        else:
            yield ok(f"{name}: alerts", f"{service}; `dustman alerts test {name}` tells it something")
    try:
        log = open_log(settings)
        behind = {name: Progress(log, name).behind() for name in settings.alerts.targets}
    except (CorruptLog, ConfigurationError, StoreMisconfigured, LogUnavailable):
        yield skip("alerts", "the log was not asked")
        return
    for name, count in behind.items():
        if count >= MANY:
            yield warn(
                f"{name}: progress",
                f"{count} events were not looked at for it",
                "look whether `dustman up --role alerts` is at work, and what it says",
            )
