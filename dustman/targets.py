"""Whom alerts go to: one apprise URL each (https://appriseit.com/services/), from the environment and never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from apprise import Apprise, NotifyFormat

from domain.errors import ConfigurationError
from dustman.secret import conceal, redacted, visible
from dustman.settings import Settings
from views.watch import Alert

_PIECES = re.compile(r"[:/@?&=#,]+")


@dataclass(frozen=True, slots=True)
class Target:
    """A service that takes alerts, and where those go that make no sound."""

    name: str
    _loud: Apprise = field(repr=False)
    _silent: Apprise = field(repr=False)

    @property
    def service(self) -> str:
        """Name the service, without its address."""
        return str(self._loud[0].service_name)

    def send(self, alert: Alert) -> bool:
        """Send an alert; say whether the service took it. Why it did not is logged by apprise."""
        body = f"{alert.text}\n{alert.at:%Y-%m-%d %H:%M:%S} UTC, alert {alert.alert_id}"
        took = (self._silent if alert.silent else self._loud).notify(
            body=visible(redacted(body)),
            title=visible(redacted(f"Dustman, {alert.title}")),
            notify_type=alert.severity.value,
            body_format=NotifyFormat.TEXT,
        )
        return bool(took)


def target_of(settings: Settings, name: str) -> Target:
    """Return a target; `ConfigurationError` says which variable is missing or holds no URL that apprise knows."""
    ours = settings.target(name)
    loud = _service(settings, name, ours.url)
    return Target(name, loud, _service(settings, name, ours.silent_url) if ours.silent_url else loud)


def targets_of(settings: Settings) -> Mapping[str, Target]:
    """Return every target of the settings."""
    return {name: target_of(settings, name) for name in (settings.alerts.targets if settings.alerts else ())}


def _service(settings: Settings, name: str, variable: str) -> Apprise:
    url = settings.secret(variable) or ""
    if not url.strip():
        raise ConfigurationError(
            f"target {name}: {variable} is not set; set it in the environment or in .env beside the settings"
        )
    for piece in (url, *_PIECES.split(url)):
        conceal(piece)
        conceal(unquote(piece))
    service = Apprise()
    if not service.add(url) or len(service) != 1:
        raise ConfigurationError(
            f"target {name}: {variable} holds no single URL of a service that apprise knows (its value is not shown)"
        )
    return service
