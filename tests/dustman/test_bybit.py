"""An owner's way with an account at Bybit: checks, a dry run, small balances exchanged by a quote, the rest sold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dustman.exits import Exit
from simulators.bybit.scenario import Algorithm
from simulators.bybit.scenarios import small
from simulators.bybit.twin import BybitTwin
from tests.dustman import exchange_home
from tests.dustman.conftest import Typed
from tests.dustman.exchange_home import go_live, mistaken, told, verdicts
from tests.redis_server import RedisServer


@pytest.fixture
def twin() -> Iterator[BybitTwin]:
    with BybitTwin(small()) as running:
        yield running


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


def configure(home: Path, twin: BybitTwin, redis: RedisServer, *lines: str, key: Path | None = None) -> Path:
    return exchange_home.configure(home, twin, key or twin.key_file(), redis, *lines)


@pytest.fixture
def config(home: Path, twin: BybitTwin, redis: RedisServer) -> Path:
    return configure(home, twin, redis)


def test_doctor__of_an_account_at_the_twin__finds_nothing_wrong(config: Path, dustman: Typed) -> None:
    found = verdicts(dustman)

    # The twin tells no time in its headers.
    assert found.pop("main: clock") == "skip"
    assert set(found.values()) == {"ok"}, found
    assert {"main: key", "main: rights", "main: balances", "main: target"} <= set(found)


@pytest.mark.parametrize(
    ("permissions", "sentence"),
    [
        (("trading", "converting", "withdrawals"), "transfer money out"),
        (("converting",), "may not trade"),
        (("trading",), "Permission denied"),
    ],
)
def test_doctor__of_a_key_with_other_rights__says_what_to_make_instead(
    home: Path, twin: BybitTwin, redis: RedisServer, dustman: Typed, permissions: tuple[str, ...], sentence: str
) -> None:
    configure(home, twin, redis, key=twin.key_file(permissions))  # type: ignore[arg-type]

    said = dustman("doctor")

    assert said.exit != Exit.DONE
    assert sentence in said.out
    assert "with Convert, and nothing else" in said.out


def test_dry_run__quotes_small_balances_together_and_sells_nothing(
    config: Path, dustman: Typed, twin: BybitTwin
) -> None:
    before = {code: twin.balance(code) for code in ("ADA", "XLM", "WTC", "DOT", "USDT", "BTC")}

    rehearsed = dustman("sweep", "--dry-run", "--json")

    assert rehearsed.exit == Exit.DONE
    assert [leg["plan"]["kind"] for leg in rehearsed.value["legs"]] == ["sell", "dust", "dust", "dust", "buy"]
    assert "exchange_small" not in twin.gate.counts()
    assert {code: twin.balance(code) for code in before} == before


@pytest.mark.parametrize("algorithm", ["hmac", "rsa"])
def test_journey__live_and_swept__small_balances_leave_by_one_quote_and_all_becomes_one_order(
    home: Path, twin: BybitTwin, redis: RedisServer, dustman: Typed, algorithm: Algorithm
) -> None:
    configure(home, twin, redis, key=twin.key_file(algorithm=algorithm))
    go_live(dustman)
    usdt, btc = twin.balance("USDT"), twin.balance("BTC")

    swept = dustman("sweep", "--json")

    assert swept.exit == Exit.DONE
    assert {lot["asset"] for lot in swept.value["lots"]} == {"bybit:ADA", "bybit:XLM", "bybit:WTC", "bybit:DOT"}
    assert {lot["state"] for lot in swept.value["lots"]} == {"converted"}
    assert all(twin.balance(code) == 0 for code in ("ADA", "XLM", "WTC", "DOT"))
    assert twin.gate.counts()["exchange_small"] == 1
    assert twin.gate.counts()["create_order"] == 2
    assert twin.balance("BTC") > btc
    assert twin.balance("USDT") >= usdt
    assert dustman("status", "--json").value["open_sweep"] is None
    asked = told(dustman("events", "--json"), "leg_requested")
    assert len({each["data"]["quote"]["reference"] for each in asked if each["data"]["kind"] == "dust"}) == 1
    for form in ("csv", "koinly", "cointracker", "rotki-trades"):
        written = dustman("export", "--format", form)
        assert written.exit == Exit.DONE, written.err
        assert "ADA" in written.out
    assert "dust-" in dustman("show", "ADA").out


def test_sweep__when_the_answer_is_lost__is_settled_by_the_history_and_asked_once(
    config: Path, dustman: Typed, twin: BybitTwin
) -> None:
    go_live(dustman)
    twin.inject(kind="reset", endpoint="exchange_small", when="after")

    swept = dustman("sweep", "--wait", "--json")

    assert swept.exit == Exit.DONE
    assert {lot["state"] for lot in swept.value["lots"]} == {"converted"}
    assert twin.gate.counts()["exchange_small"] == 1


def test_sweep__into_what_small_balances_are_paid_in__needs_no_second_order(
    home: Path, twin: BybitTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis, "target: MNT")
    go_live(dustman)
    before = twin.balance("MNT")

    swept = dustman("sweep", "--json")

    assert swept.exit == Exit.DONE
    assert twin.gate.counts()["exchange_small"] == 1
    assert twin.balance("MNT") > before
    assert twin.balance("ADA") == twin.balance("XLM") == 0


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("hubs: [MNT]", "which is no dollar coin"),
        ("hubs: [FDUSD]", "but Bybit pays in MNT, USDT, USDC"),
        ("small_balances: {pays: MNT}", "neither the target nor one of hubs"),
        ("small_balances: {pays: BTC}", "but Bybit pays in MNT, USDT, USDC"),
        ("small_balances: yes", "off, or {pays: USDT}"),
        ("small_balances: {classic: true}", "classic"),
        ("base_url: https://api.binance.com", "api.bybit.com"),
        ("colour: red", "colour"),
    ],
)
def test_settings__with_a_mistake__name_it(
    home: Path, twin: BybitTwin, redis: RedisServer, dustman: Typed, line: str, sentence: str
) -> None:
    mistaken(configure(home, twin, redis), line)

    refused = dustman("scan")

    assert refused.exit == Exit.CONFIGURATION
    assert sentence in refused.err


def test_settings__without_small_balances__keep_them_and_say_what_is_missing(
    home: Path, twin: BybitTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis, "small_balances: off")

    explained = dustman("scan", "--explain", "--json").value

    assert "takes sales of at least 5" in json.dumps(explained)


def test_init__of_an_account_at_bybit__writes_settings_that_are_read(
    home: Path, twin: BybitTwin, dustman: Typed
) -> None:
    made = dustman("init", "--venue", "bybit", "--key-file", str(twin.key_file()), "--no-input")

    assert made.exit == Exit.DONE
    text = (home / "dustman.yaml").read_text()
    assert "venue: bybit" in text
    assert "# small_balances:" in text
