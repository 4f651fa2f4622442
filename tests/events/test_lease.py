"""Of several who want a lease one has it, until it dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import redis

from events.lease import Lease
from tests.redis_server import RedisServer

KEY = "dustman:webhooks:6f1c"


def test_lease__wanted_by_two__is_held_by_the_first_until_it_lets_go(clients: Iterator[redis.Redis]) -> None:
    one, two = Lease(next(clients), KEY, "one"), Lease(next(clients), KEY, "two")
    assert one.term() is None
    one.renew()
    two.renew()
    one.renew()
    assert (one.term(), two.term()) == (1, None)
    two.release()
    one.release()
    two.renew()
    assert (one.term(), two.term()) == (None, 1)


def test_lease__not_renewed__goes_to_another_and_comes_back_as_another_term(clients: Iterator[redis.Redis]) -> None:
    one, two = Lease(next(clients), KEY, "one", life=0.05), Lease(next(clients), KEY, "two", life=0.05)
    one.renew()
    time.sleep(0.06)
    assert one.term() is None
    two.renew()
    one.renew()
    assert (one.term(), two.term()) == (None, 1)
    time.sleep(0.06)
    one.renew()
    assert one.term() == 2


def test_lease__redis_away__ends_by_itself_and_is_kept_again_afterwards(
    redis_server: RedisServer, client: redis.Redis
) -> None:
    lease, ended = Lease(client, KEY, "one", life=0.3), threading.Event()
    keeper = threading.Thread(target=lease.keep, args=(ended,))
    keeper.start()
    try:
        until(lambda: lease.term() == 1)
        redis_server.kill()
        until(lambda: lease.term() is None)
        redis_server.start()
        until(lambda: lease.term() == 2)
    finally:
        ended.set()
        keeper.join()
    assert client.get(KEY) is None


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
