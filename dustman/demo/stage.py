"""What the demonstration runs on: a Redis, the simulated venue, settings, and the commands an owner would type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from rich.console import Console

from domain.errors import ConfigurationError
from dustman import redis_server
from dustman.child import Child, Job
from dustman.crew import Crew
from dustman.roles import ROLES
from dustman.settings import Settings, load

ACCOUNT = "demo"
# Short times for a short show: a real account waits 150 s before an order counts as never arrived.
SETTINGS = """\
log: {{url: "sqlite:///{directory}/dustman.db"}}
redis: {{url: "{redis}"}}
reconcile: {{every: 2 s, never_arrived_after: 3 s}}
accounts:
  demo:
    venue: coinbase
    base_url: "https://{base_url}"
    ca_file: "{ca_file}"
    key: "{key}"
    schedule: every 10 s
"""
TWIN_READY = 20.0
REDIS_READY = 10.0
WORKERS_READY = 40.0


@dataclass(frozen=True, slots=True)
class Venue:
    """The simulated venue's admin port."""

    admin_url: str

    def get(self, path: str) -> Any:
        """Read what the venue itself has on record."""
        with urlopen(f"{self.admin_url}{path}", timeout=5) as reply:
            return json.load(reply)

    def deposit(self, currency: str, quantity: str) -> None:
        """Bring a coin into the account from outside."""
        self._post("/wallets", {"currency": currency, "quantity": quantity})

    def lose_answer(self, order: int) -> None:
        """Take the nth order from now on, and never answer."""
        fault = {"kind": "timeout", "endpoint": "create_order", "when": "after", "calls": str(order)}
        self._post("/faults", {"faults": [fault]})

    def _post(self, path: str, body: object) -> None:
        request = Request(f"{self.admin_url}{path}", data=json.dumps(body).encode(), method="POST")
        with urlopen(request, timeout=5) as reply:
            reply.read()


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs, and the settings that it runs with."""

    config: Path
    settings: Settings
    venue: Venue
    workers: Mapping[str, Child]

    def command(self, console: Console, *words: str) -> None:
        """Type a command as an owner would and show what it prints; `ConfigurationError` when it fails."""
        console.print(f"\n[bold]$ dustman {' '.join(words)}[/bold]")
        console.print(self.quietly(*words, width=console.width), end="", markup=False, highlight=False)

    def quietly(self, *words: str, width: int = 120) -> str:
        """Do the same without showing it; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "dustman", *words],
            env={**os.environ, "DUSTMAN_CONFIG": str(self.config), "COLUMNS": str(width)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ConfigurationError(f"dustman {' '.join(words)} ended with exit code {done.returncode}: {done.stdout}")
        return done.stdout


def set_up(crew: Crew, directory: Path, settings: str = SETTINGS, scenario: str = "demo", more: str = "") -> Stage:
    """Start Redis and the venue and write the settings, `more` at their end; the workers come later."""
    redis = os.environ.get("DUSTMAN_REDIS_URL", "")
    if not redis:
        port = redis_server.free_port()
        crew.start(redis_server.job(directory / "redis", port))
        crew.settle(REDIS_READY)
        redis = f"redis://127.0.0.1:{port}"
    ready = _venue(crew, directory, scenario)
    config = directory / "dustman.yaml"
    key = next(iter(ready["keys"].values()))
    config.write_text(
        settings.format(directory=directory, redis=redis, base_url=ready["base_url"], ca_file=ready["ca_file"], key=key)
        + more
    )
    return Stage(config, load(config, os.environ), Venue(ready["admin_url"]), {})


def _venue(crew: Crew, directory: Path, scenario: str) -> dict[str, Any]:
    """Start the simulated venue; its first line says where everything is."""
    where: dict[str, Any] = {}

    def announced(child: Child) -> bool:
        lines = child.last_lines()
        where.update(json.loads(lines[0]) if lines else {})
        return bool(where)

    files = ("--ca-file", str(directory / "ca.pem"), "--key-directory", str(directory / "keys"))
    twin = Job(
        name="coinbase",
        command=(sys.executable, "-m", "simulators.coinbase", "--state", scenario, *files),
        environment=dict(os.environ),
        ready=announced,
    )
    crew.start(twin)
    crew.settle(TWIN_READY)
    return where


def start_workers(crew: Crew, stage: Stage, directory: Path, names: Collection[str] = tuple(ROLES)) -> Stage:
    """Start detector, converter, relay, reconciler and beat, or those named, and wait until each consumes."""
    workers = {name: crew.start(ROLES[name].job(stage.config, directory, dict(os.environ))) for name in names}
    crew.settle(WORKERS_READY)
    return Stage(stage.config, stage.settings, stage.venue, workers)
