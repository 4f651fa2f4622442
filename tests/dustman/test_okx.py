"""An owner's way with an account at OKX: checks, a dry run, small balances by easy convert and the rest sold."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dustman.exits import Exit
from simulators.okx.scenarios import small
from simulators.okx.twin import OKXTwin
from tests.dustman import exchange_home
from tests.dustman.conftest import Typed
from tests.dustman.exchange_home import go_live, mistaken, verdicts
from tests.redis_server import RedisServer

# The twin that comes with `small` lets easy convert be asked as often as anybody likes.
QUICK = "small_balances: {seconds_between: 0}"
CRUMBS = ("ADA", "XLM", "DOGE", "TRX", "SAND", "CHZ", "GALA")


@pytest.fixture
def twin() -> Iterator[OKXTwin]:
    with OKXTwin(small(easy_convert={"seconds": "0"})) as running:
        yield running


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


def configure(home: Path, twin: OKXTwin, redis: RedisServer, *lines: str, key: Path | None = None) -> Path:
    usual = () if any(line.startswith("small_balances") for line in lines) else (QUICK,)
    return exchange_home.configure(home, twin, key or twin.key_file(), redis, *usual, *lines)


@pytest.fixture
def config(home: Path, twin: OKXTwin, redis: RedisServer) -> Path:
    return configure(home, twin, redis)


def test_doctor__of_an_account_at_the_twin__finds_nothing_wrong(config: Path, dustman: Typed) -> None:
    found = verdicts(dustman)

    # The twin tells no time in its headers.
    assert found.pop("main: clock") == "skip"
    assert set(found.values()) == {"ok"}, found
    assert {"main: key", "main: rights", "main: balances", "main: target"} <= set(found)


def test_doctor__of_a_key_that_may_withdraw__says_what_to_make_instead(
    home: Path, twin: OKXTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis, key=twin.key_file(("read_only", "trade", "withdraw")))

    told = dustman("doctor")

    assert told.exit != Exit.DONE
    assert "transfer money out" in told.out
    assert "Read and Trade only" in told.out
    dustman("sweep", "--dry-run")
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.REFUSED_BY_POLICY


def test_dry_run__prices_small_balances_at_once_and_sells_nothing(config: Path, dustman: Typed, twin: OKXTwin) -> None:
    before = {code: twin.balance(code) for code in (*CRUMBS, "DOT", "USDT", "BTC")}

    rehearsed = dustman("sweep", "--dry-run", "--json")

    assert rehearsed.exit == Exit.DONE
    assert sorted(leg["plan"]["kind"] for leg in rehearsed.value["legs"]) == ["buy", *["dust"] * 7, "sell"]
    assert twin.gate.counts()["convertible"] == 2
    assert {code: twin.balance(code) for code in before} == before


def test_journey__live_and_swept__seven_small_balances_leave_in_two_requests_and_the_rest_is_sold(
    config: Path, twin: OKXTwin, dustman: Typed
) -> None:
    go_live(dustman)
    btc = twin.balance("BTC")

    swept = dustman("sweep", "--json")

    assert swept.exit == Exit.DONE
    assert {lot["asset"]: lot["state"] for lot in swept.value["lots"]} == {
        f"okx:{code}": "converted" for code in (*CRUMBS, "DOT")
    }
    assert twin.gate.counts()["convert"] == 2
    assert twin.gate.counts()["new_order"] == 2
    assert twin.balance("BTC") > btc
    # What is finer than easy convert takes stays, and is no dust: nobody would take it.
    assert all(0 < twin.balance(code) < 1e-8 for code in CRUMBS)
    assert dustman("sweep", "--json").exit == Exit.NOTHING_TO_DO
    assert dustman("status", "--json").value["open_sweep"] is None
    for form in ("csv", "koinly", "cointracker", "rotki-trades"):
        written = dustman("export", "--format", form)
        assert written.exit == Exit.DONE, written.err
        assert "ADA" in written.out
    assert "easy-" in dustman("show", "ADA").out


def test_sweep__when_the_answer_is_lost__is_settled_by_the_history_and_asked_once(
    config: Path, dustman: Typed, twin: OKXTwin
) -> None:
    go_live(dustman)
    twin.inject(kind="reset", endpoint="convert", when="after")

    swept = dustman("sweep", "--wait", "--json")

    assert swept.exit == Exit.DONE
    assert {lot["state"] for lot in swept.value["lots"]} == {"converted"}
    assert twin.gate.counts()["convert"] == 2


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("hubs: [OKB]", "which is no dollar coin"),
        ("small_balances: {pays: ETH}", "neither the target nor one of hubs"),
        ("small_balances: {classic: true}", "classic"),
        ("small_balances: {seconds_between: -1}", "a number of seconds"),
        ("small_balances: yes", "off, or {pays: USDT}"),
        ("base_url: https://api.binance.com", "www.okx.com"),
        ("colour: red", "colour"),
    ],
)
def test_settings__with_a_mistake__name_it(
    home: Path, twin: OKXTwin, redis: RedisServer, dustman: Typed, line: str, sentence: str
) -> None:
    mistaken(configure(home, twin, redis), line)

    refused = dustman("scan")

    assert refused.exit == Exit.CONFIGURATION
    assert sentence in refused.err


def test_settings__without_small_balances__keep_them_and_say_what_is_missing(
    home: Path, twin: OKXTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis, "small_balances: off")

    told = dustman("scan", "--explain", "--json").value

    assert "takes at least 10" in json.dumps(told)


# The key's third part


def parts_of(twin: OKXTwin) -> dict[str, str]:
    parts: dict[str, str] = json.loads(twin.key_file().read_text())
    return parts


def test_key__in_the_environment__has_its_passphrase_beside_it(
    home: Path, twin: OKXTwin, redis: RedisServer, dustman: Typed
) -> None:
    mistaken(configure(home, twin, redis), "key: env")
    parts, dotenv = parts_of(twin), home / ".env"
    named = {"NAME": parts["name"], "SECRET": parts["privateKey"], "PASSPHRASE": parts["passphrase"]}
    written = [f"DUSTMAN_MAIN_KEY_{part}='{value}'\n" for part, value in named.items()]

    dotenv.write_text("".join(written[:2]))
    dotenv.chmod(0o600)
    lacking = dustman("scan")
    dotenv.write_text("".join(written))
    found = dustman("scan")

    assert lacking.exit == Exit.CONFIGURATION
    assert "DUSTMAN_MAIN_KEY_PASSPHRASE is not set" in lacking.err
    assert found.exit == Exit.DONE, found.err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"passphrase": None}, '"passphrase": "…"'),
        ({"passphrase": ""}, "key passphrase: empty"),
        ({"passphrase": 5}, '"passphrase": "…"'),
        ({"passphrase": "Pässword+1"}, "key passphrase"),
        ({"privateKey": "short"}, "key secret"),
    ],
)
def test_key_file__with_a_bad_part__says_which_and_shows_none_of_it(
    home: Path, twin: OKXTwin, redis: RedisServer, dustman: Typed, change: dict[str, object], sentence: str
) -> None:
    changed = {part: value for part, value in ({**parts_of(twin), **change}).items() if value is not None}
    (home / "key.json").write_text(json.dumps(changed))
    configure(home, twin, redis, key=home / "key.json")

    refused = dustman("scan")

    assert refused.exit == Exit.CONFIGURATION
    assert sentence in refused.err
    assert not [part for part in parts_of(twin).values() if part in refused.err + refused.out]


def test_passphrase__that_is_wrong__is_shown_nowhere(
    home: Path, twin: OKXTwin, redis: RedisServer, dustman: Typed
) -> None:
    (home / "key.json").write_text(json.dumps({**parts_of(twin), "passphrase": "Forgotten+word1"}))
    configure(home, twin, redis, key=home / "key.json")

    told = dustman("doctor")

    assert "50105" in told.out
    assert "Forgotten" not in told.out + told.err


def test_init__of_an_account_at_okx__writes_settings_that_are_read(home: Path, twin: OKXTwin, dustman: Typed) -> None:
    made = dustman("init", "--venue", "okx", "--key-file", str(twin.key_file()), "--no-input")

    assert made.exit == Exit.DONE
    text = (home / "dustman.yaml").read_text()
    assert "venue: okx" in text
    assert "# small_balances:" in text


def test_init__with_the_secret_from_stdin__takes_the_passphrase_from_its_last_line(
    home: Path, twin: OKXTwin, dustman: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, given = parts_of(twin), home / "given"
    given.write_text(f"{parts['privateKey']}\n{parts['passphrase']}\n")
    with given.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        made = dustman("init", "--venue", "okx", "--key-name", parts["name"], "--secret-from-stdin", "--no-input")

    assert made.exit == Exit.DONE, made.err
    dotenv = (home / ".env").read_text()
    assert "DUSTMAN_MAIN_KEY_PASSPHRASE" in dotenv
    assert parts["passphrase"] in dotenv
    assert parts["passphrase"] not in (home / "dustman.yaml").read_text() + made.out + made.err
