"""Alerts from the log to people: what arrives at a real server, once, whoever dies and whoever does not answer."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from domain.errors import ConfigurationError
from dustman.alerts import Progress, run
from dustman.exits import Exit
from dustman.settings import load
from events.facts import ConversionsHalted, ConversionsResumed, Fact, VenueUnreachable
from events.sqlite import SQLiteLog
from tests.dustman.conftest import Typed
from tests.events.samples import new
from tests.redis_server import RedisServer
from views.alarms import Alarm, Level

ROOT = Path(__file__).parents[2]
HALT, RESUMED = ConversionsHalted("main", "holiday"), ConversionsResumed("main")
SECRET = "s3cr3t-t0ken-of-the-team"


class Service:
    """A web service as apprise's `json://` tells it, on loopback. Each path is a target; `answer` may be changed."""

    def __init__(self) -> None:
        self.got: dict[str, list[dict[str, Any]]] = {}
        self.tries: dict[str, int] = {}
        self.answer: Callable[[str], int] = lambda path: 200
        self.changed = threading.Condition()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                path = self.path.split("/")[1]
                status = service.answer(path)
                with service.changed:
                    service.tries[path] = service.tries.get(path, 0) + 1
                    if status == 200:
                        service.got.setdefault(path, []).append(body)
                    service.changed.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str) -> str:
        return f"json://127.0.0.1:{self._server.server_address[1]}/{path}/{SECRET}"

    def titles(self, path: str = "team") -> list[str]:
        return [body["title"].removeprefix("Dustman, ") for body in self.got.get(path, [])]

    def ids(self, path: str = "team") -> list[str]:
        return [re.findall(r"alert ([0-9a-f-]{36})", body["message"])[0] for body in self.got.get(path, [])]

    def waits_for(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        with self.changed:
            assert self.changed.wait_for(true, seconds), (self.got, self.tries)


class Stage:
    """A log, settings with targets, and the process or its inside."""

    def __init__(self, home: Path, service: Service, redis: RedisServer) -> None:
        self.home, self.service, self.redis = home, service, redis
        (home / "var").mkdir(mode=0o700)
        self.back = timedelta(0)
        self.log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC) - self.back)

    def configure(self, *targets: str, **alerts: Any) -> None:
        """Write settings with these targets; they are known already, so nothing that happens from now on is missed."""
        named = {name: {"url": f"env:DUSTMAN_ALERTS_{name.upper()}"} for name in targets}
        settings = {
            "redis": {"url": f"redis://127.0.0.1:{self.redis.port}"},
            "alerts": {"targets": named, **alerts},
            "accounts": {"main": {"venue": "coinbase"}},
        }
        (self.home / "dustman.yaml").write_text(json.dumps(settings))
        urls = [f"DUSTMAN_ALERTS_{name.upper()}={self.service.url(name)}\n" for name in targets]
        (self.home / ".env").write_text("".join(urls))
        for name in targets:
            Progress(self.log, name).begin(datetime.now(UTC) - timedelta(days=9))

    def happens(self, *facts: Fact) -> None:
        for fact in facts:
            head = self.log.head()
            self.log.append("account-main", head, [new(str(head + 1), fact)])

    @contextmanager
    def working(self) -> Iterator[None]:
        over, settings = threading.Event(), load(self.home / "dustman.yaml", {})
        thread = threading.Thread(target=run, args=(settings, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(20)
            assert not thread.is_alive()

    def started(self, pulse: str = "pulse") -> subprocess.Popen[str]:
        """Start the process that `dustman up` and containers run; it gives its sign of life in the file `pulse`."""
        return subprocess.Popen(
            [sys.executable, "-m", "dustman.alerts"],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DUSTMAN_PULSE": str(self.home / pulse)},
            stderr=subprocess.PIPE,
            text=True,
        )

    def progress(self, target: str = "team") -> int:
        return Progress(self.log, target).place()[0]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def stage(home: Path, service: Service, redis: RedisServer) -> Iterator[Stage]:
    made = Stage(home, service, redis)
    yield made
    made.log.close()


def ended(process: subprocess.Popen[str]) -> int:
    """Ask a process to end, and return how it did."""
    process.terminate()
    process.communicate(timeout=20)
    return process.returncode


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_alerts__of_what_happens__arrive_in_order_with_their_words(stage: Stage, service: Service) -> None:
    stage.configure("team")
    stage.happens(HALT)
    with stage.working():
        service.waits_for(lambda: len(service.titles()) == 1)
        stage.happens(RESUMED)
        service.waits_for(lambda: len(service.titles()) == 2)
        until(lambda: stage.progress() == 2)
    assert service.titles() == ["main: account halted", "main: account resumed"]
    first, second = service.got["team"]
    assert first["message"].startswith("main is halted: holiday\n")
    assert (first["type"], second["type"]) == ("warning", "success")


def test_time__that_passed_while_nobody_was_at_work__is_told_of(stage: Stage, service: Service) -> None:
    stage.configure("team", unreachable_after="10 min")
    stage.back = timedelta(minutes=30)
    stage.happens(VenueUnreachable("main", "coinbase", "scan", "scan-1", "no answer"))
    with stage.working():
        service.waits_for(lambda: service.titles() == ["main: venue unreachable"])
        stage.back = timedelta(0)
        stage.happens(VenueUnreachable("main", "coinbase", "scan", "scan-2", "no answer"))
        until(lambda: stage.progress() == 2)
    with stage.working():
        stage.happens(HALT)
        service.waits_for(lambda: len(service.titles()) == 2)
    assert service.titles() == ["main: venue unreachable", "main: account halted"]


def test_target__of_a_new_name__is_told_what_comes_and_not_what_was(stage: Stage, service: Service) -> None:
    stage.configure("team")
    stage.happens(HALT)
    with (stage.home / ".env").open("a") as environment:
        environment.write(f"DUSTMAN_ALERTS_LATE={service.url('late')}\n")
    settings = json.loads((stage.home / "dustman.yaml").read_text())
    settings["alerts"]["targets"]["late"] = {"url": "env:DUSTMAN_ALERTS_LATE"}
    (stage.home / "dustman.yaml").write_text(json.dumps(settings))
    with stage.working():
        service.waits_for(lambda: len(service.titles()) == 1)
        until(lambda: stage.log.checkpoint("alerts:late:moment") > 0)
        stage.happens(RESUMED)
        service.waits_for(lambda: len(service.titles("late")) == 1)
    assert service.titles("late") == ["main: account resumed"]


def test_target__that_refuses__is_told_later_in_order_and_harms_no_other(stage: Stage, service: Service) -> None:
    stage.configure("team", "broken")
    service.answer = lambda path: 500 if path == "broken" and service.tries.get("broken", 0) < 2 else 200
    stage.happens(HALT, RESUMED)
    with stage.working():
        service.waits_for(lambda: len(service.titles("team")) == 2)
        assert service.titles("broken") == []
        service.waits_for(lambda: len(service.titles("broken")) == 2)
    assert service.titles("broken") == service.titles("team") == ["main: account halted", "main: account resumed"]
    assert service.ids("broken") == service.ids("team")
    assert service.tries["broken"] == 4


def test_process__killed_before_it_could_note_an_alert__sends_it_again_under_the_same_id(
    stage: Stage, service: Service
) -> None:
    stage.configure("team")
    stage.happens(HALT)
    running = [stage.started()]

    def kills(path: str) -> int:
        if len(running) == 1:
            running[0].send_signal(signal.SIGKILL)
            running[0].communicate()
            running.append(stage.started())
        return 200

    service.answer = kills
    try:
        service.waits_for(lambda: len(service.titles()) == 2)
        until(lambda: stage.progress() == 1)
    finally:
        assert ended(running[-1]) == Exit.DONE
    first, second = service.ids()
    assert first == second
    third = stage.started()
    stage.happens(RESUMED)
    service.waits_for(lambda: len(service.titles()) == 3)
    assert ended(third) == Exit.DONE
    assert service.titles()[-1] == "main: account resumed"


def test_processes__two_of_them__tell_once(stage: Stage, service: Service) -> None:
    stage.configure("team")
    both = [stage.started("one"), stage.started("two")]
    until(lambda: (stage.home / "one").exists() and (stage.home / "two").exists())
    stage.happens(HALT)
    service.waits_for(lambda: len(service.titles()) == 1)
    until(lambda: stage.progress() == 1)
    assert ended(both[0]) == Exit.DONE
    stage.happens(RESUMED)
    service.waits_for(lambda: len(service.titles()) == 2)
    assert ended(both[1]) == Exit.DONE
    assert service.titles() == ["main: account halted", "main: account resumed"]


def test_redis__that_is_away__keeps_nobody_from_being_told(home: Path, service: Service, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with RedisServer(tmp_path / "server") as server:
        stage = Stage(home, service, server)
    stage.configure("team")
    stage.happens(HALT)
    with stage.working():
        service.waits_for(lambda: service.titles() == ["main: account halted"])
    stage.log.close()


def test_secrets__of_a_target_that_refuses__are_nowhere_in_what_is_logged(stage: Stage, service: Service) -> None:
    stage.configure("team")
    service.answer = lambda path: 403
    stage.happens(HALT)
    process = stage.started()
    service.waits_for(lambda: service.tries.get("team", 0) >= 1)
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert "did not take alert" in said
    assert SECRET not in said


def settings(home: Path, alerts: str, **environment: str) -> Any:
    config = home / "dustman.yaml"
    config.write_text(f"accounts: {{main: {{venue: coinbase}}}}\nalerts: {alerts}\n")
    return load(config, environment)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("on", 'alerts: "on" is not off, or a mapping such as'),
        ("{}", "alerts.targets"),
        ("{targets: {}}", "alerts.targets"),
        (f"{{targets: {{me: {{url: 'json://host/{SECRET}'}}}}}}", "alerts.targets.me.url"),
        ("{targets: {me: {url: env:HOME}}}", "env: and the name of a variable that begins with DUSTMAN_"),
        ("{targets: {me: {url: env:DUSTMAN_X}}, levels: {account_halte: on}}", "account_halte"),
        ("{targets: {me: {url: env:DUSTMAN_X}}, levels: {account_halted: loud}}", "is not on, silent, digest or off"),
        ("{targets: {me: {url: env:DUSTMAN_X}}, collapse: -1 h}", "alerts.collapse"),
        ("{targets: {me: {url: env:DUSTMAN_X}}, unroutable_growth: 0}", "alerts.unroutable_growth"),
        ("{targets: {me: {url: env:DUSTMAN_X}}, over_intervals: 0}", "alerts.over_intervals"),
        ("{targets: {me: {url: env:DUSTMAN_X}}, digest: whenever}", "alerts.digest"),
    ],
)
def test_settings__with_a_mistake__name_it_and_show_no_url(home: Path, written: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings(home, written)
    assert said in str(error.value)
    assert SECRET not in str(error.value)


def test_settings__levels__are_read_as_words(home: Path) -> None:
    read = settings(home, "{targets: {me: {url: env:DUSTMAN_X}}, levels: {account_halted: off, sweep_completed: on}}")
    assert read.alerts.levels == {Alarm.ACCOUNT_HALTED: Level.OFF, Alarm.SWEEP_COMPLETED: Level.ON}


@pytest.mark.parametrize("value", ["", "nonsense", "nonsense://x/y/z", f"json://a/{SECRET},json://b/"])
def test_process__with_a_url_that_apprise_does_not_know__ends_and_names_the_variable(
    home: Path, value: str, redis: RedisServer
) -> None:
    read = settings(home, "{targets: {me: {url: env:DUSTMAN_ME}}}", DUSTMAN_ME=value)
    with pytest.raises(ConfigurationError, match="target me: DUSTMAN_ME ") as error:
        run(read, threading.Event())
    assert SECRET not in str(error.value)


def test_command__test__sends_and_says_who_took_it(stage: Stage, service: Service, dustman: Typed) -> None:
    stage.configure("team", "broken")
    service.answer = lambda path: 500 if path == "broken" else 200
    ended = dustman("alerts", "test")
    assert ended.exit == Exit.CONFIGURATION
    assert ended.out.splitlines() == ["team took it", "broken did not take it"]
    assert SECRET not in ended.out + ended.err
    assert dustman("alerts", "test", "team", "--json").value == {"target": "team", "took": True}
    assert service.titles() == ["test", "test"]
    unknown = dustman("alerts", "test", "nobody")
    assert (unknown.exit, "there is no target 'nobody'" in unknown.err) == (Exit.CONFIGURATION, True)


def test_command__list__shows_how_far_each_is(stage: Stage, dustman: Typed) -> None:
    stage.configure("team")
    stage.happens(HALT, RESUMED)
    assert dustman("alerts", "list", "--json").value == {"target": "team", "service": "JSON", "behind": 2}
    assert "team" in dustman("alerts", "list").out


def rows(outcome: Any) -> Mapping[str, Mapping[str, str]]:
    return {finding["check"]: finding for finding in outcome.value["findings"]}


def test_doctor__looks_at_each_target_and_at_who_is_behind(stage: Stage, dustman: Typed) -> None:
    stage.configure("team")
    stage.happens(*(HALT, RESUMED) * 60)
    found = rows(dustman("doctor", "--json"))
    assert found["team: alerts"]["verdict"] == "ok"
    assert found["team: alerts"]["sentence"] == "JSON; `dustman alerts test team` tells it something"
    assert found["team: progress"]["verdict"] == "warn"
    (stage.home / ".env").write_text("")
    missing = rows(dustman("doctor", "--json"))["team: alerts"]
    assert (missing["verdict"], "DUSTMAN_ALERTS_TEAM is not set" in missing["sentence"]) == ("fail", True)
