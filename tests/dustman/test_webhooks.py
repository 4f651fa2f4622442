"""Webhooks from settings to receivers: every event, in order, at least once, whoever dies and whoever misbehaves."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.redis_server import free_port
from dustman.settings import load
from dustman.webhooks import run
from events.envelope import cloud_event
from events.facts import ConversionsResumed
from events.feed import Feed
from events.sqlite import SQLiteLog
from simulators.exchange.twin import shared_certificates
from tests.dustman.conftest import Typed
from tests.events.samples import new
from tests.receiver import SECRET, Misdeed, Receiver, answers, babbles, floods, hangs, redirects_to, resets, trickles
from tests.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
VARIABLE = "DUSTMAN_WEBHOOK_LEDGER_SECRET"


class Stage:
    """A log, its feed, and the webhooks process or its inside."""

    def __init__(self, home: Path, server: RedisServer) -> None:
        self.home, self.server = home, server
        self.config = home / "dustman.yaml"
        (home / "var").mkdir(mode=0o700)
        (home / "secret").write_text(SECRET)
        self.log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC))

    def configure(self, **webhooks: dict[str, Any]) -> None:
        """Write settings with these webhooks, all with the receivers' secret, from the beginning on."""
        whole = {name: {"secret": "secret", "start": "beginning", **each} for name, each in webhooks.items()}
        settings = {
            "redis": {"url": f"redis://127.0.0.1:{self.server.port}"},
            "webhooks": whole,
            "accounts": {"main": {"venue": "coinbase"}},
        }
        self.config.write_text(json.dumps(settings))

    def grow(self, count: int, fact: Any = None) -> None:
        head = self.log.head()
        self.log.append("account-main", head, [new(str(head + number), fact) for number in range(1, count + 1)])
        self.publish()

    def publish(self) -> None:
        with self.server.client() as client:
            Feed(client, self.log.identity).publish_pending(self.log)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Run the webhooks in this process."""
        over, settings = threading.Event(), load(self.config, {})
        thread = threading.Thread(target=run, args=(settings, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(20)
            assert not thread.is_alive()

    def started(self) -> subprocess.Popen[str]:
        """Start the process that `dustman up` and containers run."""
        return subprocess.Popen(
            [sys.executable, "-m", "dustman.webhooks"],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as started:
        yield started


@pytest.fixture
def stage(home: Path, server: RedisServer) -> Iterator[Stage]:
    made = Stage(home, server)
    yield made
    made.log.close()


@pytest.fixture
def there() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_webhook__events_old_and_new__come_verified_in_order_as_the_feed_has_them(
    stage: Stage, there: Receiver
) -> None:
    stage.configure(ledger={"url": there.url("/hook?token=hidden")})
    stage.grow(25)
    with stage.working():
        there.waits_for(lambda: len(there.positions("/hook?token=hidden")) == 25)
        stage.grow(3)
        there.waits_for(lambda: len(there.positions("/hook?token=hidden")) == 28)
        until(lambda: stage.log.checkpoint("webhook:ledger") == 28)
    got = there.accepted["/hook?token=hidden"]
    assert [each.position for each in got] == list(range(1, 29))
    assert [each.event for each in got] == [
        json.loads(cloud_event(recorded, stage.log.identity)) for recorded in stage.log.read()
    ]
    assert [each.message for each in got] == [recorded.event_id for recorded in stage.log.read()]
    assert there.forged == []


def test_webhook__types_and_start__choose_what_is_sent(stage: Stage, there: Receiver) -> None:
    stage.grow(4)
    stage.grow(2, ConversionsResumed("main"))
    stage.grow(1)
    stage.configure(
        typed={"url": there.url("/typed"), "types": ["conversions_resumed"]},
        late={"url": there.url("/late"), "start": "6"},
        fresh={"url": there.url("/fresh"), "start": "now"},
    )
    with stage.working():
        there.waits_for(lambda: there.positions("/typed") == [5, 6] and there.positions("/late") == [6, 7])
        stage.grow(1)
        there.waits_for(lambda: there.positions("/fresh") == [8] and there.positions("/late") == [6, 7, 8])
        until(lambda: stage.log.checkpoint("webhook:typed") == 8)


def test_webhook__now_on_an_empty_log__misses_nothing_that_comes_while_it_is_away(
    stage: Stage, there: Receiver
) -> None:
    stage.configure(ledger={"url": there.url(), "start": "now"})
    with stage.working():
        until(lambda: stage.log.checkpoint("webhook:ledger:first") == 1)
    stage.server.wipe()
    stage.grow(3)
    with stage.working():
        there.waits_for(lambda: there.positions() == [1, 2, 3])


MISDEEDS: dict[str, list[Misdeed]] = {
    "server_error": [answers(500), answers(503)],
    "too_many": [answers(429, Retry_After="2")],
    "reset": [resets, resets, resets],
    "babble": [babbles],
    "hang": [hangs],
    "trickle": [trickles],
    "flood": [floods],
    "forbidden": [answers(403)],
    "redirect": [redirects_to("/elsewhere")],
}


def test_webhook__receivers_that_misbehave__get_every_event_and_hold_up_nobody_else(
    stage: Stage, there: Receiver
) -> None:
    for path, misdeeds in MISDEEDS.items():
        there.misbehaves(f"/{path}", *misdeeds)
    there.misbehaves("/silent", *[hangs] * 20)
    urls = {path: there.url(f"/{path}") for path in (*MISDEEDS, "well", "silent")}
    stage.configure(**{name: {"url": url, "timeout": 1} for name, url in urls.items()})
    stage.grow(5)
    with stage.working():
        there.waits_for(lambda: len(there.positions("/well")) == 5)
        assert there.positions("/silent") == []
        stage.grow(5)
        there.waits_for(lambda: len(there.positions("/well")) == 10, 2.0)
        there.waits_for(lambda: all(len(there.positions(f"/{path}")) == 10 for path in MISDEEDS))
    for path in (*MISDEEDS, "well"):
        assert there.positions(f"/{path}") == list(range(1, 11)), path
    first, second = there.tries["/too_many"][:2]
    assert second - first >= 2.0
    assert there.tries["/elsewhere"] == []
    assert there.positions("/silent") == []


def test_webhook__over_tls__is_sent_to_who_the_authority_vouches_for(stage: Stage) -> None:
    certificates = shared_certificates()
    with Receiver(certificates.context()) as safe:
        stage.configure(
            ledger={"url": safe.url("/safe"), "ca_file": str(certificates.ca_file)}, stranger={"url": safe.url("/not")}
        )
        stage.grow(3)
        with stage.working():
            safe.waits_for(lambda: safe.positions("/safe") == [1, 2, 3])
            assert safe.tries["/not"] == []


def test_webhook__an_event_refused_for_good__is_parked_and_can_be_retried(
    stage: Stage, there: Receiver, dustman: Typed, caplog: pytest.LogCaptureFixture
) -> None:
    there.misbehaves("/", answers(422), answers(422))
    stage.configure(ledger={"url": there.url(), "tries": 2})
    stage.grow(3)
    with stage.working(), caplog.at_level(logging.ERROR, "dustman"):
        there.waits_for(lambda: there.positions() == [2, 3])
        until(lambda: stage.log.checkpoint("webhook:ledger") == 0)
        (parked,) = map(json.loads, dustman("parked", "list", "--json").out.splitlines())
        assert (parked["group"], parked["position"], parked["deliveries"]) == ("webhook:ledger", 1, 2)
        assert parked["error"] == "422 Unprocessable Entity"
        assert "webhook:ledger parked position 1" in caplog.text
        assert dustman("parked", "retry", "webhook:ledger", "1").exit == Exit.DONE
        there.waits_for(lambda: there.positions() == [2, 3, 1])
        until(lambda: stage.log.checkpoint("webhook:ledger") == 3)


def test_webhook__gone__is_stopped_and_said_until_the_owner_resumes_it(
    stage: Stage, there: Receiver, dustman: Typed
) -> None:
    there.misbehaves("/", answers(410))
    stage.configure(ledger={"url": there.url("/"), "tries": 1}, other={"url": there.url("/other")})
    stage.grow(2)
    with stage.working():
        until(lambda: row(dustman, "ledger")["state"] == "stopped")
        there.waits_for(lambda: there.positions("/other") == [1, 2])
    with stage.working():
        time.sleep(0.5)
        assert len(there.tries["/"]) == 1
        assert row(dustman, "ledger")["waiting"] == 2
        assert dustman("webhooks", "resume", "ledger").exit == Exit.DONE
        there.waits_for(lambda: there.positions("/") == [1, 2])
        until(lambda: row(dustman, "ledger")["state"] == "up to date")
    assert dustman("webhooks", "resume", "ledger").exit == Exit.NOTHING_TO_DO
    assert dustman("webhooks", "resume", "nobody").exit == Exit.CONFIGURATION


def row(dustman: Typed, name: str) -> Any:
    rows = [json.loads(line) for line in dustman("webhooks", "list", "--json").out.splitlines()]
    return next(each for each in rows if each["webhook"] == name)


def test_webhook__stopped_at_one_address__begins_anew_at_another(stage: Stage, there: Receiver) -> None:
    there.misbehaves("/old", answers(410))
    stage.configure(ledger={"url": there.url("/old")})
    stage.grow(2)
    with stage.working():
        there.waits_for(lambda: len(there.tries["/old"]) == 1)
    stage.configure(ledger={"url": there.url("/new")})
    with stage.working():
        there.waits_for(lambda: there.positions("/new") == [1, 2])


def test_webhook__process_killed_between_acceptance_and_answer__sends_the_event_again_with_its_id(
    stage: Stage, there: Receiver
) -> None:
    processes: list[subprocess.Popen[str]] = []

    def kills(request: Any) -> None:
        processes[-1].kill()
        request.answer(204)

    there.misbehaves("/", kills)
    stage.configure(ledger={"url": there.url()})
    stage.grow(3)
    for _ in range(2):
        processes.append(stage.started())
        there.waits_for(lambda: len(there.tries["/"]) >= len(processes))
    there.waits_for(lambda: there.positions() == [1, 2, 3])
    for process in processes:
        process.terminate()
        process.communicate()
    assert len(there.tries["/"]) == 4


def test_webhook__process_killed_again_and_again__loses_and_disorders_nothing(stage: Stage, there: Receiver) -> None:
    stage.configure(ledger={"url": there.url()})
    stage.grow(60)
    for kill in range(2):
        process = stage.started()
        there.waits_for(lambda: len(there.positions()) > 10 * (kill + 1))  # noqa: B023 - waited for within the round
        process.kill()
        process.communicate()
    process = stage.started()
    there.waits_for(lambda: 60 in there.positions())
    until(lambda: stage.log.checkpoint("webhook:ledger") == 60)
    process.send_signal(signal.SIGTERM)
    assert (process.wait(10), there.forged) == (Exit.DONE, [])
    seen = there.positions()
    assert list(dict.fromkeys(seen)) == list(range(1, 61)), "each, in order"
    assert len(seen) <= 60 + 2, "a kill repeats the one that was under way, no more"
    ids = {(got.position, got.message) for got in there.accepted["/"]}
    assert len(ids) == 60, "a repeated event has the id it had"
    process.communicate()


def test_webhook__tries__are_counted_over_restarts(stage: Stage, there: Receiver) -> None:
    there.misbehaves("/", *[answers(500)] * 3)
    stage.configure(ledger={"url": there.url(), "tries": 3})
    stage.grow(2)
    for tries in (1, 2):
        with stage.working():
            there.waits_for(lambda: len(there.tries["/"]) >= tries)  # noqa: B023 - waited for within the round
    with stage.working():
        there.waits_for(lambda: there.positions() == [2])
    assert len(there.tries["/"]) == 4


def test_webhook__two_processes__share_the_work_as_one_and_the_other_takes_over(stage: Stage, there: Receiver) -> None:
    stage.configure(ledger={"url": there.url()})
    one = stage.started()
    stage.grow(2)
    there.waits_for(lambda: there.positions() == [1, 2])
    two = stage.started()
    stage.grow(20)
    there.waits_for(lambda: len(there.positions()) >= 22)
    one.kill()
    one.communicate()
    stage.grow(5)
    there.waits_for(lambda: 27 in there.positions())
    two.terminate()
    assert two.wait(10) == Exit.DONE
    two.communicate()
    assert list(dict.fromkeys(there.positions())) == list(range(1, 28))
    assert len(there.positions()) <= 28


def test_webhook__redis_wiped_and_restarted__brings_what_was_not_answered_for(
    stage: Stage, there: Receiver, server: RedisServer
) -> None:
    stage.configure(ledger={"url": there.url()})
    stage.grow(10)
    with stage.working():
        there.waits_for(lambda: len(there.positions()) == 10)
        until(lambda: stage.log.checkpoint("webhook:ledger") == 10)
        server.wipe()
        stage.grow(5)
        there.waits_for(lambda: 15 in there.positions())
        until(lambda: stage.log.checkpoint("webhook:ledger") == 15)
        server.restart()
        stage.grow(5)
        there.waits_for(lambda: 20 in there.positions())
    assert there.positions() == list(range(1, 21))


def test_webhook__receiver_killed_and_started_again__gets_the_rest(stage: Stage) -> None:
    port = free_port()
    stage.configure(ledger={"url": f"http://127.0.0.1:{port}/"})
    stage.grow(3)
    with stage.working():
        until(lambda: tries(stage) > 0)
        with Receiver(port=port) as late:
            late.waits_for(lambda: late.positions() == [1, 2, 3])


def tries(stage: Stage) -> int:
    with stage.server.client() as client:
        kept: Any = client.get(f"dustman:webhook:{stage.log.identity}:ledger")
    return int(json.loads(kept)["tries"]) if kept else 0


def test_process__a_bad_or_missing_secret__ends_with_a_sentence_that_shows_nothing(
    stage: Stage, there: Receiver
) -> None:
    for text, sentence in (("", "holds no secret"), ("whsec_c2hvcnQgc2VjcmV0", "(not shown) is not whsec_ and 24")):
        (stage.home / "secret").write_text(text)
        stage.configure(ledger={"url": there.url()})
        process = stage.started()
        _, said = process.communicate(timeout=20)
        assert process.returncode == Exit.CONFIGURATION
        assert sentence in said
        assert not text or text not in said


def test_process__settings_without_webhooks__says_so(stage: Stage) -> None:
    stage.configure()
    process = stage.started()
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (
        Exit.CONFIGURATION,
        "dustman: webhooks: the settings name none; docs/how-to/webhooks.md shows how\n",
    )


def test_logs__of_failures__tell_neither_secret_nor_path(stage: Stage, there: Receiver) -> None:
    there.misbehaves("/hook/token-1234?key=5678", answers(500), resets)
    stage.configure(ledger={"url": there.url("/hook/token-1234?key=5678")})
    stage.grow(1)
    process = stage.started()
    there.waits_for(lambda: there.positions("/hook/token-1234?key=5678") == [1])
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert "webhook ledger, position 1, try 1: 500 Internal Server Error; next try in" in said
    assert "token-1234" not in said
    assert "5678" not in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", "http://example.com/"),
        ("url", "https://user:password@example.com/"),
        ("url", "https://example.com/#part"),
        ("url", "https://example.com:0/"),
        ("url", "https://example.com:99999/"),
        ("url", "https://exämple.com/"),
        ("url", "https://example.com/a b"),
        ("url", "ftp://example.com/"),
        ("url", ""),
        ("secret", SECRET),
        ("secret", ""),
        ("types", ["nonsense"]),
        ("start", "yesterday"),
        ("start", "0"),
        ("start", "-1"),
        ("tries", "0"),
        ("tries", "101"),
        ("timeout", "0"),
        ("timeout", "1.5"),
        ("timeout", "61"),
        ("colour", "red"),
    ],
)
def test_settings__of_another_form__are_refused_by_key(stage: Stage, key: str, value: object) -> None:
    stage.configure(ledger={"url": "https://example.com/hook", key: value})
    with pytest.raises(ConfigurationError, match=rf"webhooks\.ledger\.{key}") as refused:
        load(stage.config, {})
    assert SECRET not in str(refused.value)
    assert "password@" not in str(refused.value)


def test_settings__two_names_with_one_variable__are_refused(stage: Stage) -> None:
    stage.configure(**{name: {"url": "https://example.com/", "secret": "env"} for name in ("my-hook", "MY_hook")})
    with pytest.raises(ConfigurationError, match="shares the variable DUSTMAN_WEBHOOK_MY_HOOK_SECRET with my-hook"):
        load(stage.config, {})


def test_settings__a_start_beyond_the_log__is_refused_when_it_is_read(stage: Stage, there: Receiver) -> None:
    stage.configure(ledger={"url": there.url(), "start": "5"})
    stage.grow(3)
    with pytest.raises(ConfigurationError, match=r"webhooks\.ledger\.start: 5 is beyond the log, which ends at 3"):
        run(load(stage.config, {}), threading.Event())
