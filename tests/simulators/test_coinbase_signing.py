"""Who gets in at the Coinbase twin: signatures, scopes and rates, each checked with real tokens."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests
from coinbase.jwt_generator import _load_private_key
from requests.exceptions import HTTPError, SSLError

from simulators.coinbase.scenario import Algorithm
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import client_of

ACCOUNTS = "/api/v3/brokerage/accounts"


def signed(twin: CoinbaseTwin, algorithm: Algorithm = "ed25519", kid: str | None = None, **changes: object) -> str:
    """Sign a token for the accounts endpoint, with some claims changed; None leaves a claim out."""
    key = json.loads(twin.key_file(algorithm=algorithm).read_text())
    now = int(time.time())
    claims = {
        "sub": key["name"],
        "iss": "cdp",
        "nbf": now,
        "exp": now + 120,
        "uri": f"GET {twin.base_url}{ACCOUNTS}",
    } | changes
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        _load_private_key(key["privateKey"]),
        algorithm={"ed25519": "EdDSA", "es256": "ES256"}[algorithm],
        headers={"kid": kid or key["name"], "nonce": "1"},
    )


def asked(twin: CoinbaseTwin, authorization: str, query: str = "") -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(twin.ca_file)
        url = f"https://{twin.base_url}{ACCOUNTS}{query}"
        return session.get(url, headers={"Authorization": authorization}, timeout=5)


@pytest.mark.parametrize("algorithm", ["ed25519", "es256"])
def test_token__of_either_algorithm__lets_the_sdk_in(twin: CoinbaseTwin, algorithm: Algorithm) -> None:
    with client_of(twin, algorithm=algorithm) as client:
        assert client.get_accounts().size == 6
    assert asked(twin, f"Bearer {signed(twin, algorithm)}", "?limit=2").json()["size"] == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "coinbase"},
        {"sub": "somebody"},
        {"uri": f"GET api.coinbase.com{ACCOUNTS}"},
        {"exp": timedelta(seconds=-1)},
        {"nbf": timedelta(seconds=90)},
        {"exp": None},
        {"nbf": None},
        {"iss": None},
        {"sub": None},
        {"uri": None},
        {"kid": "organizations/unknown/apiKeys/unknown"},
    ],
)
def test_token__wrong_in_one_claim__is_unauthorized(twin: CoinbaseTwin, changes: dict[str, Any]) -> None:
    # Counted from now: the list above was read long before this test runs.
    now = int(time.time())
    claims: dict[str, Any] = {
        name: now + int(by.total_seconds()) if isinstance(by, timedelta) else by for name, by in changes.items()
    }
    reply = asked(twin, f"Bearer {signed(twin, **claims)}")
    assert (reply.status_code, reply.text.strip()) == (401, "Unauthorized")
    assert reply.headers["Content-Type"].startswith("text/plain")


def test_token__for_another_method_path_or_with_query__is_unauthorized(twin: CoinbaseTwin) -> None:
    host = twin.base_url
    for uri in (f"POST {host}{ACCOUNTS}", f"GET {host}/api/v3/brokerage/products", f"GET {host}{ACCOUNTS}?limit=2"):
        assert asked(twin, f"Bearer {signed(twin, uri=uri)}", "?limit=2").status_code == 401


def test_token__signed_by_another_key__is_unauthorized(twin: CoinbaseTwin) -> None:
    mine = json.loads(twin.key_file().read_text())["name"]
    other = json.loads(twin.key_file(scopes=("view",)).read_text())
    now = int(time.time())
    claims = {"sub": mine, "iss": "cdp", "nbf": now, "exp": now + 120, "uri": f"GET {twin.base_url}{ACCOUNTS}"}
    forged = jwt.encode(claims, _load_private_key(other["privateKey"]), algorithm="EdDSA", headers={"kid": mine})
    assert asked(twin, f"Bearer {forged}").status_code == 401


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer not.a.token", "Basic dXNlcjpwYXNz"])
def test_request__without_a_token__is_unauthorized(twin: CoinbaseTwin, authorization: str) -> None:
    assert asked(twin, authorization).status_code == 401


def test_scope__missing__is_denied_by_name(twin: CoinbaseTwin) -> None:
    with client_of(twin, ("view",)) as client:
        assert client.preview_market_order_sell("ADA-USDC", base_size="1").errs == []
        with pytest.raises(HTTPError, match="403 Client Error: Missing Required Scopes"):
            client.market_order_sell("one", "ADA-USDC", base_size="1")
        with pytest.raises(HTTPError, match="Missing Required Scopes"):
            client.create_convert_quote("USD", "USDC", "1")
    with client_of(twin, ("trade",)) as client, pytest.raises(HTTPError, match="Missing Required Scopes"):
        client.get_accounts()


def test_rate__over_the_burst__is_429_as_html_for_orders_and_json_elsewhere() -> None:
    with CoinbaseTwin(small(requests_per_second="0.5", burst=3)) as twin:
        with client_of(twin) as client:
            for _ in range(3):
                client.get_accounts()
            with pytest.raises(HTTPError, match=r"429.*rate_limit_exceeded") as asking:
                client.get_accounts()
            with pytest.raises(HTTPError, match=r"429.*<!DOCTYPE html>") as ordering:
                client.market_order_sell("one", "ADA-USDC", base_size="1")
        replies: list[Any] = [raised.value.response for raised in (asking, ordering)]
        assert "Retry-After" not in replies[0].headers
        assert replies[1].headers["Content-Type"].startswith("text/html")
        assert twin.balance("ADA") == 1
        with client_of(twin, ("view",)) as other:
            assert other.get_accounts().size == 6


def test_rate__after_a_pause__lets_in_again() -> None:
    with CoinbaseTwin(small(requests_per_second="50", burst=1)) as twin, client_of(twin) as client:
        client.get_accounts()
        time.sleep(0.03)
        client.get_accounts()


def test_certificate__of_an_unknown_authority__is_refused_by_the_client(twin: CoinbaseTwin) -> None:
    with client_of(twin) as client:
        client.session.verify = True
        with pytest.raises(SSLError):
            client.get_accounts()


def test_keys__of_one_seed__are_the_same_in_every_twin() -> None:
    with CoinbaseTwin(small(), seed=7) as twin:
        first = twin.key_file().read_text()
    with CoinbaseTwin(small(), seed=8) as twin:
        other = twin.key_file().read_text()
    with CoinbaseTwin(small(), seed=7) as twin:
        assert twin.key_file().read_text() == first != other
