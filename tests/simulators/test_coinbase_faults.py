"""Every fault of the Coinbase twin, as the vendor's SDK meets it, and what it leaves behind."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from requests.exceptions import ChunkedEncodingError, HTTPError, JSONDecodeError, ReadTimeout
from requests.exceptions import ConnectionError as Disconnected

from simulators.coinbase.demo import demo
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import admin, client_of, placed, refusal

WHENS = [("before", Decimal(1)), ("after", Decimal(0))]


def sell(client: Any, key: str = "one", size: str = "1") -> Any:
    return client.market_order_sell(key, "ADA-USDC", base_size=size)


@pytest.mark.parametrize(("when", "left"), WHENS)
def test_timeout__around_an_order__loses_the_answer_and_not_the_rule(when: str, left: Decimal) -> None:
    with CoinbaseTwin(small()) as twin, client_of(twin, timeout=0.1) as client:
        twin.inject(kind="timeout", endpoint="create_order", when=when)
        with pytest.raises(ReadTimeout):
            sell(client)
        assert twin.balance("ADA") == left
        assert len(client.list_orders().orders) == 1 - left
        placed(sell(client))
        assert twin.balance("ADA") == 0


def test_timeout__that_runs_out__closes_the_connection(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="timeout", endpoint="list_accounts", seconds="0.05")
    with pytest.raises(Disconnected, match="Remote end closed connection"):
        client.get_accounts()


@pytest.mark.parametrize(("when", "left"), WHENS)
def test_reset__around_an_order__breaks_the_connection(
    twin: CoinbaseTwin, client: Any, when: str, left: Decimal
) -> None:
    twin.inject(kind="reset", endpoint="create_order", when=when)
    with pytest.raises(Disconnected, match="Connection aborted"):
        sell(client)
    assert twin.balance("ADA") == left
    placed(sell(client))
    assert twin.balance("ADA") == 0


def test_reset__on_the_wire__is_a_tcp_reset(twin: CoinbaseTwin) -> None:
    twin.inject(kind="reset", endpoint="any")
    trust = ssl.create_default_context(cafile=str(twin.ca_file))
    with (
        socket.create_connection(("127.0.0.1", twin.port), timeout=5) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET /api/v3/brokerage/accounts HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):  # below TLS, which may take a reset for an end
            while socket.socket.recv(secure, 4096):
                continue


@pytest.mark.parametrize(("when", "left"), WHENS)
def test_server_error__around_an_order__is_internal(twin: CoinbaseTwin, client: Any, when: str, left: Decimal) -> None:
    twin.inject(kind="server_error", endpoint="create_order", when=when, status=500)
    with pytest.raises(HTTPError, match=r"500 Server Error.*INTERNAL"):
        sell(client)
    assert twin.balance("ADA") == left


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "server_error"}, {"kind": "timeout", "seconds": "0.01"}])
def test_order__that_arrives_late__takes_effect_in_its_own_time(fault: dict[str, object]) -> None:
    with CoinbaseTwin(small(clock={"frozen": True})) as twin, client_of(twin) as client:
        twin.inject(**fault, endpoint="create_order", when="later", delay="20")
        with pytest.raises((Disconnected, HTTPError)):
            sell(client)
        assert client.list_orders().orders == []
        twin.exchange.clock.advance(timedelta(seconds=20))
        assert len(client.list_orders().orders) == 1
        placed(sell(client))
        assert twin.balance("ADA") == 0


def test_order__that_arrives_late__is_the_repetition_of_one_sent_meanwhile() -> None:
    with CoinbaseTwin(small(clock={"frozen": True})) as twin, client_of(twin) as client:
        twin.inject(kind="reset", endpoint="create_order", when="later", delay="20")
        with pytest.raises(Disconnected):
            sell(client, size="0.5")
        order_id = placed(sell(client, size="0.5"))
        twin.exchange.clock.advance(timedelta(seconds=20))
        assert [order.order_id for order in client.list_orders().orders] == [order_id]
        assert twin.balance("ADA") == Decimal("0.5")


@pytest.mark.parametrize(("when", "left"), WHENS)
def test_html__with_status_200__is_no_json(twin: CoinbaseTwin, client: Any, when: str, left: Decimal) -> None:
    twin.inject(kind="html", endpoint="create_order", when=when)
    with pytest.raises(JSONDecodeError):
        sell(client)
    assert twin.balance("ADA") == left


def test_cut_json__of_an_order__hides_that_it_was_made(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="cut_json", endpoint="create_order")
    with pytest.raises(JSONDecodeError):
        sell(client)
    assert twin.balance("ADA") == 0


def test_cut_body__of_an_order__hides_that_it_was_made(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="cut_body", endpoint="create_order")
    with pytest.raises(ChunkedEncodingError, match="IncompleteRead"):
        sell(client)
    assert twin.balance("ADA") == 0
    assert client.get_accounts().size == 6


@pytest.mark.parametrize(("body", "expected"), [("html", "<!DOCTYPE html>"), ("json", "rate_limit_exceeded")])
def test_rate_limited__in_either_dress__is_429(twin: CoinbaseTwin, client: Any, body: str, expected: str) -> None:
    twin.inject(kind="rate_limited", endpoint="create_order", body=body)
    with pytest.raises(HTTPError, match=f"429.*{expected}"):
        sell(client)
    assert twin.balance("ADA") == 1


def test_unauthorized__for_a_good_token__is_plain_text(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="unauthorized", endpoint="any")
    with pytest.raises(HTTPError, match="401 Client Error: Unauthorized Unauthorized"):
        client.get_accounts()


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("scopes", "Missing Required Scopes"),
        ("convert", "User is not allowed to convert crypto"),
        ("limit_only", "Orderbook is in limit only mode"),
    ],
)
def test_forbidden__for_each_reason__says_which(twin: CoinbaseTwin, client: Any, reason: str, sentence: str) -> None:
    twin.inject(kind="forbidden", endpoint="convert_quote", reason=reason)
    with pytest.raises(HTTPError, match=f"403.*{sentence}"):
        client.create_convert_quote("USD", "USDC", "1")


def test_invalid__by_default__is_the_wallet_that_is_not_in_sync(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="invalid", endpoint="create_order")
    with pytest.raises(HTTPError, match=r"400.*account is not available"):
        sell(client)


def test_slow__answer__comes_late_and_right(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="slow", endpoint="create_order", seconds="0.15")
    began = time.monotonic()
    placed(sell(client))
    assert time.monotonic() - began >= 0.15
    assert twin.balance("ADA") == 0


def test_stale_balances__after_a_fill__show_what_was_before_it() -> None:
    with CoinbaseTwin(small(clock={"frozen": True})) as twin, client_of(twin) as client:
        twin.inject(kind="stale_balances", endpoint="list_accounts", calls="all", seconds="5")
        placed(sell(client))

        def shown() -> list[str]:
            wallets = {account.currency: account for account in client.get_accounts().accounts}
            return [wallets[currency].available_balance["value"] for currency in ("ADA", "USDC")]

        assert shown() == ["1", "20"]
        twin.exchange.clock.advance(timedelta(seconds=4))
        assert shown() == ["1", "20"]
        twin.exchange.clock.advance(timedelta(seconds=1))
        assert shown() == ["0", "20.3869008"]


def test_partial__order__fills_its_fraction_and_is_cancelled(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="partial", endpoint="create_order", calls="1-2", fraction="0.335")
    sold = client.get_order(placed(sell(client))).order
    assert (sold.status, sold.filled_size, sold.completion_percentage) == ("CANCELLED", "0.33", "33")
    bought = client.get_order(placed(client.market_order_buy("two", "BTC-USDC", quote_size="10"))).order
    assert bought.status == "CANCELLED"
    assert Decimal("3.34") < Decimal(bought.total_value_after_fees) <= Decimal("3.35")


def test_partial__of_nothing__is_cancelled_without_a_fill(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="partial", endpoint="create_order", fraction="0")
    order = client.get_order(placed(sell(client))).order
    assert (order.status, order.filled_size, order.number_of_fills) == ("CANCELLED", "0", "0")
    assert order.last_fill_time is None
    assert twin.balance("ADA") == 1


def test_settled_late__order__is_filled_first(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="settled_late", endpoint="create_order", seconds="60")
    order_id = placed(sell(client))
    assert (client.get_order(order_id).order.status, client.get_order(order_id).order.settled) == ("FILLED", False)
    twin.exchange.clock.advance(timedelta(seconds=60))
    assert client.get_order(order_id).order.settled is True


def test_price_jump__between_preview_and_order__makes_them_differ(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="price_jump", endpoint="create_order", product="ADA-USDC", factor="0.5")
    assert client.preview_market_order_sell("ADA-USDC", base_size="1").quote_size == "0.3916"
    assert client.get_order(placed(sell(client))).order.filled_value == "0.1958"
    assert client.get_best_bid_ask(["ADA-USDC"]).pricebooks[0].bids[0].price == "0.1958"


def test_empty_book__for_a_product__is_no_price_and_no_liquidity(twin: CoinbaseTwin, client: Any) -> None:
    for endpoint in ("best_bid_ask", "preview_order", "create_order"):
        twin.inject(kind="empty_book", endpoint=endpoint, product="ADA-USDC")
    ada, xlm = client.get_best_bid_ask(["ADA-USDC", "XLM-USDC"]).pricebooks
    assert (ada.bids, ada.asks) == ([], [])
    assert xlm.bids
    assert client.preview_market_order_sell("XLM-USDC", base_size="1").errs == []
    reason = "PREVIEW_INVALID_NO_LIQUIDITY"
    assert client.preview_market_order_sell("ADA-USDC", base_size="1").errs == [reason]
    assert refusal(sell(client)) == reason
    placed(sell(client))


def test_repeated_cursor__of_accounts__leads_back_to_the_same_page() -> None:
    with CoinbaseTwin(demo()) as twin, client_of(twin) as client:
        twin.inject(kind="repeated_cursor", endpoint="list_accounts", calls="2-3")
        first = client.get_accounts(limit=250)
        second = client.get_accounts(limit=250, cursor=first.cursor)
        assert (second.has_next, second.cursor) == (True, first.cursor)
        third = client.get_accounts(limit=250, cursor=second.cursor)
        assert (third.has_next, third.cursor) == (True, first.cursor)
        assert client.get_accounts(limit=250, cursor=third.cursor).has_next is False


def test_refused__with_a_code__is_what_preview_and_order_say(twin: CoinbaseTwin, client: Any) -> None:
    for endpoint in ("preview_order", "create_order"):
        twin.inject(kind="refused", endpoint=endpoint, reason="PREVIEW_GEOFENCING_RESTRICTION")
    assert client.preview_market_order_sell("ADA-USDC", base_size="1").errs == ["PREVIEW_GEOFENCING_RESTRICTION"]
    rejected = sell(client)
    assert refusal(rejected) == "PREVIEW_GEOFENCING_RESTRICTION"
    assert rejected.error_response["error"] == "UNKNOWN_FAILURE_REASON"


def test_convert_refused__at_the_quote__has_no_id(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="convert_refused", endpoint="convert_quote", reason="Not today")
    trade = client.create_convert_quote("USD", "USDC", "1").trade
    assert (trade.id, trade.cancellation_reason["message"]) == ("", "Not today")


def test_convert_refused__at_the_commit__ends_canceled_and_gives_the_money_back(
    twin: CoinbaseTwin, client: Any
) -> None:
    twin.inject(kind="convert_refused", endpoint="commit_convert", reason="Not today")
    trade_id = client.create_convert_quote("USD", "USDC", "1").trade.id
    started = client.commit_convert_trade(trade_id, "USD", "USDC").trade
    assert (started.status, started.cancellation_reason["message"]) == ("TRADE_STATUS_STARTED", "")
    ended = client.get_convert_trade(trade_id, "USD", "USDC").trade
    assert (ended.status, ended.cancellation_reason["message"]) == ("TRADE_STATUS_CANCELED", "Not today")
    assert [twin.balance("USD"), twin.balance("USDC")] == [5, 20]


@pytest.mark.parametrize(
    ("calls", "struck"),
    [("1", [1]), ("3", [3]), ("2-3", [2, 3]), ("4-", [4, 5]), ("all", [1, 2, 3, 4, 5]), (2, [2])],
)
def test_fault__for_some_calls__strikes_these(
    twin: CoinbaseTwin, client: Any, calls: str | int, struck: list[int]
) -> None:
    twin.inject(kind="unauthorized", endpoint="list_accounts", calls=calls)
    refused = []
    for number in range(1, 6):
        client.get_products()
        try:
            client.get_accounts()
        except HTTPError:
            refused.append(number)
    assert refused == struck


def test_fault__for_a_product__counts_only_its_calls(twin: CoinbaseTwin, client: Any) -> None:
    twin.inject(kind="refused", endpoint="preview_order", product="XLM-USDC", calls="2", reason="NO")
    errs = [client.preview_market_order_sell(f"{base}-USDC", base_size="1").errs for base in ("XLM", "ADA", "XLM")]
    assert errs == [[], [], ["NO"]]


def test_faults__through_the_admin_port__are_loaded_counted_and_dropped(twin: CoinbaseTwin, client: Any) -> None:
    fault = {"kind": "unauthorized", "endpoint": "list_accounts", "calls": "2"}
    admin(twin, "POST", "/faults", {"faults": [fault]})
    client.get_accounts()
    with pytest.raises(HTTPError, match="401"):
        client.get_accounts()
    (loaded,) = admin(twin, "GET", "/faults")["faults"]
    assert (loaded["seen"], loaded["struck"], loaded["fault"]["kind"]) == (2, 1, "unauthorized")
    assert admin(twin, "DELETE", "/faults") == {"faults": []}


def test_twin__stopped_while_it_holds_a_connection__ends_at_once() -> None:
    twin = CoinbaseTwin(small())
    twin.start()
    with client_of(twin, timeout=0.05) as client:
        twin.inject(kind="timeout", endpoint="list_accounts", seconds="600")
        twin.inject(kind="slow", endpoint="list_products", seconds="600")
        for ask in (client.get_accounts, client.get_products):
            with pytest.raises(ReadTimeout):
                ask()
        began = time.monotonic()
        twin.stop()
        assert time.monotonic() - began < 5
