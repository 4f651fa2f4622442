"""The Bybit twin: signatures, times, sizes, orders, quotes for small balances, and a ledger that adds up."""

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
from simulators.bybit.endpoints import ENDPOINTS
from simulators.bybit.faults import Fault, Faults
from simulators.bybit.scenario import KeyForm, Scenario, SmallForm, SymbolForm
from simulators.bybit.scenarios import demo, market, small
from simulators.bybit.twin import BybitTwin
from simulators.exchange.serving import scenario_of
from simulators.exchange.spot_exchange import BalanceForm
from simulators.forms import read_file
from tests.simulators.books import conserved
from tests.simulators.bybit_client import Caller, caller, code, done

D = Decimal
PAGE = (Path(__file__).parents[2] / "docs/reference/bybit-twin.md").read_text("utf-8")
ACCOUNT = "/v5/account/wallet-balance"


@pytest.fixture
def twin() -> Iterator[BybitTwin]:
    with BybitTwin(small()) as twin:
        yield twin


@pytest.fixture
def call(twin: BybitTwin) -> Iterator[Caller]:
    with caller(twin) as call:
        yield call


def pass_time(twin: BybitTwin, seconds: float) -> None:
    with twin.exchange.transaction():
        twin.exchange.clock.advance(timedelta(seconds=seconds))


# Who is let in


@pytest.mark.parametrize("algorithm", ["hmac", "rsa"])
def test_signature__of_either_kind__is_accepted_and_none_that_differs(twin: BybitTwin, algorithm: Any) -> None:
    with caller(twin, algorithm=algorithm) as call:
        query = "accountType=UNIFIED"
        good = call.headers(query)
        assert done(call.raw("GET", ACCOUNT, query, good))["list"]
        for signature in ("", "0" * len(good["X-BAPI-SIGN"]), "not base64!", call.signature("another")):
            assert code(call.raw("GET", ACCOUNT, query, good | {"X-BAPI-SIGN": signature})) == 10004
        assert code(call.raw("GET", ACCOUNT, query + "&coin=ADA", good)) == 10004
        assert code(call.raw("GET", ACCOUNT, query, good | {"X-BAPI-RECV-WINDOW": "50000"})) == 10004


def test_signature__is_over_the_body_of_a_post(call: Caller) -> None:
    body = json.dumps({"category": "spot", "symbol": "ADAUSDT", "side": "Sell", "orderType": "Market", "qty": "0.01"})
    good = call.headers(body)

    assert code(call.raw("POST", "/v5/order/create", body, good)) == 170140
    assert code(call.raw("POST", "/v5/order/create", body.replace("0.01", "0.02"), good)) == 10004


def test_request__without_a_key_that_is_known__is_401(call: Caller) -> None:
    for name in ("", "unknown"):
        assert code(call.raw("GET", ACCOUNT, "", call.headers("") | {"X-BAPI-API-KEY": name}), 401) == 10003


@pytest.mark.parametrize("permissions", [("trading",), ("converting",), ()])
def test_permission__that_is_missing__keeps_out(twin: BybitTwin, permissions: Any) -> None:
    with caller(twin, permissions) as call:
        trades, quotes = call.order("DOTUSDT", "Sell", "2.5"), call.quote("ADA")
        assert done(call.get(ACCOUNT, accountType="UNIFIED"))
        rights = done(call.get("/v5/user/query-api"))
    assert (trades.json()["retCode"] == 10005) is ("trading" not in permissions)
    assert (quotes.json()["retCode"] == 10005) is ("converting" not in permissions)
    assert rights["readOnly"] == (0 if permissions else 1)
    assert rights["permissions"]["Spot"] == (["SpotTrade"] if "trading" in permissions else [])


def test_time__outside_the_window__is_refused(call: Caller) -> None:
    query, now = "accountType=UNIFIED", int(time.time() * 1000)

    for stamp, window in ((now - 6000, "5000"), (now + 5000, "5000"), (now, "-1"), (now, "soon")):
        assert code(call.raw("GET", ACCOUNT, query, call.headers(query, stamp, window))) == 10002
    assert done(call.raw("GET", ACCOUNT, query, call.headers(query, now - 6000, "10000")))
    assert code(call.raw("GET", ACCOUNT, query, call.headers(query) | {"X-BAPI-TIMESTAMP": "soon"})) == 10002


def test_time__of_a_venue_whose_clock_is_ahead__is_told_to_anybody() -> None:
    with BybitTwin(small(clock_ahead="30")) as twin, caller(twin) as call:
        there = int(done(call.session.get(f"https://{twin.base_url}/v5/market/time"))["timeSecond"])
        assert 28 < there - time.time() < 31
        assert code(call.get(ACCOUNT, accountType="UNIFIED")) == 10002


def test_requests__that_are_too_many__are_turned_away() -> None:
    with BybitTwin(small(requests_per_second=2)) as twin, caller(twin) as call:
        codes = [call.get(ACCOUNT, accountType="UNIFIED").json()["retCode"] for _ in range(6)]
    assert codes[0] == 0
    assert 10006 in codes


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("/v5/nothing", {}, 10017),
        ("/v5/market/tickers", {}, 10001),
        ("/v5/market/tickers", {"category": "linear"}, 10001),
        ("/v5/market/tickers", {"category": "spot", "symbol": "NOSUCH"}, 170121),
        ("/v5/market/orderbook", {"category": "spot", "symbol": "ADAUSDT", "limit": "0"}, 10001),
        ("/v5/market/orderbook", {"category": "spot", "symbol": "ADAUSDT", "limit": "many"}, 10001),
        (ACCOUNT, {"accountType": "SPOT"}, 10001),
        ("/v5/asset/covert/small-balance-list", {"accountType": "eb_convert_funding"}, 10001),
    ],
)
def test_request__that_makes_no_sense__is_refused(
    call: Caller, path: str, params: dict[str, str], expected: int
) -> None:
    assert code(call.get(path, **params), 404 if expected == 10017 else 200) == expected


@pytest.mark.parametrize("body", ["", "{", "[]", "3", '{"symbol": 3}', "\x00", '{"qty": "' + "9" * 5000 + '"}'])
def test_order__whose_body_is_no_order__is_refused_and_moves_nothing(twin: BybitTwin, call: Caller, body: str) -> None:
    before = twin.ledger()
    assert code(call.raw("POST", "/v5/order/create", body, call.headers(body))) == 10001
    assert twin.ledger() == before


# Orders


def test_order__by_size_and_by_value__is_filled_from_the_book_less_the_fee(twin: BybitTwin, call: Caller) -> None:
    sold = done(call.order("DOTUSDT", "Sell", "2.5"))
    row = done(call.get("/v5/order/history", category="spot", orderLinkId="one"))["list"][0]
    trades = done(call.get("/v5/execution/list", category="spot", orderId=sold["orderId"]))["list"]

    assert (row["orderStatus"], row["side"], row["qty"], row["marketUnit"]) == ("Filled", "Sell", "2.5", "baseCoin")
    value = sum(D(each["execValue"]) for each in trades)
    assert D(row["cumExecValue"]) == value
    fee = sum(D(each["execFee"]) for each in trades)
    assert fee == value * D("0.001")
    assert {each["feeCurrency"] for each in trades} == {"USDT"}
    assert twin.balance("USDT") == 20 + value - fee

    done(call.order("BTCUSDT", "Buy", "10", "two"))
    row = done(call.get("/v5/order/realtime", category="spot", orderLinkId="two", openOnly="1"))["list"][0]
    assert (row["marketUnit"], row["orderStatus"]) == ("quoteCoin", "PartiallyFilledCanceled")
    assert D("9.9") < D(row["cumExecValue"]) < 10
    conserved(twin)


def test_orders__that_have_ended__are_recent_only_where_they_are_asked_for(call: Caller) -> None:
    done(call.order("DOTUSDT", "Sell", "2.5"))

    assert done(call.get("/v5/order/realtime", category="spot", orderLinkId="one"))["list"] == []
    assert done(call.get("/v5/order/realtime", category="spot", orderLinkId="one", openOnly="1"))["list"]


def test_history__shows_the_last_week_or_the_one_that_is_named(twin: BybitTwin, call: Caller) -> None:
    done(call.order("DOTUSDT", "Sell", "2.5"))
    made = int(done(call.get("/v5/order/history", category="spot", orderLinkId="one"))["list"][0]["createdTime"])
    with twin.exchange.transaction():
        twin.exchange.clock.advance(timedelta(days=8))
    week = {"startTime": str(made - 1000), "endTime": str(made + 1000)}

    for path, one in (("/v5/order/history", {"orderLinkId": "one"}), ("/v5/execution/list", {"orderId": "1"})):
        assert done(call.get(path, category="spot", **one))["list"] == []
        assert done(call.get(path, category="spot", **one, **week))["list"]
        far = week | {"endTime": str(made + 8 * 86_400_000)}
        assert code(call.get(path, category="spot", **one, **far)) == 10001
    assert done(call.get("/v5/execution/list", category="spot", orderId="1", startTime=week["startTime"]))["list"]
    assert code(call.get("/v5/order/history", category="spot", startTime=week["startTime"])) == 10001


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (("DOTUSDT", "Sell", "1"), 170140),
        (("DOTUSDT", "Sell", "2.501"), 170137),
        (("DOTUSDT", "Sell", "3"), 170131),
        (("BTCUSDT", "Buy", "4.99"), 170140),
        (("BTCUSDT", "Buy", "5.00000001"), 170148),
        (("BTCUSDT", "Buy", "21"), 170131),
        (("NOSUCH", "Sell", "1"), 170121),
        (("DOTUSDT", "sell", "2.5"), 10001),
        (("DOTUSDT", "Sell", "-2.5"), 10001),
        (("DOTUSDT", "Sell", "NaN"), 10001),
        (("DOTUSDT", "Sell", "1e3"), 10001),
        (("DOTUSDT", "Sell", "0"), 170136),
        (("DOTUSDT", "Sell", "2.5", "länger als erlaubt"), 10001),
    ],
)
def test_order__that_cannot_be__is_refused_and_moves_nothing(
    twin: BybitTwin, call: Caller, order: tuple[str, ...], expected: int
) -> None:
    before = twin.ledger()
    assert code(call.order(*order)) == expected
    assert twin.ledger() == before


def test_order__with_a_minimum_of_its_own_or_on_a_closed_market__is_refused() -> None:
    markets = market("DOT", "USDT", "2.6", "0.01", "0.001", smallest="2.6")
    with BybitTwin(small(symbols=markets)) as twin, caller(twin) as call:
        assert code(call.order("DOTUSDT", "Sell", "2.5")) == 170136
    closed = market("DOT", "USDT", "2.6", "0.01", "0.001", status="Closed")
    with BybitTwin(small(symbols=closed)) as twin, caller(twin) as call:
        assert code(call.order("DOTUSDT", "Sell", "2.5")) == 170151


@pytest.mark.parametrize("repeated", ["refused", "accepted"])
def test_order__under_an_id_that_was_used__is_what_the_scenario_says(repeated: str) -> None:
    with BybitTwin(small(repeated_order=repeated)) as twin, caller(twin) as call:
        done(call.order("BTCUSDT", "Buy", "6"))
        again = call.order("BTCUSDT", "Buy", "6")
    assert (again.json()["retCode"] == 170141) is (repeated == "refused")


# Small balances


def test_small_balances__are_listed_with_what_would_be_taken(call: Caller) -> None:
    listed = done(call.get("/v5/asset/covert/small-balance-list", accountType="eb_convert_uta"))

    rows = {row["fromCoin"]: row for row in listed["smallAssetCoins"]}
    assert listed["supportToCoins"] == ["MNT", "USDT", "USDC"]
    assert {"ADA", "XLM", "DOT", "WTC", "MNT"} == set(rows)
    assert rows["ADA"]["availableBalance"] == "1.0000000001"
    assert all(D(row["baseValue"]) < 10 and row["supportConvert"] == 1 for row in rows.values())


def test_quote__says_what_arrives_after_the_fee_and_moves_nothing(twin: BybitTwin, call: Caller) -> None:
    before = twin.ledger()

    quote = done(call.quote("ADA", "XLM"))

    assert twin.ledger() == before
    ada = quote["result"]["exchangeCoins"][0]
    net, fee = D(ada["toAmount"]), D(ada["feeInfo"]["amount"])
    assert fee / (net + fee) == pytest.approx(D("0.02"), abs=D("1e-12"))
    assert int(quote["result"]["quoteExpireTime"]) - int(quote["result"]["quoteCreateTime"]) == 30_000
    assert call.history() == []


def test_exchange__of_a_quote__moves_what_it_said_and_stands_in_the_history(twin: BybitTwin, call: Caller) -> None:
    quote = done(call.quote("ADA", "XLM", pays="MNT"))
    quoted = {row["fromCoin"]: D(row["toAmount"]) for row in quote["result"]["exchangeCoins"]}

    answer = done(call.confirm(quote["quoteId"]))

    assert (answer["status"], answer["exchangeTxId"]) == ("processing", quote["quoteId"])
    (record,) = call.history(quoteId=quote["quoteId"])
    assert record["status"] == "success"
    assert {row["fromCoin"]: D(row["toAmount"]) for row in record["subRecords"]} == quoted
    assert twin.balance("MNT") == D("0.5") + sum(quoted.values())
    assert twin.balance("ADA") == twin.balance("XLM") == 0
    assert call.history(quoteId="another") == []
    conserved(twin)


def test_exchange__is_made_once_and_only_while_its_quote_is_good(twin: BybitTwin, call: Caller) -> None:
    first, second = (done(call.quote("ADA"))["quoteId"] for _ in range(2))

    done(call.confirm(first))

    assert code(call.confirm(first)) == 700009
    assert code(call.confirm("another")) == 700004
    pass_time(twin, 31)
    assert code(call.confirm(second)) == 700008


def test_exchange__of_what_is_gone_since__fails_for_that_coin(twin: BybitTwin, call: Caller) -> None:
    first, second = done(call.quote("ADA"))["quoteId"], done(call.quote("ADA", "XLM"))["quoteId"]
    done(call.confirm(first))

    done(call.confirm(second))

    (record,) = call.history(quoteId=second)
    assert record["status"] == "partial_fulfillment"
    assert {row["fromCoin"]: row["status"] for row in record["subRecords"]} == {"ADA": "failure", "XLM": "success"}
    conserved(twin)


def test_exchange__that_takes_a_while__is_under_way_alone() -> None:
    with BybitTwin(small(small={"takes_seconds": "60"})) as twin, caller(twin) as call:
        first, second = done(call.quote("ADA"))["quoteId"], done(call.quote("XLM"))["quoteId"]
        done(call.confirm(first))
        assert call.history()[0]["status"] == "processing"
        assert code(call.confirm(second)) == 700021
        pass_time(twin, 61)
        assert call.history()[0]["status"] == "success"


@pytest.mark.parametrize(
    ("coins", "pays", "expected"),
    [
        (["BTC"], "USDT", 700007),
        (["ADA", "BTC"], "USDT", 700007),
        (["DOGE"], "USDT", 700005),
        (["ADA"], "BTC", 700000),
        ([f"C{number}" for number in range(21)], "USDT", 700000),
    ],
)
def test_quote__that_cannot_be__is_refused(call: Caller, coins: list[str], pays: str, expected: int) -> None:
    assert code(call.quote(*coins, pays=pays)) == expected


def test_quote__of_more_than_the_venue_takes_in_all__is_refused() -> None:
    names = [f"C{number:02d}" for number in range(20)]
    symbols: dict[str, object] = {}
    for name in names:
        symbols |= market(name, "USDT", "0.1", "1", "0.0001")
    form = small(balances={name: {"free": "99"} for name in names}, symbols=symbols, small={"largest_in_all": "190"})
    with BybitTwin(form) as twin, caller(twin) as call:
        assert code(call.quote(*names)) == 700007
        assert done(call.quote(*names[:19]))


def test_quote__of_what_the_venue_does_not_take__says_so_beside_the_rest() -> None:
    with BybitTwin(small(small={"excluded": ["XLM"]})) as twin, caller(twin) as call:
        rows = done(call.quote("ADA", "XLM", "DOGE"))["result"]["exchangeCoins"]
    assert {row["fromCoin"]: row["supportConvert"] for row in rows} == {"ADA": 1, "XLM": 2, "DOGE": 2}


def test_history__of_many__comes_in_pages(twin: BybitTwin, call: Caller) -> None:
    for coin in ("ADA", "XLM", "DOT"):
        done(call.confirm(done(call.quote(coin))["quoteId"]))
        pass_time(twin, 1)

    pages = [call.history(size="2", cursor=str(page)) for page in (1, 2, 3)]

    assert [[row["subRecords"][0]["fromCoin"] for row in page] for page in pages] == [["DOT", "XLM"], ["ADA"], []]


# Faults


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("{kind: storm, endpoint: any}", "Input tag 'storm'"),
        ("{kind: reset, endpoint: orders}", "endpoint 'orders': must be any, server_time"),
        ("{kind: partial, endpoint: tickers, fraction: '0.5'}", "this kind of fault strikes create_order"),
        ("{kind: failing, endpoint: exchange_small, coins: 0}", "greater than or equal to 1"),
        ("{kind: cut_json, endpoint: any, when: before}", "must be after"),
    ],
)
def test_fault_file__with_a_mistake__names_it(tmp_path: Path, fault: str, sentence: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(f"faults: [{fault}]")
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        read_file(path, Faults)


def test_faults__that_change_the_venue__change_it_for_their_call_alone(twin: BybitTwin, call: Caller) -> None:
    twin.inject(kind="price_jump", endpoint="create_order", factor="0.5")
    twin.inject(kind="forgotten", endpoint="recent_orders")
    assert code(call.order("DOTUSDT", "Sell", "2.5")) == 170140
    twin.inject(kind="price_jump", endpoint="create_order", factor="2")
    pass_time(twin, 90)
    done(call.order("DOTUSDT", "Sell", "2.5", "two"))
    twin.inject(kind="stale_balances", endpoint="wallet_balance", seconds="60")

    def free() -> str:
        coins = done(call.get(ACCOUNT, accountType="UNIFIED"))["list"][0]["coin"]
        return next(str(coin["walletBalance"]) for coin in coins if coin["coin"] == "DOT")

    assert [free(), free()] == ["2.7", "0.2"]
    lists = [done(call.get("/v5/order/realtime", category="spot", openOnly="1"))["list"] for _ in range(2)]
    assert [len(each) for each in lists] == [0, 1]


# The whole


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["sell", "buy", "small"]), st.integers(1, 30)), min_size=1, max_size=6))
def test_ledger__whatever_is_asked__neither_loses_nor_makes_money(asked: list[tuple[str, int]]) -> None:
    with BybitTwin(small()) as twin, caller(twin) as call:
        for number, (what, size) in enumerate(asked):
            if what == "small":
                quote = call.quote("ADA", "XLM").json()
                call.confirm(quote["result"].get("quoteId", ""))
            elif what == "sell":
                call.order("DOTUSDT", "Sell", str(D(size) / 10), str(number))
            else:
                call.order("BTCUSDT", "Buy", str(size), str(number))
        conserved(twin)


@pytest.mark.parametrize("algorithm", ["hmac", "rsa"])
def test_snapshot__after_a_stop__carries_on(tmp_path: Path, algorithm: Any) -> None:
    kept = tmp_path / "snapshot.json"
    with BybitTwin(small(), snapshot=kept) as twin, caller(twin, algorithm=algorithm) as call:
        done(call.order("DOTUSDT", "Sell", "2.5", "mine"))
        quote = done(call.quote("ADA"))["quoteId"]
        done(call.confirm(quote))
        name, secret = call.name, call.secret
    with BybitTwin(small(), snapshot=kept) as twin, caller(twin, algorithm=algorithm) as call:
        assert (call.name, call.secret) == (name, secret)
        assert done(call.get("/v5/order/history", category="spot", orderLinkId="mine"))["list"]
        assert call.history(quoteId=quote)[0]["status"] == "success"
        assert code(call.confirm(quote)) == 700009
        conserved(twin)


def test_admin__shows_and_changes(twin: BybitTwin, call: Caller) -> None:
    def admin(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        reply = call.session.request(method, twin.admin_url + path, json=body, timeout=5)
        assert reply.status_code == status, reply.text
        return reply.json()

    done(call.order("DOTUSDT", "Sell", "2.5"))
    done(call.confirm(done(call.quote("ADA"))["quoteId"]))
    shown = admin("GET", "/orders")
    assert (len(shown["orders"]), len(shown["dust"])) == (1, 1)
    assert admin("GET", "/requests")["requests"]["create_order"] == 1
    assert admin("POST", "/balances", {"asset": "ADA", "quantity": "2"})["free"] == "2"
    assert admin("POST", "/balances", {"asset": "ADA", "quantity": "2", "locked": True})["locked"] == "2"
    assert admin("POST", "/books", {"symbol": "ADAUSDT", "bids": [["0.5", "10"]]})["bid1Price"] == "0.5"
    assert "NOSUCH" in admin("POST", "/books", {"symbol": "NOSUCH"}, status=400)["error"]
    key = admin("POST", "/keys", {"label": "robot", "permissions": ["trading"], "algorithm": "rsa"})
    robot = Caller(twin, key["name"], key["privateKey"], call.session)
    assert done(robot.get(ACCOUNT, accountType="UNIFIED"))["list"]
    assert admin("GET", "/health")["status"] == "ok"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ("symbols: {ADAUSDT: {base: ADA, quote: USDC, step: '1', tick: '1'}}", "must be named ADAUSDC"),
        ("balances: {ADA: {free: '-1'}}", "balances.ADA.free"),
        ("balances: {ADA: {free: 0.1}}", "must be a number in quotes"),
        ("colour: red", "unknown key 'colour'"),
        ("small: {fee: '1'}", "small.fee"),
        ("keys: {owner: {algorithm: ed25519}}", "keys.owner.algorithm"),
    ],
)
def test_scenario_file__with_a_mistake__names_it(tmp_path: Path, form: str, sentence: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(form)
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        scenario_of(BybitTwin.kind, str(path))


def test_demo__opens_and_has_crumbs_of_each_sort() -> None:
    with BybitTwin(demo()) as twin, caller(twin) as call:
        listed = done(call.get("/v5/asset/covert/small-balance-list", accountType="eb_convert_uta"))["smallAssetCoins"]
    taken = {row["fromCoin"] for row in listed if row["supportConvert"] == 1}
    assert {"ADA", "EIGEN", "ETHFI", "SOL"} <= taken
    assert {"OMG", "RLY", "BTC", "USDT"}.isdisjoint(taken)


def test_process__says_where_it_is_and_ends_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators.bybit", "--state", "small", "--ca-file", str(tmp_path / "ca.pem")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        there = requests.get(f"https://{ready['base_url']}/v5/market/time", verify=ready["ca_file"], timeout=5)
        key = json.loads(Path(ready["keys"]["owner"]).read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert ready["ready"] == "bybit"
    assert int(there.json()["result"]["timeSecond"]) > 0
    assert set(key) == {"name", "privateKey"}


def test_page__names_every_key_endpoint_and_fault() -> None:
    kinds = get_args(get_args(Fault)[0])
    forms = (Scenario, BalanceForm, SymbolForm, KeyForm, SmallForm, *kinds)
    words = {name for form in forms for name in form.model_fields}
    words |= {get_args(kind.model_fields["kind"].annotation)[0] for kind in kinds}
    words |= {endpoint.name for endpoint in ENDPOINTS}
    assert {word for word in words if not re.search(rf"\b{word}\b", PAGE)} == set()
