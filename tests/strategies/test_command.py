"""`dustman strategy`, `doctor`, `scan` and `sweep` on a strategy whose wallet is on the local chain."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from domain.charter import Charter
from domain.strategy import Strategy, evolve
from dustman.desk import command_desk
from dustman.exits import Exit
from dustman.settings import load
from dustman.strategy_view import drawn, form
from events.facts import DustInstructed, StrategyFact, StrategyMeasured
from events.records import replace
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import watched
from tests.dustman.conftest import Typed
from tests.events.samples import AT, EIGEN, SAMPLES
from workers.measuring import measure

ETHER = 10**18
LOOP = """\
mode: eth_leveraged
share_class: ETH
asset: ETH
lst_type: weeth
staking_enabled: true
dust_delta: 0.002
dust_monitoring_interval: 300
dust_conversion_venue: binance
dust_conversion_path: [EIGEN, NOPE, ETH]
accounts: [main]
"""


@pytest.fixture
def owner(chain: LocalChain, home: Path) -> Iterator[Path]:
    """A folder with a strategy over a watched wallet of weETH and rewards."""
    held = {"weETH": 10 * ETHER, "EIGEN": 400 * ETHER, "ETHFI": 400 * ETHER}
    chain.hand_out([(name, chain.wallets[0].address, units) for name, units in held.items()])
    with ChainProxy(chain.url) as proxy:
        account = {**watched(chain, proxy.url), "caps": {"per_sweep": 5000, "per_day": 5000}}
        whole = {"accounts": {"main": account}, "strategies": "strategies", "redis": {"url": "redis://127.0.0.1:1"}}
        (home / "dustman.yaml").write_text(json.dumps(whole))
        (home / "strategies").mkdir()
        (home / "strategies" / "loop.yaml").write_text(LOOP)
        yield home


def report(typed: Typed) -> dict[str, Any]:
    return {finding["check"]: finding for finding in typed("doctor", "--json").value["findings"]}


@pytest.mark.usefixtures("owner")
def test_strategy__never_measured__says_so_and_now_shows_what_would_be_found(dustman: Typed) -> None:
    told = dustman("strategy", "--json")
    assert (told.exit, told.value["strategy"], told.value["measured"]) == (Exit.DONE, "loop", None)
    assert "never; the workers do" in dustman("strategy", "loop").out
    found = dustman("strategy", "--now", "--json").value
    assert found["measured"]["exceeds"] and not found["measured"]["triggered"]
    assert "main is not live" in found["measured"]["sentence"]
    drawn = dustman("strategy", "--now").out
    assert "EIGEN" in drawn and "ETHFI" in drawn and "20.00 bps" in drawn and "weETH" not in drawn
    assert dustman("strategy", "--json").value["measured"] is None


@pytest.mark.usefixtures("chain")
def test_strategy__measured_by_a_worker__is_shown_from_the_log(owner: Path, dustman: Typed) -> None:
    desk = command_desk(load(owner / "dustman.yaml", {}), lambda _: None)
    assert measure(desk, "loop", desk.clock())
    told = dustman("strategy", "loop", "--json").value
    assert told["measured"]["mode"] == "eth_leveraged"
    assert {lot["account"] for lot in told["measured"]["lots"]} == {"main"}
    assert "of at most 20.00 bps" in dustman("strategy").out
    kinds = {json.loads(line)["type"] for line in dustman("events", "--strategy", "loop", "--json").out.splitlines()}
    assert kinds == {"strategy_measured", "dust_detected"}
    assert "is dust in 2 lots" in dustman("events", "--strategy", "loop").out


def test_strategy__in_every_state__is_drawn_with_what_it_has() -> None:
    known = Strategy("weeth-loop")
    charter = Charter("weeth-loop", "m", "ETH", "ETH", "weeth", True, Decimal("0.002"), ("main",), {"main": ()})
    seen = []
    for fact in [sample for sample in SAMPLES if isinstance(sample, StrategyFact)]:
        known = evolve(known, fact)
        console = Console(width=200, file=io.StringIO(), record=True)
        console.print(*drawn(charter, known, {EIGEN: "EIGEN"}))
        seen.append(console.export_text())
        assert form(charter, known)["strategy"] == "weeth-loop"
    measured, doubted, instructed, approved, cancelled, expired, released = seen
    assert "its accounts are being swept" in measured and "22.47 bps of at most 20.00 bps" in measured
    assert "unexpected, reported and not sold" in measured and "without price" in measured
    assert "not measured" not in measured and "equity is 700 s old, of 600 s" in doubted
    assert "EIGEN > ETH" in instructed and "EIGEN-ETH-3000" in instructed
    assert "approved by risk desk: go" in approved and "cancelled by risk desk: not before the vote" in cancelled
    assert "nobody approved it until" in expired and "0 of the approved lots are announced" in released


def test_strategy__with_a_long_sentence__keeps_its_labels_where_it_is_shown() -> None:
    charter = Charter("weeth-loop", "m", "ETH", "ETH", "weeth", True, Decimal("0.002"), ("main",), {"main": ()})
    measured = next(sample for sample in SAMPLES if isinstance(sample, StrategyMeasured))
    known = Strategy("weeth-loop", measured=replace(measured, sentence="it is halted, and that for a reason. " * 9))
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(*drawn(charter, known, {}))
    text = console.export_text()
    assert all(label in text for label in ("mode", "holds", "measured", "equity", "stands"))
    assert "ETH, weeth; in main" in text


def test_strategy__with_instructions_that_wait__says_how_to_approve_them() -> None:
    charter = Charter("weeth-loop", "m", "ETH", "ETH", "weeth", True, Decimal("0.002"), ("main",), {"main": ()})
    measured = next(sample for sample in SAMPLES if isinstance(sample, StrategyMeasured))
    told = next(sample for sample in SAMPLES if isinstance(sample, DustInstructed))
    waits = replace(told, approval_until=AT)
    console = Console(width=200, file=io.StringIO(), record=True)
    known = Strategy("weeth-loop", measured=replace(measured, measure_id="later", sentence=""), instructed=waits)
    console.print(*drawn(charter, known, {EIGEN: "EIGEN"}))
    text = console.export_text()
    assert "for `dustman approve weeth-loop measure-1` until 2026-03-01 02:00:00 UTC" in text
    assert "EIGEN-ETH-3000" in text and "so it is sold once approved" in text
    assert form(charter, known)["waiting"] is waits


def test_strategy__without_any__says_how_to_have_one(home: Path, dustman: Typed) -> None:
    (home / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}")
    told = dustman("strategy")
    assert (told.exit, "`strategies: FOLDER` in dustman.yaml" in told.err) == (Exit.NOTHING_TO_DO, True)


def test_strategy__whose_node_is_away__ends_as_such(owner: Path, dustman: Typed) -> None:
    config = owner / "dustman.yaml"
    whole = json.loads(config.read_text())
    whole["accounts"]["main"]["endpoints"] = ["http://127.0.0.1:1"]
    config.write_text(json.dumps(whole))
    assert dustman("strategy", "--now").exit == Exit.VENUE_UNAVAILABLE


@pytest.mark.usefixtures("owner")
def test_strategy__that_is_not_there__is_named_with_those_there_are(dustman: Typed) -> None:
    told = dustman("strategy", "other")
    assert (told.exit, "there is no strategy 'other'; the settings have loop" in told.err) == (Exit.CONFIGURATION, True)


@pytest.mark.usefixtures("owner")
def test_doctor__a_strategy__is_looked_at_with_its_preferences(dustman: Typed) -> None:
    found = report(dustman)
    assert "beyond 20" in found["strategy loop"]["sentence"]
    assert found["main: schedule"]["sentence"] == "read when loop is measured; its own schedule rests"
    assert found["strategy loop: preference"]["verdict"] == "warn"


def test_doctor__equity_that_nobody_supplies__is_a_failure(owner: Path, dustman: Typed) -> None:
    config = owner / "dustman.yaml"
    whole = json.loads(config.read_text()) | {"equity": {"loop": {"redis": "equity:loop"}}}
    config.write_text(json.dumps(whole))
    found = report(dustman)["strategy loop: equity"]
    assert found["verdict"] == "fail" and "Redis cannot be read" in found["sentence"]


def test_doctor__a_strategy_with_a_mistake__names_file_and_line(owner: Path, dustman: Typed) -> None:
    (owner / "strategies" / "loop.yaml").write_text(LOOP.replace("mode:", "modus:"))
    found = report(dustman)["settings"]
    assert found["verdict"] == "fail" and "loop.yaml: 2 mistakes" in found["sentence"]
    assert "line 1, modus: is not a key here, did you mean mode?" in found["sentence"]


@pytest.mark.usefixtures("owner")
def test_scan_explain__says_what_belongs_and_who_decides(dustman: Typed) -> None:
    told = dustman("scan", "--explain", "--json").value
    assert told["strategies"] == ["loop"]
    reasons = {kept["reason"] for kept in told["kept"]}
    assert "belongs" in reasons
    assert len(told["dust"]) == 2
    assert "loop decides when it is sold" in dustman("scan").out
