"""The vendor's own client, pointed at a twin, and a caller of the admin port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from coinbase.rest import RESTClient

from simulators.coinbase.scenario import Algorithm, Scope
from simulators.coinbase.twin import TRADER, CoinbaseTwin


@contextmanager
def client_of(
    twin: CoinbaseTwin, scopes: tuple[Scope, ...] = TRADER, algorithm: Algorithm = "ed25519", timeout: float = 5
) -> Iterator[Any]:
    """Give an SDK client with a key of its own; its connections are closed at the end."""
    client = RESTClient(key_file=str(twin.key_file(scopes, algorithm)), base_url=twin.base_url, timeout=timeout)
    client.session.verify = str(twin.ca_file)
    client.session.trust_env = False
    with client.session:
        yield client


def admin(twin: CoinbaseTwin, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """Call the admin port and return its JSON."""
    with requests.Session() as session:
        session.trust_env = False
        reply = session.request(method, twin.admin_url + path, json=body, timeout=5)
        assert reply.status_code == status, reply.text
        return reply.json()


def placed(reply: Any) -> str:
    """Return the order id of an accepted order."""
    assert reply.success is True, reply.error_response
    return str(reply.success_response["order_id"])


def refusal(reply: Any) -> str:
    """Return why an order was rejected."""
    assert reply.success is False
    return str(reply.error_response["preview_failure_reason"])
