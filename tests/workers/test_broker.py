"""Messages that can't be acknowledged because Redis is gone, and what a Redis URL says of TLS."""

from __future__ import annotations

import runpy
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from tests.redis_server import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


def connection(directory: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Any:
    """Connect as Celery does with our settings."""
    (directory / "dustman.yaml").write_text(f'redis: {{url: "{url}"}}\naccounts: {{main: {{venue: coinbase}}}}\n')
    monkeypatch.setenv("DUSTMAN_CONFIG", str(directory / "dustman.yaml"))
    monkeypatch.delenv("DUSTMAN_REDIS_URL", raising=False)
    ours = runpy.run_path("celeryconfig.py")
    return Connection(
        ours["broker_url"],
        transport=ours["broker_transport"],
        ssl=ours["broker_use_ssl"],
        transport_options=ours["broker_transport_options"],
    )


@pytest.mark.parametrize("answer", ["ack", "reject", "requeue"])
def test_place__of_a_message_that_was_answered_while_redis_was_gone__is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: RedisServer, answer: str
) -> None:
    with (
        connection(tmp_path, monkeypatch, f"redis://127.0.0.1:{server.port}") as broker,
        broker.SimpleQueue("work") as queue,
    ):
        queue.put({})
        queue.channel.basic_qos(0, 1, False)
        message = queue.get(timeout=5)
        assert not queue.channel.qos.can_consume()
        server.kill()
        with pytest.raises(broker.connection_errors):
            getattr(message, answer)()
        assert queue.channel.qos.can_consume()
        server.start()


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("redis://10.0.0.1:6379", None),
        ("rediss://10.0.0.1:6379", {"ssl_cert_reqs": "required"}),
        ("rediss://10.0.0.1:6379?ssl_cert_reqs=none", {"ssl_cert_reqs": ssl.CERT_NONE}),
    ],
)
def test_broker__over_tls__checks_certificates_unless_the_owner_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, tls: dict[str, object] | None
) -> None:
    assert connection(tmp_path, monkeypatch, url).ssl == tls
