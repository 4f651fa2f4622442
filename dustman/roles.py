"""The processes that do the work, one table for `dustman up`, the demo and docker-compose.yml."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dustman import pulse
from dustman.child import Again, Job

if TYPE_CHECKING:
    from dustman.service_settings import Workers
    from dustman.settings import Settings

# Workers share nothing but the broker; the stable name `role@host` is how one is told from another in logs.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of process: what it is for, and how many things it does at once (`places`) in which kind of pool.

    Threads where work waits for a venue or the broker; processes where a time limit must be able to end a task.
    """

    name: str
    duty: str
    pool: str = "threads"
    places: int = 1

    @property
    def command(self) -> tuple[str, ...]:
        """Return the command line of the worker."""
        at_work = ("-Q", self.name, "-n", f"{self.name}@%h", "-P", self.pool, "-c", str(self.places), *_ALONE)
        return ("celery", "-A", "dustman.service", "worker", *at_work, "-l", "WARNING")

    def sized(self, workers: Workers) -> Role:
        """Return the role with as many places as the owner's settings give it."""
        return replace(self, places=getattr(workers, self.name, self.places))

    def job(self, config: Path, var: Path, environment: Mapping[str, str], again: Again | None = None) -> Job:
        """Return the job that runs this role on this machine with the settings file `config`, signs of life in `var`.

        SIGTERM lets a task end for a bounded time and then gives it back, instead of waiting for it for ever.
        """
        sign = var / "run" / f"{self.name}.pulse"
        return Job(
            name=self.name,
            command=(sys.executable, "-m", *self.command),
            environment={
                **environment,
                "DUSTMAN_CONFIG": str(config.absolute()),
                pulse.VARIABLE: str(sign.absolute()),
                "REMAP_SIGTERM": "SIGQUIT",
            },
            ready=lambda child: pulse.last(sign) >= child.started,
            again=again,
        )


@dataclass(frozen=True, slots=True)
class Beat(Role):
    """The one process that asks for scans and for the safety nets; it does nothing itself."""

    @property
    def command(self) -> tuple[str, ...]:
        """Return the command line of beat."""
        return ("celery", "-A", "dustman.service", "beat", "-S", "dustman.service:Scheduler", "-l", "WARNING")


@dataclass(frozen=True, slots=True)
class Program(Role):
    """A process of our own, in which no task is involved: the module `dustman.NAME`."""

    @property
    def command(self) -> tuple[str, ...]:
        """Return the command line of the process."""
        return (f"dustman.{self.name}",)


ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        Role("detector", "scans accounts and records dust", places=4),
        Role("converter", "converts what was announced, leg by leg", pool="prefork", places=2),
        Role("relay", "brings to the feed what publishing missed"),
        Role("reconciler", "asks the venue about lost answers"),
        Beat("beat", "asks for scans when they are due"),
    )
}
# With the roles that are only at work where settings ask for them, under the key of the same name.
EVERY_ROLE: Mapping[str, Role] = {
    **ROLES,
    "webhooks": Program("webhooks", "sends events to receivers over HTTP"),
    "metrics": Program("metrics", "shows the log's numbers to Prometheus"),
    "alerts": Program("alerts", "tells people what needs them"),
}


def wanted(settings: Settings) -> Mapping[str, Role]:
    """Return the roles that settings give work to."""
    return {name: role for name, role in EVERY_ROLE.items() if name in ROLES or getattr(settings, name)}
