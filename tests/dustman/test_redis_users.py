"""Redis as docker-compose starts it: workers can do their work, subscribers can read the feed and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from kombu import Connection
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

from dustman.redis_server import free_port
from dustman.roles import ROLES
from events.feed import POINTER, Feed, stream_key
from events.memory import MemoryLog
from events.parked import Parked, groups
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from tests.events.clocks import SetClock
from tests.events.samples import new
from tests.redis_server import executable
from venues.limits import Limiter

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / "containers/redis.sh"
PASSWORDS: Final = {"worker": "w0rker", "subscriber": "subscr1ber"}
WORDS: Final = {f"{user.upper()}_PASSWORD": password for user, password in PASSWORDS.items()}


class Guarded:
    """A Redis with the users of docker-compose, and a feed of four events that its worker published."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.log = MemoryLog("6f1c", SetClock())
        self.log.append("main", 0, [new(str(number)) for number in range(4)])

    @contextmanager
    def client(self, user: str | None, password: str | None = None) -> Iterator[Any]:
        with redis.Redis(
            port=self.port,
            username=user,
            password=password or PASSWORDS.get(user or ""),
            protocol=2,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            yield client


@contextmanager
def started(directory: Path, **passwords: str) -> Iterator[Guarded]:
    """Run the script with a redis-server first in its path, and end it with everything it started."""
    directory.mkdir()
    (directory / "redis-server").symlink_to(executable())
    port = free_port()
    environment = {"PATH": f"{directory}:{os.environ['PATH']}", "USERS": str(directory / "users.acl"), **passwords}
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction"]
    process = subprocess.Popen(["sh", SCRIPT, *words], env=environment, cwd=directory, stdout=subprocess.DEVNULL)
    try:
        guarded = Guarded(port)
        deadline = time.monotonic() + 10
        while not _answers(guarded) and time.monotonic() < deadline:
            time.sleep(0.01)
        yield guarded
    finally:
        process.kill()
        process.wait()


def _answers(guarded: Guarded) -> bool:
    with guarded.client(None) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with started(tmp_path_factory.mktemp("guarded") / "redis", **WORDS) as guarded:
        with guarded.client("worker") as client:
            Feed(client, guarded.log.identity).publish_pending(guarded.log)
        yield guarded


def test_worker__feed_groups_and_parked_events__are_its_to_use(guarded: Guarded) -> None:
    with guarded.client("worker") as client:
        consumer = Subscription(client, guarded.log, "auditor", "one", most_deliveries=1)
        first, *others = consumer.take()
        consumer.failed(first, ValueError("cannot read this"))
        for delivery in others:
            consumer.done(delivery)
        assert groups(client) == ["auditor"]
        assert Parked(client, guarded.log.identity, "auditor").retry(1)
        assert [delivery.recorded.position for delivery in consumer.take()] == [1]


def test_worker__queues_of_the_broker__are_its_to_use(guarded: Guarded) -> None:
    url = f"redis://worker:{PASSWORDS['worker']}@127.0.0.1:{guarded.port}/1"
    with Connection(url) as connection, connection.SimpleQueue("relay") as queue:
        queue.put({"task": "dustman.relay"})
        message = queue.get(timeout=5)
        message.reject(requeue=True)
        message = queue.get(timeout=5)
        assert message.payload == {"task": "dustman.relay"}
        message.ack()
        with connection.channel() as channel:
            channel.qos.restore_visible()


def test_worker__limits_of_a_key__are_its_to_keep(guarded: Guarded) -> None:
    with guarded.client("worker") as client:
        limiter = Limiter("organizations/1/apiKeys/2", client, sleep=lambda _: None)
        limiter.request()
        limiter.conversion()


def test_worker__a_whole_relay_with_beat__brings_the_log_to_the_feed(tmp_path: Path) -> None:
    with started(tmp_path / "redis", **WORDS) as guarded:
        (tmp_path / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
        (tmp_path / "var").mkdir(mode=0o700)
        log = SQLiteLog(tmp_path / "var/dustman.db", lambda: datetime.now(UTC))
        log.append("account-main", 0, [new("one")])
        environment = {
            "PATH": os.environ["PATH"],
            "DUSTMAN_CONFIG": str(tmp_path / "dustman.yaml"),
            "DUSTMAN_REDIS_URL": f"redis://worker:{PASSWORDS['worker']}@127.0.0.1:{guarded.port}",
        }
        roles = [
            subprocess.Popen([sys.executable, "-m", *ROLES[name].command], cwd=ROOT, env=environment)
            for name in ("relay", "beat")
        ]
        try:
            with guarded.client("subscriber") as client:
                replies: Any = client.xread({stream_key(log.identity): "0-0"}, count=1, block=100)
                deadline = time.monotonic() + 30
                while not replies and time.monotonic() < deadline:
                    replies = client.xread({stream_key(log.identity): "0-0"}, count=1, block=1000)
            assert [entry for entry, _ in replies[0][1]] == [b"1-0"]
            assert [role.poll() for role in roles] == [None, None]
        finally:
            for role in roles:
                role.kill()
                role.wait()
            log.close()


def test_subscriber__the_feed__is_its_to_read(guarded: Guarded) -> None:
    with guarded.client("subscriber") as client:
        stream: Any = client.get(POINTER)
        assert stream == stream_key("6f1c").encode()
        replies: Any = client.xread({stream: "0-0"}, count=10, block=100)
        [[_, entries]] = replies
        assert [json.loads(fields[b"event"])["position"] for _, fields in entries] == ["1", "2", "3", "4"]
        assert client.xlen(stream) == len(client.xrevrange(stream)) == 4
        assert client.xinfo_stream(stream)["last-generated-id"] == b"4-0"


@pytest.mark.parametrize(
    "command",
    [
        "XADD dustman:feed:6f1c * type x event {}",
        "XDEL dustman:feed:6f1c 1-0",
        "XTRIM dustman:feed:6f1c MAXLEN 0",
        "DEL dustman:feed:6f1c",
        "SET dustman:feed elsewhere",
        "EXPIRE dustman:feed 1",
        "RENAME dustman:feed:6f1c dustman:feed:gone",
        "XGROUP CREATE dustman:feed:6f1c mine 0",
        "XREADGROUP GROUP auditor one STREAMS dustman:feed:6f1c >",
        "XACK dustman:feed:6f1c auditor 1-0",
        "EVAL return 0",
        "GET dustman:owed:6f1c:auditor",
        "XRANGE dustman:parked:auditor - +",
        "LRANGE relay 0 -1",
        "KEYS *",
        "SCAN 0",
        "FLUSHALL",
        "CONFIG GET *",
        "ACL LIST",
        "CLIENT LIST",
        "SUBSCRIBE anything",
        "PUBLISH anything x",
        "MONITOR",
        "SHUTDOWN",
    ],
)
@pytest.mark.parametrize("user", ["subscriber", None])
def test_others__anything_but_the_feed__is_refused(guarded: Guarded, user: str | None, command: str) -> None:
    with guarded.client(user) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command.split())


@pytest.mark.parametrize("command", ["CONFIG SET dir /", "ACL SETUSER me on nopass +@all", "FLUSHALL", "SHUTDOWN"])
def test_worker__the_server_itself__is_not_its_to_change(guarded: Guarded, command: str) -> None:
    with guarded.client("worker") as client, pytest.raises(NoPermissionError):
        client.execute_command(*command.split())


def test_nobody__without_a_name__may_do_more_than_ask_for_health(guarded: Guarded) -> None:
    with guarded.client(None) as client:
        assert client.ping()
        with pytest.raises(NoPermissionError):
            client.get(POINTER)


@pytest.mark.parametrize("user", ["worker", "subscriber"])
def test_users__with_another_password__are_not_let_in(guarded: Guarded, user: str) -> None:
    with guarded.client(user, "guess") as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_start__without_the_workers_password__does_not_start(tmp_path: Path) -> None:
    ended = subprocess.run(
        ["sh", SCRIPT], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "WORKER_PASSWORD" in ended.stderr


def test_start__without_the_subscribers_password__lets_no_subscriber_in(tmp_path: Path) -> None:
    with started(tmp_path / "redis", WORKER_PASSWORD="w0rker") as guarded:
        with guarded.client("subscriber") as client, pytest.raises(redis.AuthenticationError):
            client.ping()
        with guarded.client("worker") as client:
            assert client.ping()


def test_start__what_it_writes__holds_no_password(guarded: Guarded, tmp_path: Path) -> None:
    with started(tmp_path / "redis", **WORDS):
        file = tmp_path / "redis/users.acl"
        assert file.stat().st_mode & 0o777 == 0o600
        assert not any(password in file.read_text() for password in PASSWORDS.values())
