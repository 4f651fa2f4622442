"""An owner's way with an account at Binance: checks, a dry run, small balances exchanged and the rest sold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from dustman.exits import Exit
from simulators.binance.scenarios import small
from simulators.binance.twin import BinanceTwin
from simulators.exchange.ledger import OUTSIDE, USER
from tests.dustman import exchange_home
from tests.dustman.conftest import Typed
from tests.dustman.exchange_home import go_live, mistaken, told, verdicts
from tests.redis_server import RedisServer


@pytest.fixture
def twin() -> Iterator[BinanceTwin]:
    with BinanceTwin(small()) as running:
        yield running


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


def configure(home: Path, twin: BinanceTwin, redis: RedisServer, *lines: str, key: Path | None = None) -> Path:
    return exchange_home.configure(home, twin, key or twin.key_file(), redis, *lines)


@pytest.fixture
def config(home: Path, twin: BinanceTwin, redis: RedisServer) -> Path:
    return configure(home, twin, redis)


def test_doctor__of_an_account_at_the_twin__finds_nothing_wrong(config: Path, dustman: Typed) -> None:
    found = verdicts(dustman)

    # The twin tells no time in its headers.
    assert found.pop("main: clock") == "skip"
    assert set(found.values()) == {"ok"}, found
    assert {"main: key", "main: rights", "main: balances", "main: target"} <= set(found)


def test_doctor__of_a_key_that_may_withdraw__says_what_to_make_instead(
    home: Path, twin: BinanceTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis, key=twin.key_file(("reading", "trading", "withdrawals")))

    said = dustman("doctor")

    assert said.exit != Exit.DONE
    assert "transfer money out" in said.out
    assert "Enable Spot & Margin Trading only" in said.out
    dustman("sweep", "--dry-run")
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.REFUSED_BY_POLICY


def test_dry_run__prices_small_balances_in_one_request_and_sells_nothing(
    config: Path, dustman: Typed, twin: BinanceTwin
) -> None:
    before = {code: twin.balance(code) for code in ("ADA", "XLM", "DOT", "USDT", "BTC")}

    rehearsed = dustman("sweep", "--dry-run", "--json")

    assert rehearsed.exit == Exit.DONE
    assert [leg["plan"]["kind"] for leg in rehearsed.value["legs"]] == ["sell", "dust", "dust", "dust", "buy"]
    assert twin.gate.counts()["dust_convertible"] == 2
    assert {code: twin.balance(code) for code in before} == before


@pytest.mark.parametrize("algorithm", ["hmac", "ed25519"])
def test_journey__live_and_swept__small_balances_leave_in_one_request_and_the_rest_is_sold(
    home: Path, twin: BinanceTwin, redis: RedisServer, dustman: Typed, algorithm: str
) -> None:
    configure(home, twin, redis, key=twin.key_file(algorithm="ed25519" if algorithm == "ed25519" else "hmac"))
    go_live(dustman)
    usdt, btc = twin.balance("USDT"), twin.balance("BTC")

    swept = dustman("sweep", "--json")

    assert swept.exit == Exit.DONE
    assert {lot["asset"]: lot["state"] for lot in swept.value["lots"]} == {
        "binance:ADA": "converted",
        "binance:XLM": "converted",
        "binance:WTC": "converted",
        "binance:DOT": "carried",  # what is less than one step of BTC waits for the next sweep
    }
    assert all(twin.balance(code) == 0 for code in ("ADA", "XLM", "WTC", "DOT"))
    assert twin.gate.counts()["dust_convert"] == 1
    assert twin.gate.counts()["new_order"] == 2
    assert twin.balance("BTC") > btc
    assert twin.balance("USDT") >= usdt
    assert len(told(dustman("events", "--json"), "dust_converted")) == 3
    standing = dustman("status", "--json").value
    assert standing["open_sweep"] is None
    assert len(told(dustman("events", "--json"), "proceeds_carried")) == 1
    for form in ("csv", "koinly", "cointracker", "rotki-trades"):
        written = dustman("export", "--format", form)
        assert written.exit == Exit.DONE, written.err
        assert "ADA" in written.out
    assert "dust-" in dustman("show", "ADA").out


def test_sweep__when_the_answer_is_lost__is_settled_by_the_log_and_asked_once(
    config: Path, dustman: Typed, twin: BinanceTwin
) -> None:
    go_live(dustman)
    twin.inject(kind="reset", endpoint="dust_convert", when="after")

    swept = dustman("sweep", "--wait", "--json")

    assert swept.exit == Exit.DONE
    assert {lot["state"] for lot in swept.value["lots"]} == {"converted", "carried"}
    assert twin.gate.counts()["dust_convert"] == 1


def test_scan__while_the_venue_rests__says_until_when(config: Path, dustman: Typed, twin: BinanceTwin) -> None:
    go_live(dustman)
    assert dustman("sweep", "--json").exit == Exit.DONE
    with twin.exchange.transaction():
        exchange = twin.exchange
        exchange.ledger.move(exchange.clock.now(), OUTSIDE, USER, "ADA", Decimal(1), "deposit", "")

    explained = dustman("scan", "--explain", "--json").value

    assert "takes small balances again at" in json.dumps(explained)
    assert dustman("sweep", "--json").exit == Exit.NOTHING_TO_DO


def test_sweep__with_classic_endpoints__is_paid_in_bnb(
    home: Path, twin: BinanceTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis, "target: BNB", "small_balances: {classic: true}")
    go_live(dustman)
    before = twin.balance("BNB")

    swept = dustman("sweep", "--json")

    assert swept.exit == Exit.DONE
    assert twin.gate.counts()["dust_transfer"] == 1
    assert twin.balance("BNB") > before
    assert twin.balance("ADA") == twin.balance("XLM") == 0


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("hubs: [BNB]", "which is no dollar coin"),
        ("small_balances: {pays: ETH}", "neither the target nor one of hubs"),
        ("small_balances: {classic: true}", "the older endpoint pays in BNB"),
        ("small_balances: yes", "off, or {pays: BNB, classic: true}"),
        ("base_url: https://api.coinbase.com", "api.binance.com"),
        ("colour: red", "colour"),
    ],
)
def test_settings__with_a_mistake__name_it(
    home: Path, twin: BinanceTwin, redis: RedisServer, dustman: Typed, line: str, sentence: str
) -> None:
    mistaken(configure(home, twin, redis), line)

    refused = dustman("scan")

    assert refused.exit == Exit.CONFIGURATION
    assert sentence in refused.err


def test_settings__without_small_balances__keep_them_and_say_what_is_missing(
    home: Path, twin: BinanceTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis, "small_balances: off")

    explained = dustman("scan", "--explain", "--json").value

    assert "takes sales of at least 5" in json.dumps(explained)


def test_init__of_an_account_at_binance__writes_settings_that_are_read(
    home: Path, twin: BinanceTwin, dustman: Typed
) -> None:
    made = dustman("init", "--venue", "binance", "--key-file", str(twin.key_file()), "--no-input")

    assert made.exit == Exit.DONE
    text = (home / "dustman.yaml").read_text()
    assert "venue: binance" in text
    assert "# small_balances:" in text
    assert dustman("init", "--venue", "kraken", "--no-input", "--force").exit != Exit.DONE
