"""What the Coinbase twin says of accounts, products and prices, through the vendor's SDK."""

from __future__ import annotations

from typing import Any

import pytest
from requests.exceptions import HTTPError

from simulators.coinbase.demo import demo
from simulators.coinbase.scenario import Scenario
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import client_of


def test_accounts__of_the_demo__come_on_two_pages_and_hold_what_the_scenario_says() -> None:
    with CoinbaseTwin(demo()) as twin, client_of(twin) as client:
        first = client.get_accounts(limit=250)
        second = client.get_accounts(limit=250, cursor=first.cursor)
    assert (first.size, first.has_next) == (250, True)
    assert (second.size, second.has_next, second.cursor) == (50, False, "")
    wallets = {account.currency: account for account in (*first.accounts, *second.accounts)}
    assert len(wallets) == 300
    assert wallets["TONE"].available_balance == {"value": "27", "currency": "TONE"}
    assert wallets["ZRX"].hold == {"value": "2.25", "currency": "ZRX"}
    assert wallets["USD"].type == "ACCOUNT_TYPE_FIAT"
    assert len({account.uuid for account in wallets.values()}) == 300


def test_accounts__asked_for_more_than_a_page__give_at_most_250() -> None:
    with CoinbaseTwin(demo()) as twin, client_of(twin) as client:
        assert client.get_accounts(limit=1000).size == 250
        assert client.get_accounts().size == 49


def test_accounts__with_an_unknown_cursor__are_refused(client: Any) -> None:
    with pytest.raises(HTTPError, match=r"400.*cursor: 'nowhere' is unknown"):
        client.get_accounts(cursor="nowhere")


def test_account__by_its_uuid__is_the_listed_one(client: Any) -> None:
    listed = client.get_accounts().accounts[0]
    assert client.get_account(listed.uuid).account.to_dict() == listed.to_dict()
    with pytest.raises(HTTPError, match="404"):
        client.get_account("nobody")


def test_products__listed__carry_the_rules_as_plain_strings(client: Any) -> None:
    listed = client.get_products()
    rules = {product.product_id: product for product in listed.products}
    assert listed.num_products == 3
    bitcoin = rules["BTC-USDC"]
    assert (bitcoin.base_increment, bitcoin.base_min_size) == ("0.00000001", "0.00000001")
    assert (bitcoin.quote_increment, bitcoin.quote_min_size) == ("0.01", "0.1")
    assert (bitcoin.status, bitcoin.trading_disabled, bitcoin.is_disabled) == ("online", False, False)
    assert client.get_product("BTC-USDC").to_dict() == bitcoin.to_dict()
    assert [product.product_id for product in client.get_public_products().products] == list(rules)
    assert client.get_public_product("ADA-USDC").price == "0.3916"


def test_product__renamed_or_delisted__is_not_found(client: Any) -> None:
    with pytest.raises(HTTPError, match=r"404.*NOT_FOUND"):
        client.get_product("MATIC-USD")


def test_products__on_one_book__name_each_other() -> None:
    with CoinbaseTwin(demo()) as twin, client_of(twin) as client:
        dollar, coin = client.get_product("BTC-USD"), client.get_product("BTC-USDC")
        assert (dollar.alias, dollar.alias_to) == ("", ["BTC-USDC"])
        assert (coin.alias, coin.alias_to) == ("BTC-USD", [])
        assert dollar.price == coin.price


def test_best_prices__of_many_products__come_in_one_reply(client: Any) -> None:
    books = {book.product_id: book for book in client.get_best_bid_ask(["ADA-USDC", "XLM-USDC", "OMG-USD"]).pricebooks}
    assert set(books) == {"ADA-USDC", "XLM-USDC"}
    ada = books["ADA-USDC"]
    assert [level.to_dict() for level in ada.bids] == [{"price": "0.3916", "size": "1000000"}]
    assert [level.to_dict() for level in ada.asks] == [{"price": "0.3924", "size": "1000000"}]
    assert ada.time.endswith("Z")


def test_best_prices__without_names__cover_every_product(client: Any) -> None:
    assert len(client.get_best_bid_ask().pricebooks) == 3


def test_best_prices__of_an_empty_book__have_no_level() -> None:
    with CoinbaseTwin(demo()) as twin, client_of(twin) as client:
        (book,) = client.get_best_bid_ask(["RLY-USD"]).pricebooks
        assert (book.bids, book.asks) == ([], [])
        assert client.get_product("RLY-USD").price == ""


def test_permissions__of_a_key__are_its_scopes(twin: CoinbaseTwin) -> None:
    with client_of(twin, ("view", "transfer")) as client:
        said = client.get_api_key_permissions()
    assert (said.can_view, said.can_trade, said.can_transfer) == (True, False, True)
    assert said.portfolio_type == "DEFAULT"


def test_fee_tier__of_the_scenario__is_told() -> None:
    with CoinbaseTwin(small(taker_fee="0.008")) as twin, client_of(twin) as client:
        assert client.get_transaction_summary().fee_tier["taker_fee_rate"] == "0.008"


def test_numbers__however_small__have_no_exponent() -> None:
    dusty = Scenario.model_validate({"wallets": {"SHIB": {"available": "0.0000000001", "hold": "1E-9"}}})
    with CoinbaseTwin(dusty) as twin, client_of(twin) as client:
        (account,) = client.get_accounts().accounts
        assert account.available_balance["value"] == "0.0000000001"
        assert account.hold["value"] == "0.000000001"


def test_path__that_is_not_served__is_not_found(client: Any) -> None:
    with pytest.raises(HTTPError, match=r"404.*NOT_FOUND"):
        client.get_portfolios()
