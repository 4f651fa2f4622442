"""Orders at the Coinbase twin, through the vendor's SDK."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from requests.exceptions import HTTPError

from simulators.coinbase.demo import demo
from simulators.coinbase.scenario import Scenario
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import client_of, placed, refusal

DEEP = {"bids": [["0.392", "1000"]], "asks": [["0.393", "1000"]]}
STEPPED = {"bids": [["0.39", "4"], ["0.38", "4"]], "asks": [["0.40", "4"], ["0.41", "4"]]}


def ada_market(book: dict[str, Any], **changes: object) -> Scenario:
    rules = {"base_increment": "0.01", "quote_increment": "0.0001", "base_min_size": "0.01", "book": book}
    return Scenario.model_validate(
        {
            "taker_fee": "0.008",
            "quote_minimum_binds_sells": False,
            "wallets": {"ADA": {"available": "100"}, "USDT": {"available": "50"}},
            "products": {"ADA-USDT": rules | changes},
        }
    )


def test_sale__of_a_known_order__costs_and_brings_what_the_real_one_did() -> None:
    with CoinbaseTwin(ada_market(DEEP)) as twin, client_of(twin) as client:
        order = client.get_order(placed(client.market_order_sell("one", "ADA-USDT", base_size="10"))).order
        assert (order.status, order.settled, order.completion_percentage) == ("FILLED", True, "100")
        assert order.average_filled_price == "0.392"
        assert order.filled_value == "3.92"
        assert order.total_fees == "0.03136"
        assert order.total_value_after_fees == "3.88864"
        assert order.number_of_fills == "1"
        assert (twin.balance("ADA"), twin.balance("USDT")) == (Decimal(90), Decimal("53.88864"))


def test_preview__of_a_sale__foretells_it_and_moves_nothing(twin: CoinbaseTwin, client: Any) -> None:
    preview = client.preview_market_order_sell("ADA-USDC", base_size="1")
    assert twin.balance("ADA") == 1
    assert (preview.errs, preview.base_size, preview.quote_size) == ([], "1", "0.3916")
    assert (preview.best_bid, preview.best_ask) == ("0.3916", "0.3924")
    order = client.get_order(placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))).order
    assert order.total_value_after_fees == preview.order_total == "0.3869008"
    assert order.total_fees == preview.commission_total == "0.0046992"


def test_purchase__by_quote_size__pays_its_fee_out_of_that_size(twin: CoinbaseTwin, client: Any) -> None:
    preview = client.preview_market_order_buy("BTC-USDC", quote_size="3")
    order = client.get_order(placed(client.market_order_buy("one", "BTC-USDC", quote_size="3"))).order
    assert (order.size_in_quote, order.size_inclusive_of_fees, order.status) == (True, True, "FILLED")
    assert order.total_value_after_fees == preview.order_total
    spent = Decimal(order.total_value_after_fees)
    assert Decimal("2.999") < spent <= 3
    assert Decimal(order.filled_value) + Decimal(order.total_fees) == spent
    assert twin.balance("USDC") == 20 - spent
    assert twin.balance("BTC") == Decimal("0.01") + Decimal(order.filled_size)


def test_purchase__filled_exactly__spends_its_quote_size_to_the_last_digit() -> None:
    rules = {"base_increment": "0.01", "quote_increment": "0.01", "base_min_size": "0.01"}
    scenario = Scenario.model_validate(
        {
            "taker_fee": "0.008",
            "quote_sized_fills": "exact",
            "wallets": {"USD": {"available": "5"}},
            "products": {"ATOM-USD": rules | {"book": {"asks": [["8.596", "100"]]}}},
        }
    )
    with CoinbaseTwin(scenario) as twin, client_of(twin) as client:
        order = client.get_order(placed(client.market_order_buy("one", "ATOM-USD", quote_size="5"))).order
        assert (order.filled_value, order.total_fees) == ("4.9603174603174603", "0.0396825396825397")
        assert (order.total_value_after_fees, order.filled_size) == ("5", "0.5770494951509376")
        assert (twin.balance("USD"), twin.balance("ATOM")) == (Decimal(0), Decimal("0.5770494951509376"))


def test_purchase__by_base_size__pays_its_fee_on_top(twin: CoinbaseTwin, client: Any) -> None:
    order = client.get_order(placed(client.market_order_buy("one", "ADA-USDC", base_size="10"))).order
    assert (order.filled_size, order.filled_value, order.size_in_quote) == ("10", "3.924", False)
    assert twin.balance("USDC") == 20 - Decimal("3.924") - Decimal("0.047088")


def test_sale__through_several_levels__has_a_fill_for_each() -> None:
    with CoinbaseTwin(ada_market(STEPPED)) as twin, client_of(twin) as client:
        preview = client.preview_market_order_sell("ADA-USDT", base_size="6")
        order_id = placed(client.market_order_sell("one", "ADA-USDT", base_size="6"))
        order, fills = client.get_order(order_id).order, client.get_fills(order_ids=[order_id]).fills
        assert [(fill.price, fill.size) for fill in fills] == [("0.38", "2"), ("0.39", "4")]
        assert order.filled_value == "2.32"
        assert order.average_filled_price == "0.3866666666666667"
        assert sum(Decimal(fill.commission) for fill in fills) == Decimal(order.total_fees)
        assert 0 < Decimal(preview.slippage) < Decimal("0.01")


def test_sale__beyond_the_book__fills_in_part_and_is_cancelled() -> None:
    with CoinbaseTwin(ada_market(STEPPED)) as twin, client_of(twin) as client:
        order = client.get_order(placed(client.market_order_sell("one", "ADA-USDT", base_size="10"))).order
        assert (order.status, order.filled_size, order.completion_percentage) == ("CANCELLED", "8", "80")
        assert twin.balance("ADA") == 92


def test_purchase__beyond_the_book__fills_in_part_and_is_cancelled() -> None:
    with CoinbaseTwin(ada_market(STEPPED)) as twin, client_of(twin) as client:
        order = client.get_order(placed(client.market_order_buy("one", "ADA-USDT", quote_size="10"))).order
        assert (order.status, order.filled_size, order.filled_value) == ("CANCELLED", "8", "3.24")


def test_sale__on_a_shared_book__pays_into_the_wallet_of_its_own_quote() -> None:
    with CoinbaseTwin(demo()) as twin, client_of(twin) as client:
        dollars, coins = twin.balance("USD"), twin.balance("USDC")
        placed(client.market_order_sell("one", "ADA-USD", base_size="0.4"))
        placed(client.market_order_sell("two", "ADA-USDC", base_size="0.4"))
        assert twin.balance("USD") - dollars == twin.balance("USDC") - coins > 0


def test_sale__for_a_currency_without_wallet__opens_one() -> None:
    scenario = Scenario.model_validate(
        {
            "wallets": {"ADA": {"available": "10"}},
            "quote_minimum_binds_sells": False,
            "products": {
                "ADA-EUR": {"base_increment": "1", "quote_increment": "0.01", "base_min_size": "1", "book": DEEP}
            },
        }
    )
    with CoinbaseTwin(scenario) as twin, client_of(twin) as client:
        placed(client.market_order_sell("one", "ADA-EUR", base_size="10"))
        assert [account.currency for account in client.get_accounts().accounts] == ["ADA", "EUR"]


def test_client_order_id__used_again__echoes_the_new_request_and_executes_nothing(
    twin: CoinbaseTwin, client: Any
) -> None:
    first = placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))
    before = twin.ledger()
    again = client.market_order_sell("one", "XLM-USDC", base_size="3")
    assert placed(again) == first
    assert again.success_response["product_id"] == "XLM-USDC"
    assert again.order_configuration.to_dict() == {"market_market_ioc": {"base_size": "3"}}
    assert twin.ledger() == before
    assert client.get_order(first).order.product_id == "ADA-USDC"


def test_client_order_id__used_again_where_that_is_refused__executes_nothing() -> None:
    with CoinbaseTwin(small(repeated_order="refused")) as twin, client_of(twin) as client:
        placed(client.market_order_sell("one", "ADA-USDC", base_size="0.5"))
        assert refusal(client.market_order_sell("one", "ADA-USDC", base_size="0.5")) == "DUPLICATE_CLIENT_ORDER_ID"
        assert twin.balance("ADA") == Decimal("0.5")


def test_client_order_id__used_by_many_at_once__makes_one_order(twin: CoinbaseTwin) -> None:
    def sell(_: int) -> str:
        with client_of(twin) as client:
            return placed(client.market_order_sell("one", "ADA-USDC", base_size="0.1"))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(sell, range(16)))) == 1
    assert twin.balance("ADA") == Decimal("0.9")


def test_client_order_id__of_a_rejected_order__may_be_used_again(client: Any) -> None:
    assert refusal(client.market_order_sell("one", "ADA-USDC", base_size="2")) == "PREVIEW_INSUFFICIENT_FUND"
    placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))


@pytest.mark.parametrize(
    ("side", "product", "size", "reason"),
    [
        ("SELL", "OMG-USDC", {"base_size": "1"}, "PREVIEW_INVALID_PRODUCT_ID"),
        ("SELL", "ADA-USDC", {"quote_size": "1"}, "PREVIEW_INVALID_ORDER_CONFIG"),
        ("BUY", "ADA-USDC", {"quote_size": "1", "base_size": "1"}, "PREVIEW_INVALID_ORDER_CONFIG"),
        ("BUY", "ADA-USDC", {}, "PREVIEW_INVALID_ORDER_CONFIG"),
        ("SELL", "XLM-USDC", {"base_size": "1.5"}, "PREVIEW_INVALID_SIZE_PRECISION"),
        ("BUY", "BTC-USDC", {"quote_size": "1.001"}, "PREVIEW_INVALID_QUOTE_SIZE_PRECISION"),
        ("SELL", "ADA-USDC", {"base_size": "0"}, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        ("SELL", "ADA-USDC", {"base_size": "-1"}, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        ("SELL", "ADA-USDC", {"base_size": "9999999999999"}, "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"),
        ("BUY", "BTC-USDC", {"quote_size": "0.09"}, "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
        ("BUY", "BTC-USDC", {"quote_size": "9999999999"}, "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE"),
        ("SELL", "ADA-USDC", {"base_size": "1.01"}, "PREVIEW_INSUFFICIENT_FUND"),
        ("BUY", "BTC-USDC", {"quote_size": "20.01"}, "PREVIEW_INSUFFICIENT_FUND"),
        ("BUY", "ADA-USDC", {"base_size": "51"}, "PREVIEW_INSUFFICIENT_FUND"),
    ],
)
def test_order__against_a_rule__is_refused_alike_by_preview_and_create(
    twin: CoinbaseTwin, client: Any, side: str, product: str, size: dict[str, str], reason: str
) -> None:
    before = twin.ledger()
    assert client.preview_market_order(product, side, **size).errs[0] == reason
    assert refusal(client.market_order("one", product, side, **size)) == reason
    assert twin.ledger() == before
    assert client.list_orders().orders == []


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"is_disabled": True}, "PREVIEW_UNTRADABLE_PRODUCT"),
        ({"view_only": True}, "PREVIEW_UNTRADABLE_PRODUCT"),
        ({"status": "delisted"}, "PREVIEW_UNTRADABLE_PRODUCT"),
        ({"trading_disabled": True}, "PREVIEW_TRADING_DISABLED"),
        ({"cancel_only": True}, "PREVIEW_PRODUCT_TRADING_HALTED"),
        ({"auction_mode": True}, "PREVIEW_PRODUCT_TRADING_HALTED"),
        ({"base_min_size": "26.7187147229469674"}, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
    ],
)
def test_order__at_a_market_that_takes_none__is_refused(flags: dict[str, object], reason: str) -> None:
    with CoinbaseTwin(ada_market(DEEP, **flags)) as twin, client_of(twin) as client:
        assert reason in client.preview_market_order_sell("ADA-USDT", base_size="10").errs
        assert refusal(client.market_order_sell("one", "ADA-USDT", base_size="10")) == reason


def test_order__at_an_empty_book__finds_no_liquidity() -> None:
    with CoinbaseTwin(ada_market({})) as twin, client_of(twin) as client:
        reason = "PREVIEW_INVALID_NO_LIQUIDITY"
        assert client.preview_market_order_sell("ADA-USDT", base_size="10").errs == [reason]
        assert refusal(client.market_order_sell("one", "ADA-USDT", base_size="10")) == reason
        assert refusal(client.market_order_buy("one", "ADA-USDT", quote_size="10")) == reason


@pytest.mark.parametrize("flag", ["limit_only", "post_only"])
def test_order__at_a_limit_only_book__is_forbidden(flag: str) -> None:
    with (
        CoinbaseTwin(ada_market(DEEP, **{flag: True})) as twin,
        client_of(twin) as client,
        pytest.raises(HTTPError, match=r"403.*Orderbook is in limit only mode"),
    ):
        client.market_order_sell("one", "ADA-USDT", base_size="10")


def test_quote_minimum__where_it_binds_sales__refuses_a_small_one() -> None:
    with CoinbaseTwin(small(quote_minimum_binds_sells=True)) as twin, client_of(twin) as client:
        reason = "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"
        assert client.preview_market_order_sell("ADA-USDC", base_size="1").errs == [reason]
        assert refusal(client.market_order_sell("one", "ADA-USDC", base_size="1")) == reason


def test_rejection__for_want_of_money__reads_as_the_venue_writes_it(client: Any) -> None:
    assert client.market_order_sell("one", "ADA-USDC", base_size="2").error_response == {
        "error": "INSUFFICIENT_FUND",
        "message": "Insufficient balance in source account",
        "error_details": "",
        "preview_failure_reason": "PREVIEW_INSUFFICIENT_FUND",
        "new_order_failure_reason": "INSUFFICIENT_FUND",
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"side": "HOLD"}, "side: 'HOLD' is neither BUY nor SELL"),
        ({"product_id": ""}, "product_id is required"),
        ({"order_configuration": {}}, "exactly one order type"),
        ({"order_configuration": {"limit_limit_gtc": {"base_size": "1"}}}, "market_market_ioc is the only kind"),
        ({"order_configuration": {"market_market_ioc": {"base_size": "one"}}}, "base_size: 'one' is not a number"),
        ({"order_configuration": {"market_market_ioc": {"base_size": 1}}}, "base_size: 1 is not a number in a string"),
    ],
)
def test_order__that_cannot_be_read__is_a_bad_request(client: Any, change: dict[str, Any], sentence: str) -> None:
    order: dict[str, Any] = {
        "client_order_id": "one",
        "product_id": "ADA-USDC",
        "side": "SELL",
        "order_configuration": {"market_market_ioc": {"base_size": "1"}},
    }
    with pytest.raises(HTTPError, match=rf"400.*{sentence}"):
        client.create_order(**(order | change))


def test_order__unknown__is_not_found(client: Any) -> None:
    with pytest.raises(HTTPError, match="404"):
        client.get_order("nothing")


def test_order__settles__after_its_time(twin: CoinbaseTwin) -> None:
    with CoinbaseTwin(small(settle_seconds="2", clock={"frozen": True})) as late, client_of(late) as client:
        order_id = placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))
        assert client.get_order(order_id).order.settled is False
        late.exchange.clock.advance(timedelta(seconds=2))
        assert client.get_order(order_id).order.settled is True


def test_orders__listed__answer_to_each_filter_and_page() -> None:
    start = datetime(2026, 1, 4, 2, tzinfo=UTC)
    with (
        CoinbaseTwin(small(clock={"start": start.isoformat(), "frozen": True})) as twin,
        client_of(twin) as client,
    ):
        ids = []
        for n, product in enumerate(("ADA-USDC", "XLM-USDC", "ADA-USDC")):
            ids.append(placed(client.market_order_sell(f"order {n}", product, base_size="0.5" if n != 1 else "1")))
            twin.exchange.clock.advance(timedelta(seconds=10))
        ids.append(placed(client.market_order_buy("order 3", "ADA-USDC", quote_size="1")))

        def listed(**filters: object) -> list[int]:
            return [ids.index(order.order_id) for order in client.list_orders(**filters).orders]

        assert listed() == [3, 2, 1, 0]
        assert listed(product_ids=["ADA-USDC"]) == [3, 2, 0]
        assert listed(product_ids=["ADA-USDC"], order_side="SELL") == [2, 0]
        assert listed(order_ids=ids[:2]) == [1, 0]
        assert listed(order_status=["CANCELLED"]) == []
        assert listed(start_date=(start + timedelta(seconds=5)).isoformat()) == [3, 2, 1]
        assert listed(end_date=(start + timedelta(seconds=5)).isoformat()) == [0]
        first = client.list_orders(limit=3)
        assert (len(first.orders), first.has_next) == (3, True)
        assert listed(limit=3, cursor=first.cursor) == [0]
        with pytest.raises(HTTPError, match=r"400.*start_date: 'yesterday'"):
            client.list_orders(start_date="yesterday")


def test_fills__listed__answer_to_each_filter_and_page(client: Any) -> None:
    first = placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))
    second = placed(client.market_order_buy("two", "BTC-USDC", quote_size="2"))
    fills = client.get_fills().fills
    assert [fill.order_id for fill in fills] == [second, first]
    bought, sold = fills
    assert (sold.side, sold.size, sold.price, sold.commission) == ("SELL", "1", "0.3916", "0.0046992")
    assert (sold.size_in_quote, bought.size_in_quote) == (False, True)
    assert bought.size == client.get_order(second).order.filled_value
    assert [fill.order_id for fill in client.get_fills(order_ids=[first]).fills] == [first]
    assert [fill.order_id for fill in client.get_fills(product_ids=["BTC-USDC"]).fills] == [second]
    assert [fill.order_id for fill in client.get_fills(trade_ids=[sold.trade_id]).fills] == [first]
    page = client.get_fills(limit=1)
    assert [fill.order_id for fill in client.get_fills(cursor=page.cursor).fills] == [first]
