"""The Binance twin: signatures, times, filters, orders, dust, weights, and a ledger that adds up."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ConfigurationError
from simulators.binance.endpoints import ENDPOINTS
from simulators.binance.faults import Fault, Faults
from simulators.binance.scenario import DustForm, KeyForm, Scenario, SymbolForm
from simulators.binance.scenarios import demo, market, small
from simulators.binance.twin import BinanceTwin
from simulators.exchange.faults import Spoiling
from simulators.exchange.serving import scenario_of
from simulators.exchange.spot_exchange import BalanceForm
from simulators.forms import read_file
from tests.simulators.binance_client import Caller, caller, code, done
from tests.simulators.books import conserved

D = Decimal
PAGE = (Path(__file__).parents[2] / "docs/reference/binance-twin.md").read_text("utf-8")


@pytest.fixture
def twin() -> Iterator[BinanceTwin]:
    with BinanceTwin(small()) as twin:
        yield twin


@pytest.fixture
def call(twin: BinanceTwin) -> Iterator[Caller]:
    with caller(twin) as call:
        yield call


# Who is let in


@pytest.mark.parametrize("algorithm", ["hmac", "ed25519"])
def test_signature__of_either_kind__is_accepted_and_none_that_differs(twin: BinanceTwin, algorithm: Any) -> None:
    with caller(twin, algorithm=algorithm) as call:
        assert done(call("GET", "/api/v3/account"))["balances"]
        query = f"timestamp={int(time.time() * 1000)}"
        good = call.signature(query)
        assert code(call.raw("GET", "/api/v3/account", f"{query}&signature={'0' * len(good)}")) == -1022
        assert code(call.raw("GET", "/api/v3/account", f"{query}&omitZeroBalances=true&signature={good}")) == -1022
        assert code(call.raw("GET", "/api/v3/account", f"{query}&signature=not base64!")) == -1022


def test_signature__is_over_query_and_body_together(call: Caller) -> None:
    query, body = f"timestamp={int(time.time() * 1000)}&symbol=ADAUSDT", "side=SELL&type=MARKET&quantity=0.1"
    good = call.signature(query + body)

    assert code(call.raw("POST", "/api/v3/order/test", f"{query}&signature={good}", body=body)) == -1013
    assert code(call.raw("POST", "/api/v3/order/test", f"{query}&signature={good}", body=body + "0")) == -1022


def test_request__without_signature_key_or_time__is_told_what_is_missing(call: Caller) -> None:
    now = int(time.time() * 1000)

    assert code(call.raw("GET", "/api/v3/account", f"timestamp={now}")) == -1102
    assert code(call.raw("GET", "/api/v3/account", "signature=0")) == -1102
    assert code(call.raw("GET", "/api/v3/account", f"timestamp={now}&signature=0", key=""), 401) == -2014
    assert code(call.raw("GET", "/api/v3/account", f"timestamp={now}&signature=0", key="unknown"), 401) == -2015


@pytest.mark.parametrize("permissions", [("reading",), ("trading",)])
def test_permission__that_is_missing__keeps_out(twin: BinanceTwin, permissions: Any) -> None:
    with caller(twin, permissions) as call:
        trades = call.sell("DOTUSDT", "2.5")
        reads = call("GET", "/api/v3/account")
    assert code(reads if permissions == ("trading",) else trades, 401) == -2015


def test_time__outside_the_window__is_refused(call: Caller) -> None:
    now = int(time.time() * 1000)

    assert code(call("GET", "/api/v3/account", stamp=now - 6000)) == -1021
    assert code(call("GET", "/api/v3/account", stamp=now + 5000)) == -1021
    assert done(call("GET", "/api/v3/account", ("recvWindow", "10000"), stamp=now - 6000))
    assert code(call("GET", "/api/v3/account", ("recvWindow", "60001"))) == -1131
    assert code(call.raw("GET", "/api/v3/account", "timestamp=soon&signature=0")) == -1100


def test_time__of_a_venue_whose_clock_is_ahead__is_told_to_anybody() -> None:
    with BinanceTwin(small(clock_ahead="30")) as twin, caller(twin) as call:
        there = done(call.session.get(f"https://{twin.base_url}/api/v3/time"))["serverTime"]
        assert 29_000 < there - time.time() * 1000 < 31_000
        assert code(call("GET", "/api/v3/account")) == -1021
        assert done(call("GET", "/api/v3/account", stamp=there))


def test_weight__over_the_limit__is_429_then_418() -> None:
    with BinanceTwin(small(weight_per_minute=50, ban_after=2)) as twin, caller(twin) as call:
        while int(time.time()) % 60 > 57:
            time.sleep(0.1)  # a minute that is over in between would forgive
        statuses = [call("GET", "/api/v3/account").status_code for _ in range(6)]
        last = call("GET", "/api/v3/account")
    assert statuses == [200, 200, 429, 429, 418, 418]
    assert code(last, 418) == -1003
    assert int(last.headers["Retry-After"]) > 0


def test_unknown_path__is_404(call: Caller) -> None:
    assert call("GET", "/api/v3/nothing").status_code == 404


# What it says


def test_markets__show_filters_and_prices(call: Caller, twin: BinanceTwin) -> None:
    base = f"https://{twin.base_url}/api/v3"
    info = done(call.session.get(f"{base}/exchangeInfo"))
    dot = next(symbol for symbol in info["symbols"] if symbol["symbol"] == "DOTUSDT")
    rules = {each["filterType"]: each for each in dot["filters"]}
    assert (rules["LOT_SIZE"]["stepSize"], rules["NOTIONAL"]["minNotional"]) == ("0.01000000", "5.00000000")
    assert rules["NOTIONAL"]["applyMinToMarket"] is True
    two = done(call.session.get(f"{base}/ticker/bookTicker", params={"symbols": '["ADAUSDT","BTCUSDT"]'}))
    assert [each["symbol"] for each in two] == ["ADAUSDT", "BTCUSDT"]
    assert D(two[0]["bidPrice"]) < D(two[0]["askPrice"])
    assert code(call.session.get(f"{base}/ticker/bookTicker", params={"symbols": '["NOSUCH"]'})) == -1121
    assert code(call.session.get(f"{base}/ticker/bookTicker", params={"symbols": "NOSUCH"})) == -1100
    assert code(call.session.get(f"{base}/exchangeInfo", params={"symbol": "NOSUCH"})) == -1121
    assert done(call.session.get(f"{base}/depth", params={"symbol": "ADAUSDT", "limit": "1"}))["bids"]


def test_account__leaves_zeros_out_when_asked(call: Caller) -> None:
    assert "DOGE" in {each["asset"] for each in done(call("GET", "/api/v3/account"))["balances"]}
    shown = done(call("GET", "/api/v3/account", ("omitZeroBalances", "true")))["balances"]
    assert "DOGE" not in {each["asset"] for each in shown}


def test_restrictions__are_those_of_the_key(twin: BinanceTwin) -> None:
    with caller(twin, ("reading", "withdrawals")) as call:
        said = done(call("GET", "/sapi/v1/account/apiRestrictions"))
    assert (said["enableWithdrawals"], said["enableSpotAndMarginTrading"]) == (True, False)


# Orders


def test_sale__moves_base_quote_and_commission_to_the_last_digit(call: Caller, twin: BinanceTwin) -> None:
    usdt = twin.balance("USDT")

    made = done(call.sell("DOTUSDT", "2.5"))

    (fill,) = made["fills"]
    value = D(fill["price"]) * D(fill["qty"])
    assert D(made["cummulativeQuoteQty"]) == value
    assert fill["commissionAsset"] == "USDT"
    assert twin.balance("DOT") == D("0.2")
    assert twin.balance("USDT") - usdt == value - D(fill["commission"])
    conserved(twin)


def test_purchase__takes_whole_steps_and_its_fee_out_of_what_it_bought(call: Caller, twin: BinanceTwin) -> None:
    btc, usdt = twin.balance("BTC"), twin.balance("USDT")

    made = done(call.buy("BTCUSDT", "10"))

    bought, paid = D(made["executedQty"]), D(made["cummulativeQuoteQty"])
    assert bought % D("0.00001") == 0
    assert 10 - paid < D("0.61")
    assert usdt - twin.balance("USDT") == paid
    assert twin.balance("BTC") - btc == bought - D(made["fills"][0]["commission"])
    conserved(twin)


@pytest.mark.parametrize(
    ("symbol", "side", "size", "number", "sentence"),
    [
        ("DOTUSDT", "SELL", ("quantity", "2.505"), -1013, "Filter failure: LOT_SIZE"),
        ("DOTUSDT", "SELL", ("quantity", "0"), -1013, "Filter failure: LOT_SIZE"),
        ("DOTUSDT", "SELL", ("quantity", "1"), -1013, "Filter failure: NOTIONAL"),
        ("ADAUSDT", "SELL", ("quantity", "100"), -2010, "insufficient balance"),
        ("BTCUSDT", "BUY", ("quoteOrderQty", "4.99"), -1013, "Filter failure: NOTIONAL"),
        ("BTCUSDT", "BUY", ("quoteOrderQty", "21"), -2010, "insufficient balance"),
        ("BTCUSDT", "BUY", ("quoteOrderQty", "10.123456789"), -1111, "too much precision"),
        ("DOTUSDT", "SELL", ("quantity", "2.5000000001"), -1111, "too much precision"),
        ("DOTUSDT", "SELL", ("quantity", "-2.5"), -1100, "Illegal characters"),
        ("DOTUSDT", "SELL", ("quantity", "1e1"), -1100, "Illegal characters"),
        ("DOTUSDT", "SELL", ("price", "1"), -1102, "quantity"),
        ("NOSUCH", "SELL", ("quantity", "1"), -1121, "Invalid symbol"),
        ("DOTUSDT", "HOLD", ("quantity", "1"), -1117, "Invalid side"),
    ],
)
def test_order__that_breaks_a_rule__is_refused_with_the_venues_word(
    call: Caller, twin: BinanceTwin, symbol: str, side: str, size: tuple[str, str], number: int, sentence: str
) -> None:
    before = twin.ledger()["balances"]

    refused = call.order(symbol, side, size, "one")

    assert code(refused) == number
    assert sentence in refused.json()["msg"]
    assert twin.ledger()["balances"] == before


def test_order__on_a_market_that_is_closed__is_refused() -> None:
    closed = market("DOT", "USDT", "2.6", "0.01", "0.001", status="BREAK")
    limited = market("ADA", "USDT", "0.392", "0.1", "0.0001", market_orders=False)
    with BinanceTwin(small(symbols=closed | limited)) as twin, caller(twin) as call:
        assert "Market is closed" in call.sell("DOTUSDT", "2.5").json()["msg"]
        assert "not enabled" in call.sell("ADAUSDT", "0.5").json()["msg"]


def test_order__that_nobody_takes__expires_without_a_fill(call: Caller, twin: BinanceTwin) -> None:
    twin.inject(kind="empty_book", endpoint="new_order")

    made = done(call.sell("DOTUSDT", "2.5"))

    assert (made["status"], made["executedQty"], made["fills"]) == ("EXPIRED", "0.00000000", [])


def test_client_id__of_an_order_that_ended__is_free_again_and_trades_twice(call: Caller, twin: BinanceTwin) -> None:
    first, second = done(call.buy("BTCUSDT", "6")), done(call.buy("BTCUSDT", "6"))

    assert first["orderId"] != second["orderId"]
    assert twin.balance("USDT") < D("10")


def test_client_id__where_repetitions_are_refused__is_a_duplicate() -> None:
    with BinanceTwin(small(repeated_order="refused")) as twin, caller(twin) as call:
        done(call.buy("BTCUSDT", "6"))
        refused = call.buy("BTCUSDT", "6")
    assert (code(refused), refused.json()["msg"]) == (-2010, "Duplicate order sent.")


def test_lookup__finds_orders_by_either_id_and_their_trades(call: Caller) -> None:
    made = done(call.sell("DOTUSDT", "2.5", client="mine"))
    symbol, number = ("symbol", "DOTUSDT"), str(made["orderId"])

    by_client = done(call("GET", "/api/v3/order", symbol, ("origClientOrderId", "mine")))
    assert by_client == done(call("GET", "/api/v3/order", symbol, ("orderId", number)))
    assert by_client["executedQty"] == "2.50000000"
    (trade,) = done(call("GET", "/api/v3/myTrades", symbol, ("orderId", number)))
    assert (trade["qty"], trade["commissionAsset"]) == ("2.50000000", "USDT")
    assert code(call("GET", "/api/v3/order", symbol, ("origClientOrderId", "other"))) == -2013
    assert code(call("GET", "/api/v3/order", ("symbol", "ADAUSDT"), ("origClientOrderId", "mine"))) == -2013
    assert code(call("GET", "/api/v3/order", symbol)) == -1102
    assert code(call("GET", "/api/v3/order", symbol, ("orderId", "x"))) == -1102


@pytest.mark.parametrize("name", ["", "ü", "a" * 37, "a b"])
def test_client_id__of_another_form__is_refused_or_made_up(call: Caller, name: str) -> None:
    reply = call.sell("DOTUSDT", "2.5", client=name)
    assert done(reply)["clientOrderId"] if not name else code(reply) == -1100


def test_test_order__checks_filters_and_moves_nothing_whatever_the_balance(call: Caller, twin: BinanceTwin) -> None:
    form = [("symbol", "DOTUSDT"), ("side", "SELL"), ("type", "MARKET")]
    assert done(call("POST", "/api/v3/order/test", *form, ("quantity", "1000"))) == {}
    assert code(call("POST", "/api/v3/order/test", *form, ("quantity", "1"))) == -1013
    assert twin.balance("DOT") == D("2.7")


# Dust


def convert(call: Caller, *assets: str, target: str = "USDT", client: str = "c1") -> requests.Response:
    named = [("asset", asset) for asset in assets]
    path = "/sapi/v1/asset/dust-convert/convert"
    return call("POST", path, *named, ("targetAsset", target), ("clientId", client))


def test_dust__of_two_assets__is_paid_in_the_target_less_the_fee(call: Caller, twin: BinanceTwin) -> None:
    before = twin.balance("USDT")

    made = done(convert(call, "ADA", "XLM"))

    assert [row["fromAsset"] for row in made["transferResult"]] == ["ADA", "XLM"]
    net = D(made["totalTransfered"]) - D(made["totalServiceCharge"])
    assert twin.balance("USDT") - before == net
    assert twin.balance("ADA") == twin.balance("XLM") == 0
    assert D(made["totalServiceCharge"]) == pytest.approx(D(made["totalTransfered"]) * D("0.02"), abs=D("0.00000002"))
    conserved(twin)


def test_dust__by_the_classic_endpoint__is_paid_in_bnb_and_logged(call: Caller, twin: BinanceTwin) -> None:
    offered = done(call("POST", "/sapi/v1/asset/dust-btc"))
    assert {row["asset"] for row in offered["details"]} >= {"ADA", "XLM"}

    made = done(call("POST", "/sapi/v1/asset/dust", ("asset", "ADA"), ("asset", "XLM")))

    log = done(call("GET", "/sapi/v1/asset/dribblet"))
    assert log["total"] == 1
    (entry,) = log["userAssetDribblets"]
    assert {row["fromAsset"] for row in entry["userAssetDribbletDetails"]} == {"ADA", "XLM"}
    assert entry["totalTransferedAmount"] == made["totalTransfered"]
    later = str(entry["operateTime"] + 1)
    assert done(call("GET", "/sapi/v1/asset/dribblet", ("startTime", later)))["total"] == 0


def test_dust__as_one_comma_separated_word__is_no_asset(call: Caller) -> None:
    assert code(convert(call, "ADA,XLM")) == -5003


@pytest.mark.parametrize(
    ("assets", "number"),
    [((), -1102), (("NOSUCH",), -5003), (("BTC",), -5004), (("DOGE",), -5003), (("USDT",), -5001)],
)
def test_dust__that_is_none__is_refused_whole(call: Caller, twin: BinanceTwin, assets: Any, number: int) -> None:
    before = twin.ledger()["balances"]

    assert code(convert(call, *assets)) == number
    if assets:
        assert code(convert(call, "ADA", *assets)) == number
    assert twin.ledger()["balances"] == before


def test_dust__that_brings_nothing__is_too_little() -> None:
    with BinanceTwin(small(balances={"ADA": {"free": "0.00000001"}})) as twin, caller(twin) as call:
        assert code(convert(call, "ADA", target="BTC")) == -5005


def test_dust__twice_within_six_hours__rests(call: Caller, twin: BinanceTwin) -> None:
    done(convert(call, "ADA"))
    assert code(convert(call, "XLM", client="c2")) == -9000

    with twin.exchange.transaction():
        twin.exchange.clock.advance(timedelta(hours=6))
    done(convert(call, "XLM", client="c3"))


@pytest.mark.parametrize("repeated", ["refused", "earlier"])
def test_dust__under_the_same_client_id__is_made_once(repeated: str) -> None:
    with BinanceTwin(small(dust={"repeated_client": repeated})) as twin, caller(twin) as call:
        first = done(convert(call, "ADA"))
        again = convert(call, "ADA")
    assert (done(again) == first) if repeated == "earlier" else (code(again) == -9001)


def test_dust__for_a_target_that_is_none__is_refused(call: Caller) -> None:
    assert code(convert(call, "ADA", target="DOGE")) == -9002
    assert code(call("POST", "/sapi/v1/asset/dust-convert/query-convertible-assets", ("targetAsset", "DOGE"))) == -9002


def test_dust_log__keeps_its_last_hundred_rows() -> None:
    many = {f"C{number}": {"free": "1"} for number in range(60)}
    books: dict[str, Any] = {}
    for name in many:
        books |= market(name, "USDT", "0.1", "1", "0.0001")
    books |= market("BTC", "USDT", "60000", "0.00001", "0.01")
    form = small(balances=many, symbols=books, dust={"cooldown_hours": "0"})
    with BinanceTwin(form) as twin, caller(twin) as call:
        for number in range(2):
            done(convert(call, *list(many)[number * 30 : number * 30 + 30], client=str(number)))
        assert done(call("GET", "/sapi/v1/asset/dribblet"))["total"] == 2
        with twin.exchange.transaction():
            for name in list(many)[:50]:
                twin.exchange.ledger.move(twin.exchange.clock.now(), "outside", "user", name, D(1), "deposit", "")
        done(convert(call, *list(many)[:50], client="2"))
        assert done(call("GET", "/sapi/v1/asset/dribblet"))["total"] == 2


# Faults


@pytest.mark.parametrize("kind", ["timeout", "reset", "server_error", "html", "rate_limited", "firewall"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_fault__around_an_order__takes_the_answer_and_leaves_the_rule(twin: BinanceTwin, kind: str, when: str) -> None:
    with caller(twin) as call:
        twin.inject(kind=kind, endpoint="new_order", when=when, **({"seconds": "0.05"} if kind == "timeout" else {}))
        try:
            reply = call.sell("DOTUSDT", "2.5")
            assert reply.status_code != 200 or "html" in reply.headers["Content-Type"]
        except requests.ConnectionError:
            assert kind in {"timeout", "reset"}
        assert (twin.balance("DOT") == D("2.7")) is (when == "before")


@pytest.mark.parametrize("kind", ["cut_json", "cut_body"])
def test_fault__that_cuts__leaves_half_of_an_answer(call: Caller, twin: BinanceTwin, kind: str) -> None:
    twin.inject(kind=kind, endpoint="account")
    with pytest.raises((ValueError, requests.RequestException)):
        call("GET", "/api/v3/account").json()


def test_fault__stale_balances__shows_what_was(call: Caller, twin: BinanceTwin) -> None:
    done(call.sell("DOTUSDT", "2.5"))
    twin.inject(kind="stale_balances", endpoint="account", seconds="60")
    held = {each["asset"]: each["free"] for each in done(call("GET", "/api/v3/account"))["balances"]}
    assert D(held["DOT"]) == D("2.7")


def test_fault__partial_and_listed_and_known_late__are_as_they_say(call: Caller, twin: BinanceTwin) -> None:
    twin.inject(kind="partial", endpoint="new_order", fraction="0.5")
    twin.inject(kind="listed_late", endpoint="new_order", seconds="60")
    twin.inject(kind="known_late", endpoint="new_order", seconds="30")
    made = done(call.sell("DOTUSDT", "2.5"))
    symbol, mine = ("symbol", "DOTUSDT"), ("orderId", str(made["orderId"]))
    assert (made["status"], made["executedQty"]) == ("EXPIRED", "1.25000000")
    assert code(call("GET", "/api/v3/order", symbol, mine)) == -2013
    with twin.exchange.transaction():
        twin.exchange.clock.advance(timedelta(seconds=31))
    assert done(call("GET", "/api/v3/order", symbol, mine))["executedQty"] == "1.25000000"
    assert done(call("GET", "/api/v3/myTrades", symbol, mine)) == []
    with twin.exchange.transaction():
        twin.exchange.clock.advance(timedelta(seconds=30))
    assert len(done(call("GET", "/api/v3/myTrades", symbol, mine))) == 1


def test_fault__price_jump_left_out_and_refused__are_as_they_say(call: Caller, twin: BinanceTwin) -> None:
    twin.inject(kind="price_jump", endpoint="new_order", factor="2")
    assert D(done(call.sell("DOTUSDT", "1"))["cummulativeQuoteQty"]) > 5
    twin.inject(kind="left_out", endpoint="dust_convert")
    assert [row["fromAsset"] for row in done(convert(call, "ADA", "XLM"))["transferResult"]] == ["ADA"]
    twin.inject(kind="refused", endpoint="new_order", code=-2010, sentence="This symbol is restricted.")
    assert code(call.sell("DOTUSDT", "1")) == -2010


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("{kind: storm, endpoint: any}", "Input tag 'storm'"),
        ("{kind: reset, endpoint: orders}", "endpoint 'orders': must be any, server_time"),
        ("{kind: partial, endpoint: account, fraction: '0.5'}", "this kind of fault strikes new_order"),
        ("{kind: left_out, endpoint: dust_convert, assets: 0}", "greater than or equal to 1"),
    ],
)
def test_fault_file__with_a_mistake__names_it(tmp_path: Path, fault: str, sentence: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(f"faults: [{fault}]")
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        read_file(path, Faults)


# The whole


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["sell", "buy", "dust"]), st.integers(1, 30)), min_size=1, max_size=6))
def test_ledger__whatever_is_asked__neither_loses_nor_makes_money(asked: list[tuple[str, int]]) -> None:
    with BinanceTwin(small(dust={"cooldown_hours": "0"})) as twin, caller(twin) as call:
        for number, (what, size) in enumerate(asked):
            if what == "dust":
                convert(call, "ADA", "XLM", client=str(number))
            elif what == "sell":
                call.sell("DOTUSDT", str(D(size) / 10), client=str(number))
            else:
                call.buy("BTCUSDT", str(size), client=str(number))
        conserved(twin)


def test_snapshot__after_a_stop__carries_on(tmp_path: Path) -> None:
    kept = tmp_path / "snapshot.json"
    with BinanceTwin(small(), snapshot=kept) as twin, caller(twin) as call:
        made = done(call.sell("DOTUSDT", "2.5", client="mine"))
        done(convert(call, "ADA"))
    with BinanceTwin(small(), snapshot=kept) as twin, caller(twin) as call:
        found = done(call("GET", "/api/v3/order", ("symbol", "DOTUSDT"), ("origClientOrderId", "mine")))
        assert found["orderId"] == made["orderId"]
        assert code(convert(call, "XLM", client="c2")) == -9000
        conserved(twin)
    with pytest.raises(ConfigurationError, match="seed: 1: must be 0"):
        BinanceTwin(small(), seed=1, snapshot=kept)


def test_admin__shows_and_changes(twin: BinanceTwin, call: Caller) -> None:
    def admin(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        reply = call.session.request(method, twin.admin_url + path, json=body, timeout=5)
        assert reply.status_code == status, reply.text
        return reply.json()

    done(call.sell("DOTUSDT", "2.5"))
    done(convert(call, "ADA"))
    shown = admin("GET", "/orders")
    assert (len(shown["orders"]), len(shown["dust"])) == (1, 1)
    assert admin("GET", "/requests")["requests"]["new_order"] == 1
    assert admin("POST", "/balances", {"asset": "ADA", "quantity": "2"})["free"] == "2.00000000"
    assert admin("POST", "/balances", {"asset": "ADA", "quantity": "2", "locked": True})["locked"] == "2.00000000"
    assert admin("POST", "/books", {"symbol": "ADAUSDT", "bids": [["0.5", "10"]]})["bidPrice"] == "0.50000000"
    assert "NOSUCH" in admin("POST", "/books", {"symbol": "NOSUCH"}, status=400)["error"]
    key = admin("POST", "/keys", {"label": "robot", "permissions": ["reading"], "algorithm": "ed25519"})
    robot = Caller(twin, key["name"], key["privateKey"], call.session)
    assert done(robot("GET", "/api/v3/account"))["balances"]
    assert admin("GET", "/health")["status"] == "ok"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ("symbols: {ADAUSDT: {base: ADA, quote: USDC, step: '1', smallest: '1', tick: '1'}}", "must be named ADAUSDC"),
        ("balances: {ADA: {free: '-1'}}", "balances.ADA.free"),
        ("balances: {ADA: {free: 0.1}}", "must be a number in quotes"),
        ("colour: red", "unknown key 'colour'"),
        ("dust: {fee: '1'}", "dust.fee"),
    ],
)
def test_scenario_file__with_a_mistake__names_it(tmp_path: Path, form: str, sentence: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(form)
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        scenario_of(BinanceTwin.kind, str(path))


def test_demo__opens_and_has_crumbs_of_each_sort() -> None:
    with BinanceTwin(demo()) as twin, caller(twin) as call:
        offered = done(call("POST", "/sapi/v1/asset/dust-convert/query-convertible-assets", ("targetAsset", "BTC")))[
            "details"
        ]
    assert {"ADA", "EIGEN", "ETHFI"} <= {row["asset"] for row in offered}
    assert {"BAT", "OMG", "RLY", "BTC"}.isdisjoint({row["asset"] for row in offered})


def test_process__says_where_it_is_and_ends_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators.binance", "--state", "small", "--ca-file", str(tmp_path / "ca.pem")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        there = requests.get(f"https://{ready['base_url']}/api/v3/time", verify=ready["ca_file"], timeout=5)
        key = json.loads(Path(ready["keys"]["owner"]).read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert ready["ready"] == "binance"
    assert there.json()["serverTime"] > 0
    assert set(key) == {"name", "privateKey"}


def test_page__names_every_key_endpoint_and_fault() -> None:
    kinds = get_args(get_args(Fault)[0])
    forms = (Scenario, BalanceForm, SymbolForm, KeyForm, DustForm, *kinds)
    words = {name for form in forms for name in form.model_fields}
    words |= {get_args(kind.model_fields["kind"].annotation)[0] for kind in kinds if kind is not Spoiling}
    words |= {endpoint.name for endpoint in ENDPOINTS}
    assert {word for word in words if not re.search(rf"\b{word}\b", PAGE)} == set()
