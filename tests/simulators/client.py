"""The vendor's own client, pointed at a twin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
