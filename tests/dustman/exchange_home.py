"""A home with one account at a simulated exchange, and an owner's way to a live one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dustman.exits import Exit
from simulators.exchange.twin import Twin
from tests.dustman.conftest import Outcome, Typed
from tests.redis_server import RedisServer


def configure(home: Path, twin: Twin[Any, Any], key: Path, redis: RedisServer, *lines: str) -> Path:
    """Write settings for an account at the twin; what is worth less than 10 USD is dust."""
    config = home / "dustman.yaml"
    account = [
        f"venue: {twin.kind.name}",
        f"key: {key}",
        f"base_url: https://{twin.base_url}",
        f"ca_file: {twin.ca_file}",
        "threshold: 10",
        *lines,
    ]
    config.write_text(
        f"redis: {{url: 'redis://127.0.0.1:{redis.port}'}}\n"
        "limits: {requests_per_second: 500, seconds_between_conversions: 0}\n"
        "accounts:\n  main:\n" + "".join(f"    {line}\n" for line in account)
    )
    return config


def mistaken(config: Path, line: str) -> None:
    """Put a line into the account's settings, in place of the one with its key."""
    name = line.split(":", maxsplit=1)[0]
    kept = [each for each in config.read_text().splitlines() if not each.strip().startswith(f"{name}:")]
    config.write_text("\n".join([*kept, f"    {line}", ""]))


def go_live(dustman: Typed) -> None:
    """Rehearse, and release the account."""
    assert dustman("sweep", "--dry-run").exit == Exit.DONE
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE


def told(outcome: Outcome, kind: str) -> list[dict[str, Any]]:
    """Read the events of a type from what `dustman events --json` wrote."""
    events = [json.loads(line) for line in outcome.out.splitlines()]
    return [event for event in events if event["type"] == kind]


def verdicts(dustman: Typed) -> dict[str, str]:
    """Return what `doctor` found of the account, by check."""
    found = dustman("doctor", "--json").value["findings"]
    return {row["check"]: row["verdict"] for row in found if row["check"].startswith("main:")}
