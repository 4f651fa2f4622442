"""`dustman up` as its owner runs it: real workers on a real Redis, and nothing left of them afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dustman import pulse
from dustman.exits import Exit
from dustman.redis_server import free_port
from dustman.roles import ROLES
from events.sqlite import SQLiteLog
from tests.dustman.conftest import COMMAND, spawned
from tests.dustman.remains import gone, living
from tests.dustman.test_alerts import Service
from tests.dustman.test_metrics import scrape
from tests.events.samples import new
from tests.receiver import SECRET, Receiver
from tests.redis_server import RedisServer

START_SECONDS = 60.0


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
    return tmp_path


class Up:
    """A running `dustman up`, once it has said that all are up."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("All are up"):
                break
        self.pids = {
            found[1]: int(found[2]) for line in self.said if (found := re.match(r"(\w+) +process (\d+)", line))
        }

    def told(self, number: signal.Signals) -> int:
        """Send it a signal and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(40)


@contextmanager
def up(home: Path, server: RedisServer, *arguments: str) -> Iterator[Up]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "DUSTMAN_REDIS_URL": server.url(0).removesuffix("/0")}
    with (
        (home / "stderr").open("ab") as errors,
        subprocess.Popen(
            [COMMAND, "up", *arguments], cwd=home, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            running = Up(process)
            assert running.pids, (home / "stderr").read_text()
            yield running
        finally:
            process.kill()


def comes(true: Callable[[], bool], within: float = START_SECONDS) -> bool:
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_up__ctrl_c__ran_every_role_and_leaves_nothing(home: Path, redis_server: RedisServer) -> None:
    with up(home, redis_server) as running:
        assert list(running.pids) == list(ROLES)
        assert all(living(pid) for pid in running.pids.values())
        assert len(living(running.pids["converter"])) == 1 + ROLES["converter"].places
        assert running.said[-1] == f"All are up. Ctrl-C, or `kill {running.process.pid}`, stops them."
        assert running.told(signal.SIGINT) == Exit.DONE
        assert gone(running.pids.values(), within=1)
    assert {file.stem for file in (home / "var/log").iterdir()} == set(ROLES)


def test_up__sigterm__leaves_nothing(home: Path, redis_server: RedisServer) -> None:
    with up(home, redis_server, "--role", "relay") as running:
        assert list(running.pids) == ["relay"]
        assert running.told(signal.SIGTERM) == Exit.DONE
        assert gone(running.pids.values(), within=1)
    assert (home / "stderr").read_text() == "All are stopped.\n"


def test_up__killed__leaves_neither_workers_nor_their_children(home: Path, redis_server: RedisServer) -> None:
    (home / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\nworkers: {converter: 3}\n")
    with up(home, redis_server, "--role", "converter", "--role", "beat") as running:
        assert len(living(running.pids["converter"])) == 4
        assert running.told(signal.SIGKILL) == -signal.SIGKILL
        assert gone(running.pids.values(), within=30)


def test_up__a_role_that_runs_here_already__is_refused(home: Path, redis_server: RedisServer) -> None:
    with up(home, redis_server, "--role", "relay") as running:
        second = spawned("up", cwd=home, DUSTMAN_REDIS_URL=redis_server.url(0).removesuffix("/0"))
        assert second.exit == Exit.CONFIGURATION
        assert second.out == ""
        assert second.err == (
            f"dustman: the relay runs already for {home / 'var/run'}, started by process {running.process.pid}; "
            "stop that one first\n"
        )
        assert living(running.pids["relay"])


def test_up__a_worker_crashed__starts_it_again(home: Path, redis_server: RedisServer) -> None:
    with up(home, redis_server, "--role", "converter") as running:
        before = running.pids["converter"]
        sign = home / "var/run/converter.pulse"
        os.kill(before, signal.SIGKILL)
        killed = time.time()
        assert comes(lambda: pulse.last(sign) > killed)
        assert gone([before], within=0)
        assert "converter was ended by SIGKILL; it is started again in 1 s" in (home / "stderr").read_text()
        assert running.told(signal.SIGTERM) == Exit.DONE


def test_up__redis_goes_and_comes__nobody_gives_a_sign_of_life_meanwhile(home: Path, tmp_path: Path) -> None:
    def signs() -> list[float]:
        return [pulse.last(home / f"var/run/{role}.pulse") for role in ("relay", "beat")]

    (home / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\nreconcile: {every: 1 s}\n")
    with RedisServer(tmp_path / "redis") as server, up(home, server, "--role", "relay", "--role", "beat"):
        first = signs()
        assert comes(lambda: signs()[1] > first[1])  # beat has sent a task
        server.kill()
        time.sleep(1)
        before = signs()
        time.sleep(pulse.EVERY + 1)
        assert signs() == before
        server.start()
        assert comes(lambda: all(now > then for now, then in zip(signs(), before, strict=True)), within=30)
    told = (home / "var/log/beat.log").read_text()
    assert told.count("beat goes on trying") == 1
    assert told.count("the broker takes tasks again") == 1
    assert "Traceback" not in told


def test_up__no_redis__says_where_it_looked_and_starts_nothing(home: Path) -> None:
    outcome = spawned("up", cwd=home, DUSTMAN_REDIS_URL="redis://:hunter2hunter2@127.0.0.1:1")
    assert outcome.exit == Exit.STORE_UNAVAILABLE
    assert "Redis at redis://***@127.0.0.1:1 does not answer" in outcome.err
    assert not (home / "var").exists()


def test_up__a_password_that_redis_refuses__is_for_the_owner_to_mend(home: Path, tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server, server.client() as client:
        client.config_set("requirepass", "right")
        url = f"redis://:wrongwrong@127.0.0.1:{server.port}"
        outcome = spawned("up", cwd=home, DUSTMAN_REDIS_URL=url)
    assert outcome.exit == Exit.CONFIGURATION
    assert f"Redis at redis://***@127.0.0.1:{server.port} refuses us" in outcome.err


def test_up__a_mistake_in_the_settings__is_named_before_anything_starts(home: Path) -> None:
    (home / "dustman.yaml").write_text("accounts: {main: {venue: coinbase, treshold: 1}}\n")
    outcome = spawned("up", cwd=home)
    assert outcome.exit == Exit.CONFIGURATION
    assert "treshold" in outcome.err
    assert not (home / "var").exists()


def test_up__a_role_that_is_none__is_a_mistake_of_the_command_line(home: Path) -> None:
    outcome = spawned("up", "--role", "sweeper", cwd=home)
    assert outcome.exit == Exit.USAGE
    assert "'sweeper' is none of" in outcome.err


def test_worker__a_mistake_in_the_settings__ends_with_a_sentence_and_its_code(home: Path) -> None:
    """As in a container, where Celery is started without `up`."""
    (home / "dustman.yaml").write_text("accounts: {main: {venue: coinbase, treshold: 1}}\n")
    ended = subprocess.run(
        [sys.executable, "-m", *ROLES["relay"].command], cwd=home, env={}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == Exit.CONFIGURATION
    assert "treshold" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_up__settings_with_webhooks__relay_brings_what_nobody_published_and_they_are_sent_it(
    home: Path, redis_server: RedisServer
) -> None:
    refused = spawned("up", "--role", "webhooks", cwd=home, DUSTMAN_REDIS_URL=redis_server.url(0).removesuffix("/0"))
    assert (refused.exit, refused.err) == (
        Exit.CONFIGURATION,
        "dustman: webhooks: the settings name none, so this role has nothing to do\n",
    )
    (home / "secret").write_text(SECRET)
    with Receiver() as there:
        (home / "dustman.yaml").write_text(
            "accounts: {main: {venue: coinbase}}\n"
            f"webhooks: {{ledger: {{url: '{there.url()}', secret: secret, start: beginning}}}}\n"
        )
        with up(home, redis_server, "--role", "webhooks", "--role", "relay") as running:
            assert list(running.pids) == ["relay", "webhooks"]
            log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC))
            log.append("account-main", 0, [new("1"), new("2")])
            log.close()
            there.waits_for(lambda: there.positions() == [1, 2])
            assert running.told(signal.SIGTERM) == Exit.DONE
            assert gone(running.pids.values(), within=1)


def test_up__settings_with_metrics_and_alerts__are_answered_and_told(home: Path, redis_server: RedisServer) -> None:
    port = free_port()
    with Service() as service:
        (home / ".env").write_text(f"DUSTMAN_ALERTS={service.url('team')}\n")
        (home / "dustman.yaml").write_text(
            "accounts: {main: {venue: coinbase}}\n"
            f"metrics: {{port: {port}}}\nalerts: {{targets: {{team: {{url: env:DUSTMAN_ALERTS}}}}}}\n"
        )
        with up(home, redis_server, "--role", "alerts", "--role", "metrics") as running:
            assert list(running.pids) == ["metrics", "alerts"]
            log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC))
            deadline = time.monotonic() + 20
            while not log.checkpoint("alerts:team:moment") and time.monotonic() < deadline:
                time.sleep(0.01)
            log.append("account-main", 0, [new("1")])
            log.close()
            service.waits_for(lambda: service.titles() == ["main: account halted"])
            assert scrape(port).value("dustman_log_position") == 1
            assert running.told(signal.SIGTERM) == Exit.DONE
            assert gone(running.pids.values(), within=1)
