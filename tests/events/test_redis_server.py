"""The Redis that tests run against does what its name says."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from tests.redis_server import RedisServer


def test_server__killed_and_started__is_empty_on_the_same_port(redis_server: RedisServer, client: redis.Redis) -> None:
    client.set("a", "1")
    port, pid = redis_server.port, redis_server.pid
    redis_server.restart()
    assert (redis_server.port, redis_server.pid == pid) == (port, False)
    assert redis_server.client().get("a") is None


def test_server__durable_and_killed__comes_back_with_its_data(tmp_path: Path) -> None:
    with RedisServer(tmp_path, durable=True) as server:
        with server.client() as client:
            client.set("a", "1")
        server.restart()
        with server.client() as client:
            assert client.get("a") == b"1"


def test_server__wiped__forgets_every_database(redis_server: RedisServer) -> None:
    with redis_server.client(3) as client:
        client.set("a", "1")
        redis_server.wipe()
        assert client.get("a") is None


def test_server__frozen__times_out_and_answers_again_after(redis_server: RedisServer, client: redis.Redis) -> None:
    with redis_server.frozen(), pytest.raises(redis.TimeoutError):
        client.ping()
    assert client.ping()


def test_server__with_options__runs_with_them(tmp_path: Path) -> None:
    with RedisServer(tmp_path, maxmemory_policy="allkeys-lru") as server, server.client() as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
