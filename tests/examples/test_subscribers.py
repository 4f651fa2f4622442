"""The example subscribers, each in its language, read the feed as the how-to promises.

Those for Node run where `make test` found Node and installed their packages; what they are made of is checked always.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import redis

from events.facts import DustConverted
from events.feed import Feed
from events.memory import MemoryLog
from events.money import plain
from tests.events.clocks import SetClock
from tests.events.samples import SAMPLES, new
from tests.redis_server import RedisServer

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
NODE: Final = shutil.which("node") if (EXAMPLES / "node/node_modules/redis").is_dir() else None
COMMANDS: Final = {"python": [sys.executable, str(EXAMPLES / "python/subscriber.py")]} | (
    {"node": [NODE, str(EXAMPLES / "node/subscriber.js")]} if NODE else {}
)
CONVERTED: Final = next(fact for fact in SAMPLES if isinstance(fact, DustConverted))
LINE: Final = f"{CONVERTED.asset} {plain(CONVERTED.proceeds.quantity)} {CONVERTED.proceeds.asset}"


class Stage:
    """A log whose feed has a window of twenty, and subscribers to it in processes of their own."""

    def __init__(self, server: RedisServer, client: redis.Redis) -> None:
        self.server = server
        self.client = client
        self.log = MemoryLog("6f1c", SetClock())

    def grow(self, *converted: int, count: int) -> None:
        """Append so many events; those at the named positions are conversions."""
        head = self.log.head()
        facts = [(number, CONVERTED if number in converted else None) for number in range(head + 1, head + count + 1)]
        self.log.append("main", head, [new(str(number), fact) for number, fact in facts])
        Feed(self.client, self.log.identity, window=20).publish_pending(self.log)

    @contextmanager
    def subscriber(self, language: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        environment = {"PATH": os.environ["PATH"], "REDIS_URL": self.server.url()}
        process = subprocess.Popen(
            [*COMMANDS[language], *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def lines(self, process: subprocess.Popen[str], count: int) -> list[str]:
        assert process.stdout
        return [process.stdout.readline().rstrip() for _ in range(count)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with RedisServer(tmp_path / "redis") as server, server.client() as client:
        yield Stage(server, client)


@pytest.mark.parametrize("language", COMMANDS)
def test_subscriber__from_the_beginning__prints_conversions_as_they_come(stage: Stage, language: str) -> None:
    stage.grow(2, 5, count=6)
    with stage.subscriber(language) as process:
        assert stage.lines(process, 2) == [f"2 {LINE}", f"5 {LINE}"]
        stage.grow(8, count=3)
        assert stage.lines(process, 1) == [f"8 {LINE}"]


@pytest.mark.parametrize("language", COMMANDS)
def test_subscriber__from_its_position__prints_what_came_after(stage: Stage, language: str) -> None:
    stage.grow(2, 5, count=6)
    with stage.subscriber(language, "2") as process:
        assert stage.lines(process, 1) == [f"5 {LINE}"]


@pytest.mark.parametrize("language", COMMANDS)
def test_subscriber__left_behind_by_the_window__says_what_to_do(stage: Stage, language: str) -> None:
    stage.grow(2, count=30)
    with stage.subscriber(language, "3") as process:
        said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "4 to 10 are gone from Redis: dustman events --json --after 3" in said[1]
    assert said[0] == ""


@pytest.mark.parametrize("language", COMMANDS)
def test_subscriber__before_anything_was_published__says_so(stage: Stage, language: str) -> None:
    with stage.subscriber(language) as process:
        said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "dustman:feed is not there" in said[1]


def test_node_example__its_packages__are_pinned_with_their_hashes() -> None:
    wanted = json.loads((EXAMPLES / "node/package.json").read_text("utf-8"))["dependencies"]
    locked = json.loads((EXAMPLES / "node/package-lock.json").read_text("utf-8"))["packages"]
    assert wanted == {"redis": locked["node_modules/redis"]["version"]}
    packages = {name: package for name, package in locked.items() if name}
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any(package.get("hasInstallScript") for package in packages.values())


def test_node_example__what_it_imports__is_what_it_pins() -> None:
    imported = re.findall(r'from "([^"]+)"', (EXAMPLES / "node/subscriber.js").read_text("utf-8"))
    assert imported == ["redis"]
