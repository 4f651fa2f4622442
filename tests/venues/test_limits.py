"""The rate limit holds for all workers of a key together, and its loss stops them instead of letting them loose."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from redis import Redis

from domain.errors import VenueUnavailable
from tests.redis_server import RedisServer
from venues.limits import Limiter

KEY = "organizations/00000000-0000-0000-0000-000000000000/apiKeys/a-name-that-stays-here"
# Both clocks count in whole milliseconds; a thread may notice its turn late.
GRAIN = 0.003
WAKING = 0.05


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    with server.client() as client:
        yield client


def moments(limiters: list[Limiter], turns: int) -> list[float]:
    """Have every limiter take turns in a thread of its own; return when each turn was had."""
    had: list[float] = []

    def take(limiter: Limiter) -> None:
        for _ in range(turns):
            limiter.request()
            had.append(time.monotonic())

    threads = [threading.Thread(target=take, args=(limiter,)) for limiter in limiters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(had)


@pytest.mark.parametrize("shared", [True, False])
def test_requests__when_workers_share_a_key__then_they_share_its_rate(redis: Redis, shared: bool) -> None:
    one = Limiter(KEY, redis if shared else None, requests_per_second=Decimal(50))
    others = [Limiter(KEY, redis, requests_per_second=Decimal(50)) for _ in range(2)] if shared else [one, one]

    had = moments([one, *others], turns=8)

    assert 23 / 50 - GRAIN <= had[-1] - had[0] < 3
    assert all(tenth - first >= 10 / 50 - WAKING for first, tenth in zip(had, had[10:], strict=False))


def test_requests__when_keys_differ__then_neither_waits_for_the_other(redis: Redis) -> None:
    one, other = (
        Limiter(name, redis, requests_per_second=Decimal(1), longest_wait=Decimal(0)) for name in ("one", "other")
    )

    one.request()
    other.request()

    with pytest.raises(VenueUnavailable, match="too many requests are waiting"):
        one.request()


def test_apart__of_one_kind__waits_for_its_own_kind_alone_whoever_shares_the_key(redis: Redis) -> None:
    one, other = (Limiter(KEY, redis, requests_per_second=Decimal(1000), longest_wait=Decimal(0)) for _ in range(2))

    one.apart("small", Decimal(2))
    other.apart("large", Decimal(2))
    other.conversion()
    other.request()

    with pytest.raises(VenueUnavailable, match="too many small are waiting"):
        other.apart("small", Decimal(2))


def test_apart__without_a_gap__never_waits() -> None:
    limiter = Limiter(KEY, longest_wait=Decimal(0))

    for _ in range(3):
        limiter.apart("small", Decimal(0))


@pytest.mark.parametrize(("rate", "wait"), [("0.5", 2), ("10", 0.1), ("33.3", 0.03), ("1000", 0.001)])
def test_requests__at_any_rate__then_the_next_turn_comes_one_part_of_a_second_later(rate: str, wait: float) -> None:
    asked: list[float] = []

    class Enough(Exception):
        """Seen what was to be seen; the wait itself is not sat out."""

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        raise Enough

    limiter = Limiter(KEY, requests_per_second=Decimal(rate), sleep=sleep)
    limiter.request()
    with pytest.raises(Enough):
        for _ in range(1000):
            limiter.request()

    assert wait - 0.01 <= asked[0] <= wait + GRAIN


def test_conversions__by_default__then_half_a_second_lies_between_them(redis: Redis) -> None:
    one, other = Limiter(KEY, redis), Limiter(KEY, redis)
    one.conversion()
    began = time.monotonic()

    other.conversion()

    assert time.monotonic() - began >= 0.5 - 0.02


def test_conversions__when_the_gap_is_zero__then_nobody_waits() -> None:
    limiter = Limiter(KEY, seconds_between_conversions=Decimal(0), longest_wait=Decimal(0))

    for _ in range(100):
        limiter.conversion()


def test_names_in_redis__when_a_key_is_limited__then_the_key_is_known_by_its_hash_only(redis: Redis) -> None:
    limiter = Limiter(KEY, redis)
    limiter.request()
    limiter.conversion()

    names = [str(name) for name in redis.keys("*")]

    assert len(names) == 2
    assert all("dustman:limit:" in name for name in names)
    assert not any(part in name for name in names for part in ("organizations", "apiKeys", "a-name"))


def test_requests__when_redis_is_gone__then_nothing_is_asked_without_a_limit(server: RedisServer, redis: Redis) -> None:
    limiter = Limiter(KEY, redis)
    limiter.request()
    server.kill()

    with pytest.raises(VenueUnavailable, match="Redis that keeps the rate limit does not answer"):
        limiter.request()


def test_requests__when_redis_came_back_empty__then_the_limit_holds_again(server: RedisServer, redis: Redis) -> None:
    limiter = Limiter(KEY, redis, requests_per_second=Decimal(2), longest_wait=Decimal("0.1"))
    limiter.request()
    server.restart()

    limiter.request()

    with pytest.raises(VenueUnavailable):
        limiter.request()
