"""The OKX twin: signatures, times, limits, orders, easy convert, and a ledger that adds up."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ConfigurationError
from simulators.exchange.serving import scenario_of
from simulators.exchange.spot_exchange import BalanceForm
from simulators.forms import read_file
from simulators.okx.endpoints import ENDPOINTS
from simulators.okx.faults import Fault, Faults
from simulators.okx.scenario import ConvertForm, KeyForm, MarketForm, Scenario
from simulators.okx.scenarios import demo, market, small
from simulators.okx.twin import OKXTwin
from tests.simulators.okx_client import TRADE, Caller, caller, code, done

D = Decimal
PAGE = (Path(__file__).parents[2] / "docs/reference/okx-twin.md").read_text("utf-8")
BALANCE = "/api/v5/account/balance"


@pytest.fixture
def twin() -> Iterator[OKXTwin]:
    with OKXTwin(small()) as twin:
        yield twin


@pytest.fixture
def call(twin: OKXTwin) -> Iterator[Caller]:
    with caller(twin) as call:
        yield call


def conserved(twin: OKXTwin) -> None:
    """The sum of every currency over all accounts is what it was."""
    ledger: Any = twin.ledger()
    for asset in {asset for account in ledger["balances"].values() for asset in account}:
        now, then = (
            sum((D(account.get(asset, "0")) for account in ledger[when].values()), D(0))
            for when in ("balances", "opening")
        )
        assert now == then, asset


def pass_time(twin: OKXTwin, seconds: float) -> None:
    with twin.exchange.transaction():
        twin.exchange.clock.advance(timedelta(seconds=seconds))


# Who is let in


def test_signature__that_fits__is_accepted_and_none_that_differs(call: Caller) -> None:
    done(call.send("GET", BALANCE))
    target = f"{BALANCE}?ccy=ADA"
    done(call.send("GET", target))
    for other in (call.signature("another text"), "no base64 ü".encode().decode("latin-1"), "A" * 44):
        assert code(call.send("GET", BALANCE, OK_ACCESS_SIGN=other)) == "50113"


def test_signature__is_over_query_and_body(call: Caller) -> None:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    for method, target, body, signed in (
        ("GET", f"{BALANCE}?ccy=ADA", "", f"{stamp}GET{BALANCE}"),
        ("POST", f"{TRADE}/easy-convert", '{"fromCcy":["ADA"],"toCcy":"BTC"}', f"{stamp}POST{TRADE}/easy-convert"),
        ("GET", BALANCE, "", f"{stamp}POST{BALANCE}"),
    ):
        reply = call.send(method, target, body, OK_ACCESS_SIGN=call.signature(signed), OK_ACCESS_TIMESTAMP=stamp)
        assert (code(reply), reply.status_code) == ("50113", 401)


@pytest.mark.parametrize(
    ("headers", "number"),
    [
        ({"OK_ACCESS_KEY": ""}, "50103"),
        ({"OK_ACCESS_PASSPHRASE": ""}, "50104"),
        ({"OK_ACCESS_PASSPHRASE": "Wrong+word1"}, "50105"),
        ({"OK_ACCESS_SIGN": ""}, "50106"),
        ({"OK_ACCESS_KEY": "another"}, "50111"),
        ({"OK_ACCESS_TIMESTAMP": "yesterday"}, "50112"),
        ({"OK_ACCESS_TIMESTAMP": "2026-13-01T00:00:00.000Z"}, "50112"),
        ({"OK_ACCESS_TIMESTAMP": "2020-01-01T00:00:00.000Z"}, "50102"),
        ({"OK_ACCESS_TIMESTAMP": "2999-01-01T00:00:00.000Z"}, "50102"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_request__of_which_a_part_is_wrong__is_told_which(call: Caller, headers: dict[str, str], number: str) -> None:
    reply = call.send("GET", BALANCE, **headers)

    assert (code(reply), reply.status_code) == (number, 401)


@pytest.mark.parametrize("permissions", [("read_only",), ("trade",)])
def test_permission__that_is_missing__keeps_out(twin: OKXTwin, permissions: Any) -> None:
    with caller(twin, permissions) as call:
        refused = call.get(BALANCE) if "trade" in permissions else call.sell("DOT-USDT", "1")
    assert code(refused) == "50120"
    assert twin.balance("DOT") == D("2.7")


def test_configuration__names_the_rights_of_the_key(twin: OKXTwin) -> None:
    with caller(twin, ("read_only", "trade", "withdraw")) as call:
        told = done(call.get("/api/v5/account/config"))[0]
    assert told["perm"] == "read_only,trade,withdraw"
    assert set(told) >= {"uid", "ip", "acctLv"}


def test_time__of_a_venue_whose_clock_is_ahead__is_told_to_anybody() -> None:
    with OKXTwin(small(clock_ahead="100")) as twin, caller(twin) as call:
        there = int(done(call.get("/api/v5/public/time"))[0]["ts"])
        assert there - time.time() * 1000 > 90_000
        assert code(call.get(BALANCE)) == "50102"


def test_deadline__that_is_over__drops_the_order_and_one_to_come_does_not(call: Caller, twin: OKXTwin) -> None:
    body = json.dumps(
        {"instId": "DOT-USDT", "tdMode": "cash", "side": "sell", "ordType": "market", "sz": "1", "clOrdId": "one"}
    )
    at = int(time.time() * 1000)
    assert code(call.send("POST", f"{TRADE}/order", body, expTime=str(at - 1000))) == "50036"
    assert code(call.send("POST", f"{TRADE}/order", body, expTime="soon")) == "51000"
    assert twin.balance("DOT") == D("2.7")
    done(call.send("POST", f"{TRADE}/order", body, expTime=str(at + 20_000)))
    assert twin.balance("DOT") == D("1.7")


def test_limit__of_an_endpoint__holds_back_that_one_alone() -> None:
    with OKXTwin(small(limited=True)) as twin, caller(twin) as call:
        done(call.convert("ADA"))
        held = call.convert("XLM")
        assert (code(held), held.status_code) == ("50011", 429)
        done(call.get(BALANCE))
        assert call.history()


def test_unknown_path_and_broken_body__are_refused(call: Caller) -> None:
    assert call.get("/api/v5/asset/withdrawal").status_code == 404
    for body in ("{", "[]", '"text"'):
        assert code(call.send("POST", f"{TRADE}/order", body)) == "50002"


# Markets, balances, orders


def test_markets__show_rules_and_prices_to_anybody(call: Caller, twin: OKXTwin) -> None:
    there = f"https://{twin.base_url}/api/v5"
    listed = done(call.session.get(f"{there}/public/instruments?instType=SPOT", timeout=5))
    assert {"instId": "DOT-USDT", "minSz": "0.5", "lotSz": "0.000001", "state": "live"}.items() <= next(
        each for each in listed if each["instId"] == "DOT-USDT"
    ).items()
    one = done(call.session.get(f"{there}/public/instruments?instType=SPOT&instId=BTC-USDT", timeout=5))
    assert [each["baseCcy"] for each in one] == ["BTC"]
    prices = {
        each["instId"]: each for each in done(call.session.get(f"{there}/market/tickers?instType=SPOT", timeout=5))
    }
    assert D(prices["DOT-USDT"]["bidPx"]) < D("2.6") < D(prices["DOT-USDT"]["askPx"])
    book = done(call.session.get(f"{there}/market/books?instId=DOT-USDT&sz=2", timeout=5))[0]
    assert (len(book["bids"]), len(book["bids"][0])) == (2, 4)
    assert code(call.session.get(f"{there}/market/books?instId=NO-SUCH", timeout=5)) == "51001"
    assert code(call.session.get(f"{there}/public/instruments?instType=SWAP", timeout=5)) == "51000"


def test_balance__leaves_zeros_out(call: Caller) -> None:
    held = {each["ccy"]: each for each in done(call.get(BALANCE))[0]["details"]}
    assert held["ADA"]["availBal"] == "1.123456789012"
    assert "LTC" not in held


def test_sale__moves_base_quote_and_commission_to_the_last_digit(call: Caller, twin: OKXTwin) -> None:
    made = done(call.sell("DOT-USDT", "2.5"))[0]
    found = done(call.get(f"{TRADE}/order", instId="DOT-USDT", clOrdId="one"))[0]
    trades = done(call.get(f"{TRADE}/fills-history", instType="SPOT", instId="DOT-USDT", ordId=made["ordId"]))

    assert (made["sCode"], found["ordId"], found["state"], found["accFillSz"]) == ("0", made["ordId"], "filled", "2.5")
    value = sum((D(each["fillSz"]) * D(each["fillPx"]) for each in trades), D(0))
    fee = sum((D(each["fee"]) for each in trades), D(0))
    assert {each["feeCcy"] for each in trades} == {"USDT"}
    assert fee == -value * D("0.001")
    assert (twin.balance("DOT"), twin.balance("USDT")) == (D("0.2"), 20 + value + fee)
    conserved(twin)


def test_purchase__by_value__takes_its_fee_out_of_what_it_bought(call: Caller, twin: OKXTwin) -> None:
    done(call.buy("BTC-USDT", "10"))
    found = done(call.get(f"{TRADE}/order", instId="BTC-USDT", clOrdId="one"))[0]

    assert (found["tgtCcy"], found["sz"], found["feeCcy"]) == ("quote_ccy", "10", "BTC")
    assert twin.balance("BTC") - D("0.01") == D(found["accFillSz"]) + D(found["fee"])
    assert D("9.99") < 20 - twin.balance("USDT") <= 10
    conserved(twin)


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        (("DOT-USDT", "sell", "0.4", "base_ccy", "one"), "51020"),
        (("DOT-USDT", "sell", "0.5000001", "base_ccy", "one"), "51121"),
        (("DOT-USDT", "sell", "3", "base_ccy", "one"), "51008"),
        (("BTC-USDT", "buy", "0.1", "quote_ccy", "one"), "51020"),
        (("BTC-USDT", "buy", "10.05", "quote_ccy", "one"), "51000"),
        (("BTC-USDT", "buy", "21", "quote_ccy", "one"), "51008"),
        (("NO-SUCH", "sell", "1", "base_ccy", "one"), "51001"),
        (("DOT-USDT", "hold", "1", "base_ccy", "one"), "51000"),
        (("DOT-USDT", "sell", "1", "any_ccy", "one"), "51000"),
        (("DOT-USDT", "sell", "-1", "base_ccy", "one"), "51000"),
        (("DOT-USDT", "sell", "NaN", "base_ccy", "one"), "51000"),
        (("DOT-USDT", "sell", "", "base_ccy", "one"), "50014"),
        (("DOT-USDT", "sell", "1", "base_ccy", "with-dash"), "51000"),
        (("DOT-USDT", "sell", "1", "base_ccy", "a" * 33), "51000"),
        (("DOT-USDT", "sell", "1", "base_ccy", "ü"), "51000"),
    ],
)
def test_order__that_breaks_a_rule__is_refused_with_the_venues_word(
    call: Caller, twin: OKXTwin, asked: Any, number: str
) -> None:
    assert code(call.order(*asked)) == number
    assert (twin.balance("DOT"), twin.balance("USDT")) == (D("2.7"), D(20))


def test_order__on_a_market_that_is_closed_or_empty__is_refused() -> None:
    closed = market("DOT", "USDT", "2.6", "0.5", "0.000001", "0.001", state="suspend")
    empty: Any = market("ADA", "USDT", "0.25", "1", "0.00001", "0.0001")
    empty["ADA-USDT"]["book"] = {}
    with OKXTwin(small(markets=closed | empty)) as twin, caller(twin) as call:
        assert code(call.sell("DOT-USDT", "1")) == "51022"
        assert code(call.sell("ADA-USDT", "1")) == "51109"


@pytest.mark.parametrize(("repeated", "orders"), [("accepted", 2), ("refused", 1)])
def test_client_id__of_an_order_that_ended__is_free_again_unless_repetitions_are_refused(
    repeated: str, orders: int
) -> None:
    with OKXTwin(small(repeated_order=repeated)) as twin, caller(twin) as call:
        done(call.sell("DOT-USDT", "1"))
        again = call.sell("DOT-USDT", "1")
        assert (code(again) if orders == 1 else done(again)[0]["sCode"]) == ("51016" if orders == 1 else "0")
        assert len(twin.exchange.orders.all()) == orders


def test_lookup__finds_orders_by_either_id(call: Caller) -> None:
    made = done(call.sell("DOT-USDT", "1"))[0]
    there = f"{TRADE}/order"
    assert done(call.get(there, instId="DOT-USDT", ordId=made["ordId"]))[0]["clOrdId"] == "one"
    assert code(call.get(there, instId="DOT-USDT", clOrdId="two")) == "51603"
    assert code(call.get(there, instId="BTC-USDT", clOrdId="one")) == "51603"
    assert code(call.get(there, instId="DOT-USDT")) == "51003"
    assert code(call.get(there, instId="DOT-USDT", ordId="one")) == "51000"


# Easy convert


def test_list__names_what_is_small_with_all_that_is_free_and_what_is_paid_in(call: Caller) -> None:
    told = done(call.get(f"{TRADE}/easy-convert-currency-list"))[0]
    amounts = {each["fromCcy"]: each["fromAmt"] for each in told["fromData"]}
    assert amounts["ADA"] == "1.123456789012"
    assert amounts["DOT"] == "2.7"
    assert {"BTC", "USDT"}.isdisjoint(amounts)
    assert told["toCcy"] == ["USDT", "BTC", "ETH", "OKB"]


def test_convert__runs_frozen_and_is_filled_to_eight_places_at_the_best_prices(call: Caller, twin: OKXTwin) -> None:
    made = done(call.convert("ADA", "XLM"))
    assert [(each["fromCcy"], each["fillFromSz"], each["status"]) for each in made] == [
        ("ADA", "1.12345678", "running"),
        ("XLM", "2.12345678", "running"),
    ]
    assert twin.balance("ADA") == D("0.000000009012")
    held = {each["ccy"]: each for each in done(call.get(BALANCE))[0]["details"]}
    assert held["ADA"]["frozenBal"] == "1.12345678"
    assert {each["status"] for each in call.history()} == {"running"}

    pass_time(twin, 2)
    rows = {each["fromCcy"]: each for each in call.history()}

    assert {each["status"] for each in rows.values()} == {"filled"}
    assert {each["acct"] for each in rows.values()} == {"18"}
    brought = sum((D(each["fillToSz"]) for each in rows.values()), D(0))
    assert twin.balance("BTC") == D("0.01") + brought
    conserved(twin)


def test_convert__for_a_fee__brings_less(twin: OKXTwin, call: Caller) -> None:
    free = D(done(call.convert("ADA"))[0]["fillToSz"])
    with OKXTwin(small(easy_convert={"fee": "0.1", "seconds": "0"})) as dear, caller(dear) as there:
        made = done(there.convert("ADA"))[0]
        assert made["status"] == "filled"
        assert abs(D(made["fillToSz"]) - free * D("0.9")) < D("1e-12")
        assert dear.balance("BTC") == D("0.01") + D(made["fillToSz"])
        conserved(dear)


@pytest.mark.parametrize(
    ("codes", "pays", "number"),
    [
        (["ADA", "XLM", "DOGE", "TRX", "SAND", "CHZ"], "BTC", "50025"),
        ([], "BTC", "50014"),
        (["ADA", "LTC"], "BTC", "51736"),
        (["ADA", "USDT"], "BTC", "51000"),
        (["ADA"], "DOGE", "51000"),
        (["ADA", "BTC"], "BTC", "51000"),
        (["ADA", 1], "BTC", "51000"),
    ],
)
def test_convert__that_breaks_a_rule__is_refused_whole(
    call: Caller, twin: OKXTwin, codes: list[Any], pays: str, number: str
) -> None:
    assert code(call.convert(*codes, pays=pays)) == number
    assert twin.balance("ADA") == D("1.123456789012")
    assert call.history() == []


def test_convert__of_what_the_funding_account_has__is_not_served(call: Caller) -> None:
    assert code(call.post(f"{TRADE}/easy-convert", fromCcy=["ADA"], toCcy="BTC", source="2")) == "51000"


def test_history__is_of_seven_days_and_by_time(call: Caller, twin: OKXTwin) -> None:
    done(call.convert("ADA"))
    pass_time(twin, 60)
    done(call.convert("XLM"))
    rows = call.history()
    assert [each["fromCcy"] for each in rows] == ["XLM", "ADA"]
    assert [each["fromCcy"] for each in call.history(before=rows[1]["uTime"])] == ["XLM"]
    assert [each["fromCcy"] for each in call.history(after=rows[0]["uTime"])] == ["ADA"]
    assert len(call.history(limit="1")) == 1
    pass_time(twin, 7 * 86400 - 30)
    assert [each["fromCcy"] for each in call.history()] == ["XLM"]


# Faults


@pytest.mark.parametrize("kind", ["timeout", "reset", "server_error", "html", "rate_limited", "firewall"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_fault__around_an_order__takes_the_answer_and_leaves_the_rule(twin: OKXTwin, kind: str, when: str) -> None:
    with caller(twin) as call:
        twin.inject(kind=kind, endpoint="new_order", when=when, **({"seconds": "0.05"} if kind == "timeout" else {}))
        try:
            reply = call.sell("DOT-USDT", "2.5")
            assert reply.status_code != 200 or "html" in reply.headers["Content-Type"]
        except requests.ConnectionError:
            assert kind in {"timeout", "reset"}
        assert (twin.balance("DOT") == D("2.7")) is (when == "before")


@pytest.mark.parametrize("kind", ["cut_json", "cut_body"])
def test_fault__that_cuts__leaves_half_of_an_answer(call: Caller, twin: OKXTwin, kind: str) -> None:
    twin.inject(kind=kind, endpoint="balance")
    with pytest.raises((ValueError, requests.RequestException)):
        call.get(BALANCE).json()


def test_fault__stale_balances_partial_and_late__are_as_they_say(call: Caller, twin: OKXTwin) -> None:
    twin.inject(kind="partial", endpoint="new_order", fraction="0.5")
    twin.inject(kind="listed_late", endpoint="new_order", seconds="60")
    twin.inject(kind="known_late", endpoint="new_order", seconds="30")
    twin.inject(kind="stale_balances", endpoint="balance", seconds="20")
    made = done(call.sell("DOT-USDT", "2.5"))[0]
    held = {each["ccy"]: each["availBal"] for each in done(call.get(BALANCE))[0]["details"]}
    assert held["DOT"] == "2.7"
    mine = {"instId": "DOT-USDT", "ordId": made["ordId"]}
    assert code(call.get(f"{TRADE}/order", **mine)) == "51603"
    pass_time(twin, 31)
    found = done(call.get(f"{TRADE}/order", **mine))[0]
    assert (found["accFillSz"], found["state"]) == ("1.25", "canceled")
    assert done(call.get(f"{TRADE}/fills-history", instType="SPOT", **mine)) == []
    pass_time(twin, 30)
    assert len(done(call.get(f"{TRADE}/fills-history", instType="SPOT", **mine))) == 1


def test_fault__of_a_conversion__is_as_it_says(call: Caller, twin: OKXTwin) -> None:
    twin.inject(kind="left_out", endpoint="convert")
    assert [row["fromCcy"] for row in done(call.convert("ADA", "XLM"))] == ["ADA"]
    twin.inject(kind="failing", endpoint="convert")
    twin.inject(kind="running", endpoint="convert", seconds="60")
    done(call.convert("XLM", "DOGE"))
    pass_time(twin, 30)
    assert {row["fromCcy"]: row["status"] for row in call.history()} == {
        "ADA": "filled",
        "XLM": "running",
        "DOGE": "running",
    }
    pass_time(twin, 40)
    assert {row["fromCcy"]: row["status"] for row in call.history()} == {
        "ADA": "filled",
        "XLM": "filled",
        "DOGE": "failed",
    }
    assert twin.balance("DOGE") == D("3.123456789012")
    twin.inject(kind="listed_late", endpoint="convert", seconds="60")
    done(call.convert("TRX"))
    assert "TRX" not in {row["fromCcy"] for row in call.history()}
    conserved(twin)


def test_fault__price_jump_empty_book_and_refused__are_as_they_say(call: Caller, twin: OKXTwin) -> None:
    twin.inject(kind="price_jump", endpoint="new_order", factor="2")
    done(call.sell("DOT-USDT", "1"))
    assert twin.balance("USDT") > 25
    twin.inject(kind="empty_book", endpoint="tickers")
    assert {each["bidPx"] for each in done(call.get("/api/v5/market/tickers", instType="SPOT"))} == {""}
    twin.inject(kind="refused", endpoint="new_order", code="51155", sentence="You can't trade this pair.")
    assert code(call.sell("DOT-USDT", "1")) == "51155"


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("{kind: storm, endpoint: any}", "Input tag 'storm'"),
        ("{kind: reset, endpoint: orders}", "endpoint 'orders': must be any, server_time"),
        ("{kind: partial, endpoint: balance, fraction: '0.5'}", "this kind of fault strikes new_order"),
        ("{kind: failing, endpoint: convert, assets: 0}", "greater than or equal to 1"),
    ],
)
def test_fault_file__with_a_mistake__names_it(tmp_path: Path, fault: str, sentence: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(f"faults: [{fault}]")
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        read_file(path, Faults)


# The whole


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["sell", "buy", "convert", "wait"]), st.integers(1, 30)), min_size=1, max_size=8)
)
def test_ledger__whatever_is_asked__neither_loses_nor_makes_money(asked: list[tuple[str, int]]) -> None:
    crumbs = ("ADA", "XLM", "DOGE", "TRX", "SAND", "CHZ", "GALA")
    with OKXTwin(small()) as twin, caller(twin) as call:
        for number, (what, size) in enumerate(asked):
            if what == "convert":
                call.convert(*crumbs[size % 7 : size % 7 + 3], pays=("BTC", "USDT")[size % 2])
            elif what == "wait":
                pass_time(twin, size)
            elif what == "sell":
                call.sell("DOT-USDT", str(D(size) / 10), client=str(number))
            else:
                call.buy("BTC-USDT", str(size), client=str(number))
        conserved(twin)


def test_snapshot__after_a_stop__carries_on_with_what_was_running(tmp_path: Path) -> None:
    kept = tmp_path / "snapshot.json"
    with OKXTwin(small(easy_convert={"seconds": "600"}), snapshot=kept) as twin, caller(twin) as call:
        made = done(call.sell("DOT-USDT", "2.5", client="mine"))[0]
        done(call.convert("ADA"))
    with OKXTwin(small(), snapshot=kept) as twin, caller(twin) as call:
        found = done(call.get(f"{TRADE}/order", instId="DOT-USDT", clOrdId="mine"))[0]
        assert found["ordId"] == made["ordId"]
        assert [row["status"] for row in call.history()] == ["running"]
        pass_time(twin, 601)
        assert [row["status"] for row in call.history()] == ["filled"]
        conserved(twin)
    with pytest.raises(ConfigurationError, match="seed: 1: must be 0"):
        OKXTwin(small(), seed=1, snapshot=kept)


def test_admin__shows_and_changes(twin: OKXTwin, call: Caller) -> None:
    def admin(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        reply = call.session.request(method, twin.admin_url + path, json=body, timeout=5)
        assert reply.status_code == status, reply.text
        return reply.json()

    done(call.sell("DOT-USDT", "2.5"))
    done(call.convert("ADA"))
    shown = admin("GET", "/orders")
    assert (len(shown["orders"]), len(shown["dust"])) == (1, 1)
    assert admin("GET", "/requests")["requests"]["new_order"] == 1
    assert admin("POST", "/balances", {"asset": "SOL", "quantity": "2"})["free"] == "2"
    assert admin("POST", "/balances", {"asset": "SOL", "quantity": "2", "locked": True})["locked"] == "2"
    assert admin("POST", "/books", {"symbol": "ADA-USDT", "bids": [["0.5", "10"]]})["bidPx"] == "0.5"
    assert "NOSUCH" in admin("POST", "/books", {"symbol": "NOSUCH"}, status=400)["error"]
    key = admin("POST", "/keys", {"label": "robot", "permissions": ["read_only"]})
    assert done(Caller(twin, key, call.session).get(BALANCE))[0]["details"]
    assert admin("GET", "/health")["status"] == "ok"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (
            "markets: {ADA-USDT: {base: ADA, quote: USDC, step: '1', smallest: '1', tick: '1'}}",
            "must be named ADA-USDC",
        ),
        ("balances: {ADA: {free: '-1'}}", "balances.ADA.free"),
        ("balances: {ADA: {free: 0.1}}", "must be a number in quotes"),
        ("colour: red", "unknown key 'colour'"),
        ("easy_convert: {fee: '1'}", "easy_convert.fee"),
        ("easy_convert: {places: 17}", "easy_convert.places"),
    ],
)
def test_scenario_file__with_a_mistake__names_it(tmp_path: Path, form: str, sentence: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(form)
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        scenario_of(OKXTwin.kind, str(path))


def test_demo__opens_and_has_crumbs_of_each_sort() -> None:
    with OKXTwin(demo()) as twin, caller(twin) as call:
        offered = done(call.get(f"{TRADE}/easy-convert-currency-list"))[0]["fromData"]
    assert {"ADA", "SHIB", "LTC"} <= {row["fromCcy"] for row in offered}
    assert {"RLY", "BTC", "USDT"}.isdisjoint({row["fromCcy"] for row in offered})


def test_process__says_where_it_is_and_ends_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators.okx", "--state", "small", "--ca-file", str(tmp_path / "ca.pem")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        there = requests.get(f"https://{ready['base_url']}/api/v5/public/time", verify=ready["ca_file"], timeout=5)
        key = json.loads(Path(ready["keys"]["owner"]).read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert ready["ready"] == "okx"
    assert int(there.json()["data"][0]["ts"]) > 0
    assert set(key) == {"name", "privateKey", "passphrase"}


def test_page__names_every_key_endpoint_and_fault() -> None:
    kinds = get_args(get_args(Fault)[0])
    forms = (Scenario, BalanceForm, MarketForm, KeyForm, ConvertForm, *kinds)
    words = {name for form in forms for name in form.model_fields}
    words |= {get_args(kind.model_fields["kind"].annotation)[0] for kind in kinds}
    words |= {endpoint.name for endpoint in ENDPOINTS}
    assert {word for word in words if not re.search(rf"\b{word}\b", PAGE)} == set()
