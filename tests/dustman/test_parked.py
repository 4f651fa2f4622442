"""The owner's words about parked events, typed as they are typed, against a real Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dustman.exits import Exit
from dustman.service_settings import Redis
from events.feed import Feed
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from tests.dustman.conftest import Typed
from tests.events.samples import new
from tests.redis_server import RedisServer

GROUP = "auditor"
FEED = Redis().feed_db


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as started:
        yield started


@pytest.fixture
def log(home: Path, server: RedisServer) -> Iterator[SQLiteLog]:
    """The log of settings in this directory, with four events of which a group has parked the second and third."""
    settings = f"accounts: {{main: {{venue: coinbase}}}}\nredis: {{url: 'redis://127.0.0.1:{server.port}'}}\n"
    (home / "dustman.yaml").write_text(settings)
    (home / "var").mkdir(mode=0o700)
    log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC))
    log.append("account-main", 0, [new(str(number)) for number in range(4)])
    handled(server, log, 2, 3)
    yield log
    log.close()


def handled(server: RedisServer, log: SQLiteLog, *failing: int) -> list[int]:
    """Take what the group is handed, failing at some, and return the positions."""
    with server.client(database=FEED) as client:
        Feed(client, log.identity).publish_pending(log)
        consumer = Subscription(client, log, GROUP, "one", idle=60, most_deliveries=1)
        taken = consumer.take()
        for delivery in taken:
            if delivery.recorded.position in failing:
                consumer.failed(delivery, ValueError("cannot \x1b[31mread this"))
            else:
                consumer.done(delivery)
        consumer.take()
    return [delivery.recorded.position for delivery in taken]


def test_list__with_json__is_one_line_for_each_event(dustman: Typed, log: SQLiteLog) -> None:
    ended = dustman("parked", "list", "--json")
    first, second = map(json.loads, ended.out.splitlines())
    assert (ended.exit, ended.err, first["position"], second["position"]) == (Exit.DONE, "", 2, 3)
    assert (first["group"], first["deliveries"], first["type"]) == (GROUP, 1, "conversions_halted")
    assert first["error"] == "ValueError: cannot \x1b[31mread this"
    assert first["event"]["position"] == "2"
    assert dustman("parked", "list", "nobody", "--json").out == ""


def test_list__for_people__is_a_table_without_control_characters(dustman: Typed, log: SQLiteLog) -> None:
    ended = dustman("parked", "list", GROUP)
    assert (ended.exit, ended.err) == (Exit.DONE, "")
    assert "cannot" in ended.out
    assert "\x1b" not in ended.out


def test_retry__one_position__hands_it_out_again(dustman: Typed, server: RedisServer, log: SQLiteLog) -> None:
    ended = dustman("parked", "retry", GROUP, "3")
    assert (ended.exit, ended.out, ended.err) == (Exit.DONE, f"{GROUP} 3 is handed out again\n", "")
    assert handled(server, log) == [3]
    assert log.checkpoint(GROUP) == 1


def test_drop__all__lets_the_checkpoint_pass(dustman: Typed, server: RedisServer, log: SQLiteLog) -> None:
    ended = dustman("parked", "drop", GROUP, "--all", "--json")
    assert [json.loads(line) for line in ended.out.splitlines()] == [
        {"group": GROUP, "position": position, "changed": True} for position in (2, 3)
    ]
    assert handled(server, log) == []
    assert log.checkpoint(GROUP) == 4
    assert dustman("parked", "list").out == "nothing is parked\n"


def test_decisions__that_change_nothing__say_so_by_their_number(dustman: Typed, log: SQLiteLog) -> None:
    ended = dustman("parked", "retry", GROUP, "1", "2")
    assert (ended.exit, ended.out) == (
        Exit.NOTHING_TO_DO,
        f"{GROUP} 1 is not parked\n{GROUP} 2 is handed out again\n",
    )
    ended = dustman("parked", "drop", "nobody", "--all")
    assert (ended.exit, ended.out, ended.err) == (Exit.NOTHING_TO_DO, "", "nobody has nothing parked\n")


@pytest.mark.parametrize("words", [[], ["2", "--all"], ["two"], ["0"]])
def test_decisions__without_clear_words__are_refused(dustman: Typed, log: SQLiteLog, words: list[str]) -> None:
    for decision in ("retry", "drop"):
        assert dustman("parked", decision, GROUP, *words).exit == Exit.USAGE
    assert len(dustman("parked", "list", "--json").out.splitlines()) == 2


def test_parked__redis_down__ends_with_its_number(dustman: Typed, server: RedisServer, log: SQLiteLog) -> None:
    server.kill()
    assert dustman("parked", "list").exit == Exit.STORE_UNAVAILABLE
    assert dustman("parked", "drop", GROUP, "2").exit == Exit.STORE_UNAVAILABLE


def test_parked__redis_wiped__comes_again_by_itself(dustman: Typed, server: RedisServer, log: SQLiteLog) -> None:
    server.wipe()
    assert dustman("parked", "list").out == "nothing is parked\n"
    assert dustman("parked", "retry", GROUP, "2").exit == Exit.NOTHING_TO_DO
    assert handled(server, log) == [2, 3, 4]
