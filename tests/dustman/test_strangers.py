"""What strangers say, in names, in reverts, through a node, stands in no output and in no event as they say it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dustman.exits import Exit
from dustman.exports.forms import Form
from dustman.settings import load
from dustman.wiring import open_log
from events.envelope import cloud_event
from events.facts import LegRefused, VenueUnreachable
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.dustman.conftest import Typed
from tests.dustman.test_selling import selling
from venues.evm.rehearsal import reason_of

ETHER = 10**18
# A terminal cleared, a bell, a picture with a script, letters from right to left, another letter, a formula.
RUDE = "\x1b[2J\x07\x9b<img src=x onerror=alert(1)>\u202e\u0421\"';=HYPERLINK(1)\r\nok"
STRANGERS = ("look_alike", "same_symbol", "script", "control", "endless", "bytes32", "honeypot", "liar")
FORBIDDEN = ("<", ">", "\x1b", "\x07", "\x9b", "\r", "\u202e", "\u0421", "onerror=", "=HYPERLINK")
# What a reader of JSON takes for one of these; where the backslash is itself escaped it is text of ours.
ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\(?:u00[01]|u007f|u00[89]|u202e|u0421|u003[ce]|r)", re.IGNORECASE)


def assert_polite(said: str, where: str, *, as_json: bool = False) -> None:
    found = [each for each in FORBIDDEN if each in said] + (ESCAPED.findall(said) if as_json else [])
    assert not found, f"{where} says {found}: {said[:2000]}"


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url, geth=True) as proxy:
        yield proxy


@pytest.fixture
def visited(dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy) -> Path:
    """A wallet with every rude name in it, all vouched for, whose node was rude too; its settings."""
    wallet = chain.wallets[0]
    chain.hand_out([(name, wallet.address, ETHER) for name in (*STRANGERS, "DUST000", "DUST001")])
    account = selling(chain, proxy.url)
    account["allow"] += [chain.hostile[name].address for name in STRANGERS] + [chain.tokens["DUST001"].address]
    config = home / "dustman.yaml"
    config.write_text(json.dumps({"accounts": {"main": account}}))
    (home / ".env").write_text(f"DUSTMAN_MAIN_KEY_SECRET={wallet.key}\n")
    assert dustman("sweep", "main", "--dry-run").exit == Exit.DONE
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE
    reverted = f"execution reverted: {RUDE}"
    proxy.inject(kind="refused", method="eth_estimateGas", calls="all", code=3, message=reverted)
    assert dustman("sweep", "main").exit == Exit.DONE
    proxy.calm()
    chain.give("DUST000", wallet.address, ETHER)
    proxy.inject(kind="refused", method="eth_estimateGas", message=RUDE)
    assert dustman("sweep", "main").exit == Exit.VENUE_UNAVAILABLE
    return config


def test_events__of_what_strangers_said__hold_no_letter_of_it(visited: Path) -> None:
    """Feed, webhooks and exports hand on what is here."""
    log = open_log(load(visited, {}))
    facts = [recorded.fact for recorded in log.read()]
    assert any("the whole batch reverts" in fact.refusal.sentence for fact in facts if isinstance(fact, LegRefused))
    assert any("onerror\\x3d" in fact.detail for fact in facts if isinstance(fact, VenueUnreachable))
    for recorded in log.read():
        assert_polite(cloud_event(recorded, log.identity).decode(), recorded.type, as_json=True)
    log.close()


def test_commands__with_rude_strangers_in_a_wallet__say_nothing_rude(
    dustman: Typed, visited: Path, chain: LocalChain, proxy: ChainProxy
) -> None:
    tokens = [chain.hostile[name].address for name in STRANGERS]
    spoken = [
        ("scan", "--explain"),
        ("status",),
        ("events",),
        ("replay",),
        ("show", "DUST000"),
        ("doctor",),
        ("sweep", "main", "--dry-run"),
        ("audit", "verify"),
        *(("show", token) for token in tokens),
        *(("wallet", "why", token) for token in tokens),
        ("wallet", "why", RUDE),
        ("show", RUDE),
    ]
    for words in spoken:
        for form in ((), ("--json",)):
            ended = dustman(*words, *form)
            assert ended.exit != Exit.BUG, ended.err
            assert ended.out + ended.err, words
            if RUDE not in words:  # who asks for it gets it back, in JSON in its own escapes
                assert_polite(ended.out + ended.err, " ".join([*words, *form]), as_json=bool(form))
    for method in ("eth_call", "eth_getLogs", "eth_getBlockByNumber"):
        proxy.inject(kind="refused", method=method, calls="all", message=RUDE)
        for words in (("scan",), ("sweep", "main"), ("doctor",), ("wallet", "why", tokens[0])):
            ended = dustman(*words)
            assert ended.exit != Exit.BUG, ended.err
            assert_polite(ended.out + ended.err, f"{' '.join(words)} while {method} is refused")
        proxy.calm()


@pytest.mark.parametrize("form", list(Form))
def test_export__of_what_strangers_said__says_nothing_rude(
    dustman: Typed, visited: Path, tmp_path: Path, form: Form
) -> None:
    file = tmp_path / "exported"
    assert dustman("export", "--format", form, "--output", str(file)).exit == Exit.DONE
    said = file.read_bytes().decode("latin-1") if form is Form.PARQUET else file.read_text()
    if form is not Form.PARQUET:
        assert_polite(said, form, as_json=form in (Form.JSONL, Form.CSV))
    for rude in ("<img", "<script", "\x1b[2J", "onerror="):
        assert rude not in said


def test_reason__that_a_token_gives_for_a_revert__is_made_harmless() -> None:
    words = RUDE.encode()
    revert = bytes.fromhex("08c379a0") + (32).to_bytes(32) + len(words).to_bytes(32) + words.ljust(96, b"\0")
    assert "x1b" in reason_of(revert)
    assert_polite(reason_of(revert), "the reason")
