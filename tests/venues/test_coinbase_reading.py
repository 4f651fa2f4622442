"""What is read of a Coinbase account, and what an unreadable reply is: an error that names the key, never less dust."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from domain.errors import ConfigurationError, VenueUnavailable
from domain.venue import Holding, Price
from simulators.coinbase.markets import market
from simulators.coinbase.scenario import Algorithm
from simulators.wire import Reply, Request, json_reply
from tests.venues.coinbase_stage import CoinbaseStage, scenario
from tests.venues.door import altered, answering, rewritten
from venues.exchange import KeyRights


@pytest.fixture
def stage() -> Iterator[CoinbaseStage]:
    with CoinbaseStage() as stage:
        yield stage


def crowded(wallets: int) -> CoinbaseStage:
    """An old account: so many wallets, and as many markets in each of two hubs."""
    codes = [f"C{number}" for number in range(wallets)]
    products = {f"{code}-{hub}": market("0.5", "0.01", "0.0001") for code in codes for hub in ("USD", "USDC")}
    return CoinbaseStage(scenario(wallets={code: {"available": "0.1"} for code in codes}, products=products))


def test_holdings__when_there_are_several_pages__then_all_are_read_in_as_few_requests() -> None:
    with crowded(501) as stage:
        assert len(stage.venue.holdings()) == 501
        assert stage.calls("list_accounts") == 3


def test_scan__when_the_account_has_300_wallets__then_four_requests_read_everything() -> None:
    with crowded(300) as stage:
        holdings = stage.venue.holdings()
        products = stage.venue.capabilities().products
        names = [product.name for product in products.values()]
        prices = stage.venue.prices(names)

        assert (len(holdings), len(products), len(prices)) == (300, 600, 600)
        assert all(price.bid for price in prices.values())
        assert stage.venue.requests == 4


def test_holdings__when_a_cursor_comes_twice__then_it_is_an_error_and_no_loop(stage: CoinbaseStage) -> None:
    stage.twin.inject(kind="repeated_cursor", endpoint="list_accounts", calls="all")

    with pytest.raises(VenueUnavailable, match=r"cursor .* twice"):
        stage.venue.holdings()
    assert stage.venue.requests == 2


def test_holdings__when_a_page_comes_twice__then_its_wallets_count_once(stage: CoinbaseStage) -> None:
    whole = stage.venue.holdings()
    stage.twin.inject(kind="repeated_cursor", endpoint="list_accounts")

    assert stage.venue.holdings() == whole
    assert stage.calls("list_accounts") == 3


def test_holdings__when_pages_never_end__then_reading_stops_at_a_bound() -> None:
    numbers = count()

    def one_more(request: Request, reply: Reply) -> Reply:
        return json_reply(200, {"accounts": [], "has_next": True, "cursor": str(next(numbers))})

    with (
        rewritten(CoinbaseStage, "/accounts", one_more) as stage,
        pytest.raises(VenueUnavailable, match="does not end after 40 pages"),
    ):
        stage.venue.holdings()


def test_holdings__when_a_currency_has_several_wallets__then_they_are_one_holding() -> None:
    def split(body: dict[str, Any]) -> None:
        twice = [
            {**wallet, "uuid": wallet["uuid"] + "-2"} for wallet in body["accounts"] if wallet["currency"] == "ADA"
        ]
        body["accounts"] += twice

    with altered(CoinbaseStage, "/accounts", split) as stage:
        held = {holding.asset: holding for holding in stage.venue.holdings()}

    assert held["coinbase:ADA"] == Holding("coinbase:ADA", Decimal(200), Decimal(3))


@pytest.mark.parametrize(
    "unusable",
    [
        {"deleted_at": "2026-01-01T00:00:00Z"},
        {"active": False},
        {"type": "ACCOUNT_TYPE_VAULT"},
        {"type": "ACCOUNT_TYPE_OF_TOMORROW"},
        {"platform": "ACCOUNT_PLATFORM_CFM_CONSUMER"},
    ],
    ids=str,
)
def test_holdings__when_no_order_can_spend_from_a_wallet__then_it_is_left_out(unusable: dict[str, object]) -> None:
    def spoil(body: dict[str, Any]) -> None:
        body["accounts"][0] |= unusable

    with altered(CoinbaseStage, "/accounts", spoil) as stage:
        assert "coinbase:ADA" not in {holding.asset for holding in stage.venue.holdings()}


def test_holding__when_the_wallet_is_known__then_one_request_reads_it(stage: CoinbaseStage) -> None:
    stage.venue.holdings()
    before = stage.venue.requests

    assert stage.venue.holding("coinbase:ADA") == Holding("coinbase:ADA", Decimal(100), Decimal("1.5"))
    assert stage.venue.requests == before + 1


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ({}, ""),
        ({"trading_disabled": True, "status": "delisted"}, "trading_disabled"),
        ({"is_disabled": True}, "is_disabled"),
        ({"cancel_only": True}, "cancel_only"),
        ({"limit_only": True}, "limit_only"),
        ({"post_only": True}, "post_only"),
        ({"auction_mode": True}, "auction_mode"),
        ({"view_only": True}, "view_only"),
        ({"status": "delisted"}, "delisted"),
        ({"status": "offline"}, "offline"),
    ],
    ids=str,
)
def test_capabilities__when_a_market_takes_no_market_orders__then_closed_is_the_venues_word(
    flags: dict[str, object], word: str
) -> None:
    products = {"ADA-USDC": {**market("0.392", "0.01", "0.0001"), **flags}}
    with CoinbaseStage(scenario(products=products)) as stage:
        product = stage.venue.capabilities().products["coinbase:ADA", "coinbase:USDC"]

    assert product.closed == word
    assert (product.name, product.base_minimum, product.quote_minimum) == ("ADA-USDC", Decimal("0.01"), Decimal(1))


@pytest.mark.parametrize("increment", ["base_increment", "quote_increment"])
def test_capabilities__when_a_market_has_no_increment__then_no_order_can_be_sized_for_it(increment: str) -> None:
    with altered(CoinbaseStage, "/products", lambda body: put(body, f"products.0.{increment}", "0")) as stage:
        products = stage.venue.capabilities().products.values()

    assert [product.closed for product in products if product.closed] == ["without an increment"]


def test_capabilities__when_read__then_converts_pairs_go_both_ways(stage: CoinbaseStage) -> None:
    pairs = stage.venue.capabilities().convertible

    assert {(one, other) for one, other in pairs if one < other} == {
        ("coinbase:USD", "coinbase:USDC"),
        ("coinbase:PYUSD", "coinbase:USD"),
        ("coinbase:PYUSD", "coinbase:USDC"),
        ("coinbase:EUR", "coinbase:EURC"),
    }
    assert all((other, one) in pairs for one, other in pairs)


def test_prices__when_the_venue_leaves_a_product_out__then_it_has_no_price(stage: CoinbaseStage) -> None:
    assert stage.venue.prices(["ADA-USDC", "GONE-USDC"]) == {
        "ADA-USDC": Price(Decimal("0.3916"), Decimal("0.3924")),
        "GONE-USDC": Price(None, None),
    }


@pytest.mark.parametrize(("named", "sent"), [(1, 1), (340, 340), (400, 0)])
def test_prices__when_the_names_exceed_a_url__then_all_products_are_asked_for(named: int, sent: int) -> None:
    asked: list[Request] = []

    def listen(request: Request, reply: Reply) -> Reply:
        asked.append(request)
        return reply

    names = [f"C{number}-USDC" for number in range(named)]
    with rewritten(CoinbaseStage, "/best_bid_ask", listen) as stage:
        assert list(stage.venue.prices(names)) == sorted(names)

    assert [len(request.query.get("product_ids", [])) for request in asked] == [sent]


@pytest.mark.parametrize(
    ("path", "place", "value", "named"),
    [
        ("/accounts", "accounts.0.available_balance", ..., "available_balance"),
        ("/accounts", "accounts.0.hold.value", "much", "hold.value"),
        ("/accounts", "accounts.0.active", "true", "active"),
        ("/accounts", "accounts.1.available_balance.value", 0.1, "available_balance.value"),
        ("/accounts", "has_next", ..., "has_next"),
        ("/accounts", "accounts", None, "accounts"),
        ("/products", "products.0.base_increment", ..., "base_increment"),
        ("/products", "products.2.quote_min_size", 1.5, "quote_min_size"),
        ("/products", "products.1.base_min_size", "", "base_min_size"),
        ("/products", "products.1.trading_disabled", ..., "trading_disabled"),
        ("/products", "products.0.quote_increment", "NaN", "quote_increment"),
        ("/best_bid_ask", "pricebooks.0.bids", ..., "bids"),
        ("/best_bid_ask", "pricebooks.0.asks.0.price", "cheap", "price"),
        ("/key_permissions", "can_transfer", ..., "can_transfer"),
    ],
    ids=str,
)
def test_reads__when_a_needed_key_is_missing_or_mistyped__then_the_error_names_it(
    path: str, place: str, value: object, named: str
) -> None:
    with altered(CoinbaseStage, path, lambda body: put(body, place, value)) as stage:
        asks: dict[str, Callable[[], object]] = {
            "/accounts": stage.venue.holdings,
            "/products": stage.venue.capabilities,
            "/best_bid_ask": lambda: stage.venue.prices(["ADA-USDC"]),
            "/key_permissions": stage.venue.permissions,
        }
        with pytest.raises(VenueUnavailable, match="unreadable reply") as raised:
            asks[path]()

    assert named in str(raised.value)


@pytest.mark.parametrize("body", [[], "text", None, 7, {"accounts": ["no wallet"]}, {"accounts": {"a": 1}}], ids=repr)
def test_reads__when_the_reply_has_another_shape__then_it_is_unreadable_and_no_crash(body: object) -> None:
    with (
        answering(CoinbaseStage, "/accounts", json_reply(200, body)) as stage,
        pytest.raises(VenueUnavailable, match="unreadable reply"),
    ):
        stage.venue.holdings()


def test_reads__when_a_reply_has_new_keys__then_nothing_changes(stage: CoinbaseStage) -> None:
    def extend(body: dict[str, Any]) -> None:
        body["news"] = {"of": ["any", "shape"]}
        for entries in [each for each in body.values() if isinstance(each, list)]:
            for entry in entries:
                entry["more_news"] = 1.5

    with altered(CoinbaseStage, "", extend) as changed:
        assert changed.venue.holdings() == stage.venue.holdings()
        assert changed.venue.capabilities() == stage.venue.capabilities()
        assert changed.venue.prices(["ADA-USDC"]) == stage.venue.prices(["ADA-USDC"])


def test_reads__when_a_failure_passes__then_they_succeed_after_it(stage: CoinbaseStage) -> None:
    for kind in ("rate_limited", "server_error", "unauthorized", "reset", "html", "cut_json"):
        stage.twin.inject(kind=kind, endpoint="list_accounts")
        before = stage.venue.requests
        assert stage.venue.holdings()
        assert stage.venue.requests == before + 2
        stage.recover()


def test_reads__when_a_failure_stays__then_they_are_repeated_twice_and_no_more(stage: CoinbaseStage) -> None:
    stage.twin.inject(kind="server_error", endpoint="list_accounts", calls="all")

    with pytest.raises(VenueUnavailable, match="HTTP 503"):
        stage.venue.holdings()
    assert stage.calls("list_accounts") == stage.venue.requests == 3


def test_reads__when_repeating_cannot_help__then_they_are_not_repeated() -> None:
    with answering(CoinbaseStage, "/accounts", json_reply(200, {"accounts": []})) as stage:
        with pytest.raises(VenueUnavailable, match="has_next"):
            stage.venue.holdings()
        assert stage.venue.requests == 1


def test_reads__when_the_key_lacks_the_right__then_the_owner_is_told_which_mistake_it_is() -> None:
    with CoinbaseStage(scopes=("trade",)) as stage, pytest.raises(ConfigurationError, match="lacks a right"):
        stage.venue.holdings()


@pytest.mark.parametrize("algorithm", ["ed25519", "es256"])
def test_permissions__with_either_kind_of_key__then_they_are_read(algorithm: Algorithm) -> None:
    with CoinbaseStage(algorithm=algorithm, scopes=("view", "transfer")) as stage:
        rights = stage.venue.permissions()

    assert (rights.can_view, rights.can_trade, rights.can_transfer) == (True, False, True)
    assert rights.portfolio
    assert isinstance(rights, KeyRights)


def test_sdk__when_a_request_fails__then_it_writes_nothing_to_the_log_or_the_screen(
    stage: CoinbaseStage, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stage.twin.inject(kind="server_error", endpoint="any", calls="all")
    with pytest.raises(VenueUnavailable):
        stage.venue.holdings()

    assert capfd.readouterr().err == ""
    assert not [record for record in caplog.records if record.name.startswith("coinbase")]
    assert not [record for record in caplog.records for secret in stage.secrets if secret in record.getMessage()]


def put(body: Any, place: str, value: object) -> None:
    """Set what stands at a dotted place, or remove it for `...`."""
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    for step in way:
        body = body[step]
    if value is ...:
        del body[last]
    else:
        body[last] = value
