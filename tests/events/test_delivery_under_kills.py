"""Real processes, SIGKILL and an emptied Redis: every event in the log reaches the group."""

from __future__ import annotations

import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from events.sqlite import SQLiteLog
from tests.events.clocks import utc_now
from tests.events.writers import append_and_publish, handle_events, spawn
from tests.redis_server import RedisServer

SEED = 20260301
EVENTS = 2 * 400


def test_group__consumers_and_redis_killed_under_load__is_handed_every_event(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    path, handled = tmp_path / "log.db", tmp_path / "handled"

    def start(name: str) -> BaseProcess:
        return spawn(handle_events, path, redis_server.port, name, handled)

    writers = [
        spawn(append_and_publish, path, redis_server.port, f"writer-{number}", EVENTS // 2) for number in range(2)
    ]
    consumers = {name: start(name) for name in ("one", "two")}
    for accident in range(8):
        time.sleep(chance.uniform(0.1, 0.5))
        if accident in (3, 6):
            redis_server.restart()
            continue
        name = chance.choice(sorted(consumers))
        consumers[name].kill()
        consumers[name].join()
        consumers[name] = start(name)
    for writer in writers:
        writer.join(30)
    log = SQLiteLog(path, utc_now)
    deadline = time.monotonic() + 30
    while log.checkpoint("group") < EVENTS and time.monotonic() < deadline:
        time.sleep(0.05)
    for consumer in consumers.values():
        consumer.kill()
        consumer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert (log.head(), log.checkpoint("group")) == (EVENTS, EVENTS)
    assert {int(line) for line in handled.read_text().split()} == set(range(1, EVENTS + 1))
    log.close()
