"""What the documents promise: links that lead somewhere, commands that exist, and code that runs."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import events
from dustman.cli import assembled
from events.feed import Feed
from events.log import NewEvent
from events.sqlite import SQLiteLog
from tests.events.samples import SAMPLES
from tests.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links__within_the_repository__lead_to_a_file(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands__that_pages_name__exist(page: Path) -> None:
    known = {command.name for command in assembled().registered_commands} | {
        group.name for group in assembled().registered_groups
    }
    named = set(re.findall(r"(?:^|`)(?:    )?dustman ([a-z][a-z-]+)", page.read_text(), re.MULTILINE))
    assert named - known == set()


def test_readme__is_under_two_screens__of_fifty_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 100


def test_packages__that_are_imported__are_those_of_this_checkout() -> None:
    """`events` is a name that others have too; what runs must be what lies here."""
    assert Path(events.__file__).parents[1] == ROOT


def test_subscribing__the_lines_of_the_how_to__print_what_was_converted(tmp_path: Path) -> None:
    code, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/subscribe.md").read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    log = SQLiteLog(tmp_path / "log.db", lambda: datetime.now(UTC))
    sample = next(fact for fact in SAMPLES if type(fact).__name__ == "DustConverted")
    log.append("account-main", 0, [NewEvent("id", sample, datetime.now(UTC), "test")])
    with RedisServer(tmp_path / "redis") as server, server.client() as client:
        Feed(client, log.identity).publish_pending(log)
        script = tmp_path / "subscriber.py"
        script.write_text(code.replace("redis.Redis(", f"redis.Redis(port={server.port}, "))
        with subprocess.Popen([sys.executable, "-u", script], stdout=subprocess.PIPE, text=True) as subscriber:
            assert subscriber.stdout
            line = subscriber.stdout.readline()
            subscriber.kill()
    log.close()
    assert "coinbase:" in line


def test_subscribing_from_python__the_lines_of_the_how_to__print_what_was_converted(tmp_path: Path) -> None:
    _, code, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/subscribe.md").read_text(), re.DOTALL)
    (tmp_path / "var").mkdir(mode=0o700)
    log = SQLiteLog(tmp_path / "var/dustman.db", lambda: datetime.now(UTC))
    sample = next(fact for fact in SAMPLES if type(fact).__name__ == "DustConverted")
    log.append("account-main", 0, [NewEvent("id", sample, datetime.now(UTC), "test")])
    with RedisServer(tmp_path / "redis") as server, server.client() as client:
        Feed(client, log.identity).publish_pending(log)
        url = f"redis://127.0.0.1:{server.port}"
        (tmp_path / "dustman.yaml").write_text(f"accounts: {{main: {{venue: coinbase}}}}\nredis: {{url: '{url}'}}\n")
        with subprocess.Popen(
            [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path
        ) as subscriber:
            assert subscriber.stdout
            line = subscriber.stdout.readline()
            subscriber.kill()
    log.close()
    assert line.startswith("1 coinbase:")
