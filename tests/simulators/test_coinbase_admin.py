"""The admin port of the Coinbase twin."""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.error import HTTPError

import pytest
from coinbase.rest import RESTClient

from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import admin, placed


def test_ledger__after_a_sale__shows_every_movement(twin: CoinbaseTwin, client: Any) -> None:
    order_id = placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))
    ledger = admin(twin, "GET", "/ledger")
    assert ledger["opening"]["user"] == {"ADA": "1", "XLM": "3", "USD": "5", "USDC": "20", "BTC": "0.01"}
    assert ledger["balances"]["user"]["USDC"] == "20.3869008000000000"
    assert ledger["balances"]["fees"] == {"USDC": "0.0046992000000000"}
    moved = [(m["debit"], m["credit"], m["asset"], Decimal(m["quantity"]), m["reason"]) for m in ledger["movements"]]
    assert moved == [
        ("user", "venue", "ADA", Decimal(1), "trade"),
        ("venue", "user", "USDC", Decimal("0.3916"), "trade"),
        ("user", "fees", "USDC", Decimal("0.0046992"), "fee"),
    ]
    assert {movement["reference"] for movement in ledger["movements"]} == {order_id}
    assert [movement["number"] for movement in ledger["movements"]] == [1, 2, 3]
    assert ledger == twin.ledger()


def test_orders__and_conversions__are_shown_with_their_fills(twin: CoinbaseTwin, client: Any) -> None:
    order_id = placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))
    trade_id = client.create_convert_quote("USD", "USDC", "1").trade.id
    shown = admin(twin, "GET", "/orders")
    assert [(order["order_id"], len(order["fills"])) for order in shown["orders"]] == [(order_id, 1)]
    assert [trade["id"] for trade in shown["conversions"]] == [trade_id]


def test_requests__are_counted__by_endpoint(twin: CoinbaseTwin, client: Any) -> None:
    client.get_accounts()
    client.get_accounts()
    client.get_products()
    assert admin(twin, "GET", "/requests") == {"requests": {"list_accounts": 2, "list_products": 1}}


def test_clock__advanced__dates_later_orders(twin: CoinbaseTwin, client: Any) -> None:
    before = datetime.fromisoformat(admin(twin, "GET", "/health")["time"])
    after = datetime.fromisoformat(admin(twin, "POST", "/clock", {"seconds": "3600"})["time"])
    assert timedelta(hours=1) <= after - before < timedelta(hours=1, seconds=5)
    order = client.get_order(placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))).order
    assert datetime.fromisoformat(order.created_time) >= after


def test_book__replaced__is_what_orders_meet(twin: CoinbaseTwin, client: Any) -> None:
    admin(twin, "POST", "/books", {"product": "ADA-USDC", "bids": [["0.5", "10"]], "asks": [["0.6", "10"]]})
    assert client.preview_market_order_sell("ADA-USDC", base_size="1").quote_size == "0.5"
    admin(twin, "POST", "/books", {"product": "ADA-USDC", "price": "2", "spread_bps": "0"})
    assert client.get_best_bid_ask(["ADA-USDC"]).pricebooks[0].bids[0].price == "2"
    admin(twin, "POST", "/books", {"product": "ADA-USDC"})
    assert client.get_best_bid_ask(["ADA-USDC"]).pricebooks[0].bids == []


def test_deposit__into_a_wallet__comes_from_outside(twin: CoinbaseTwin, client: Any) -> None:
    admin(twin, "POST", "/wallets", {"currency": "SOL", "quantity": "0.5"})
    admin(twin, "POST", "/wallets", {"currency": "ADA", "quantity": "2", "hold": True})
    wallets = {account.currency: account for account in client.get_accounts().accounts}
    assert wallets["SOL"].available_balance["value"] == "0.5"
    assert (wallets["ADA"].available_balance["value"], wallets["ADA"].hold["value"]) == ("1", "2")
    assert twin.ledger()["balances"]["outside"] == {"ADA": "-2", "SOL": "-0.5"}  # type: ignore[index]


def test_key__issued_at_run_time__lets_the_sdk_in(twin: CoinbaseTwin) -> None:
    wish = {"label": "robot", "scopes": ["view"], "algorithm": "es256"}
    key = admin(twin, "POST", "/keys", wish)
    assert key == admin(twin, "POST", "/keys", wish)
    client = RESTClient(api_key=key["name"], api_secret=key["privateKey"], base_url=twin.base_url, timeout=5)
    client.session.verify = str(twin.ca_file)
    client.session.trust_env = False
    with client.session:
        assert client.get_api_key_permissions().can_trade is False


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/clock", {"seconds": "-1"}, "POST /clock: seconds: '-1': must be above zero"),
        ("/clock", {"minutes": "1"}, "POST /clock: unknown key 'minutes'; the keys here are seconds"),
        ("/books", {"product": "OMG-USD"}, "POST /books: product: 'OMG-USD': must be one of ADA-USDC"),
        ("/books", {"product": "ADA-USDC", "bids": [["2", "1"]], "asks": [["1", "1"]]}, "must not cross"),
        ("/wallets", {"currency": "ADA", "quantity": "some"}, "must be a number in quotes"),
        ("/faults", {"faults": [{"kind": "storm", "endpoint": "any"}]}, "POST /faults: faults.0"),
        ("/keys", {"label": "robot", "scopes": ["everything"]}, "'everything': Input should be 'view'"),
    ],
)
def test_mistake__in_a_request__is_told_and_changes_nothing(
    twin: CoinbaseTwin, path: str, body: dict[str, object], sentence: str
) -> None:
    assert sentence in admin(twin, "POST", path, body, status=400)["error"]
    assert admin(twin, "GET", "/ledger")["movements"] == []
    assert admin(twin, "GET", "/faults") == {"faults": []}


def test_path__that_is_not_served__names_those_that_are(twin: CoinbaseTwin) -> None:
    assert "POST /faults" in admin(twin, "GET", "/", status=404)["error"]


def test_body__that_is_not_json__is_told(twin: CoinbaseTwin) -> None:
    request = urllib.request.Request(twin.admin_url + "/clock", b"{", method="POST")
    with pytest.raises(HTTPError) as raised:
        urllib.request.urlopen(request, timeout=5)
    with raised.value as reply:
        assert reply.code == 400
        assert json.load(reply)["error"].startswith("POST /clock: the body is not JSON")
