"""Wallets in the settings and at the command line, on the local chain."""

from __future__ import annotations

import json
import runpy
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigurationError
from dustman.desk import command_desk, mandates
from dustman.exchanges import NAMES
from dustman.exits import Exit
from dustman.settings import load
from dustman.wiring import endpoint_urls, reward_sources
from events.facts import DustDetected
from events.money import Amount
from events.values import LegKind, Source
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import contracts, watched
from tests.dustman.conftest import COMMAND, Typed, spawned
from venues.evm.assets import token
from venues.evm.rewards.claim_data import ClaimData
from venues.evm.rewards.eigenlayer import EigenLayer
from venues.evm.rewards.king import KingDrop
from workers.scanning import scan

ROOT = Path(__file__).parents[2]
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
ETHER = 10**18
D = Decimal
Form = dict[str, Any]


def ethereum(**changes: object) -> Form:
    return {"venue": "evm", "chain": "ethereum", "address": ADDRESS, "endpoints": ["http://127.0.0.1:1"], **changes}


def written(home: Path, account: Form, **others: Form) -> Path:
    config = home / "dustman.yaml"
    # JSON is YAML.
    config.write_text(json.dumps({"accounts": {"main": account, **others}}))
    return config


def complaint(home: Path, account: Form) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(written(home, account), {})
    return str(caught.value)


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


@pytest.fixture
def account(chain: LocalChain, proxy: ChainProxy) -> Form:
    """A wallet with dust of several kinds, and what strangers sent it."""
    owner = chain.wallets[0].address
    given = [("EIGEN", ETHER), ("USDC", 200_000), ("DAI", 500 * ETHER), ("DUST000", ETHER), ("DUST001", ETHER)]
    chain.hand_out([(name, owner, units) for name, units in [*given, ("script", ETHER), ("control", ETHER)]])
    allowed = [chain.tokens["DUST000"].address]
    return {**watched(chain, proxy.url), "allow": allowed, "exclude": ["USDC"]}


def test_wallets__on_one_chain_with_the_same_endpoints_and_schedule__are_read_together_and_scheduled_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"chain": "base", "target": "WETH"}
    config = written(
        home,
        ethereum(),
        other=ethereum(schedule="0 3 * * *"),
        second=ethereum(address=USDC, target="USDC", threshold=3),
        base=ethereum(**elsewhere),
        far=ethereum(endpoints=["http://127.0.0.1:2"]),
        third=ethereum(),
        exchange={"venue": "coinbase"},
    )
    group = ("main", "second", "third")
    assert {name: each.together for name, each in mandates(load(config, {})).items()} == {
        "main": group,
        "second": group,
        "third": group,
        "other": ("other",),
        "base": ("base",),
        "far": ("far",),
        "exchange": ("exchange",),
    }
    monkeypatch.setenv("DUSTMAN_CONFIG", str(config))
    entries = runpy.run_path(str(ROOT / "celeryconfig.py"))["beat_schedule"]
    scans = {name for name in entries if name.startswith("scan-")}
    assert scans == {"scan-main", "scan-other", "scan-base", "scan-far", "scan-exchange"}


def test_load__a_wallet__has_the_policy_that_was_written(home: Path) -> None:
    form = ethereum(
        target="WETH",
        threshold=5,
        exclude=["USDC", ADDRESS],
        admit=["DAI"],
        reserve={"EIGEN": "1.5"},
        caps={"per_sweep": 10, "per_day": 20},
    )
    settings = load(written(home, form), {})
    policy = settings.account("main").policy()
    weth = token(1, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
    assert (policy.target, policy.hubs, policy.currency, policy.threshold) == (weth, (weth,), "USD", D(5))
    assert policy.excluded == ("eip155:1/slip44:60", token(1, USDC), token(1, ADDRESS))
    assert policy.admitted == (token(1, "0x6B175474E89094C44Da98b954EedeAC495271d0F"),)
    assert policy.reserves == (Amount(D("1.5"), token(1, "0xec53bF9167f50cDEB3Ae105f56099aaaB9061F83")),)
    assert (policy.sweep_cap, policy.day_cap, policy.taker_fee) == (D(10), D(20), D(0))
    assert settings.labels("main")[weth] == "WETH"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"venue": "kraken"}, f'venue: "kraken" is not {", ".join(NAMES)} or evm'),
        ({"chain": "solana"}, 'chain: "solana" is not ethereum, arbitrum, base, or a chain\'s number'),
        ({"chain": 5}, "chain: chain 5 is not known; write contracts"),
        ({"address": ADDRESS[:-1]}, "address: "),
        ({"address": ADDRESS.replace("C51812dc", "c51812dc")}, "is not an address"),
        ({"endpoints": []}, "endpoints: is empty"),
        ({"endpoints": ["ftp://host"]}, "endpoints[0]: what stands there (not shown) is not https://"),
        ({"endpoints": ["ws://host"]}, "endpoints[0]"),
        ({"endpoints": ["https://"]}, "endpoints[0]"),
        ({"endpoints": ["env:HOME"]}, "endpoints[0]"),
        ({"endpoints": "http://127.0.0.1:1"}, "endpoints: "),
        ({"target": "BTC"}, 'target: "BTC" is not one of ETH, WETH, USDC, USDT, DAI'),
        ({"chain": "base", "target": "USDT"}, "target: there is no USDT that is known on base"),
        ({"exclude": ["NOPE"]}, "exclude: no token NOPE is known on ethereum, but DAI,"),
        ({"admit": ["NOPE"]}, "admit: no token NOPE"),
        ({"admit": "some"}, "admit: "),
        ({"reserve": {"NOPE": 1}}, "reserve: no token NOPE"),
        ({"reserve": {"USDC": 0}}, "reserve.USDC: "),
        ({"allow": ["USDC"]}, "allow[0]: "),
        ({"first_block": -1}, "first_block: "),
        ({"highest_tax": 51}, 'highest_tax: "51" is not a part in percent from 0 to 50'),
        ({"highest_tax": -1}, "highest_tax: "),
        ({"highest_tax": "NaN"}, "highest_tax: "),
        ({"threshold": 0}, "threshold: "),
        ({"caps": {"per_sweep": 51}}, "per_sweep (51) is above per_day (50)"),
        ({"base_url": "https://x"}, "base_url: is not a key here"),
        ({"contracts": {}}, "contracts.tokens: is missing"),
        ({"rewards": ["king"]}, "rewards: "),
        ({"rewards": {"queen": "x.json"}}, "rewards.queen: is not a key here"),
        ({"rewards": {"king": "ftp://x/y"}}, "rewards.king: what stands there (not shown) is not the path of a file"),
        ({"rewards": {"king": ""}}, "rewards.king: "),
        ({"chain": "base", "rewards": {"king": "x.json"}}, "nothing that pays out KING is known on chain 8453"),
        ({"chain": "base", "rewards": {"eigenlayer": "x.json"}}, "no RewardsCoordinator is known on chain 8453"),
        ({"adress": ADDRESS}, "did you mean address?"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_load__a_mistake__is_named_with_its_key_and_what_is_accepted(home: Path, change: Form, words: str) -> None:
    assert words in complaint(home, ethereum(**change))


def test_load__what_is_missing__is_named(home: Path) -> None:
    said = complaint(home, {"venue": "evm"})
    for key in ("chain", "address", "endpoints"):
        assert f"accounts.main.{key}: is missing" in said


def test_load__contracts_of_a_known_chain_or_without_weth__are_refused(home: Path, chain: LocalChain) -> None:
    there = contracts(chain)
    assert "chain 1 is known" in complaint(home, ethereum(contracts=there))
    for part, key in (("tokens", "WETH"), ("feeds", "ETH/USD")):
        less = {**there, part: {name: each for name, each in there[part].items() if name != key}}
        assert f"has no {key}" in complaint(home, ethereum(chain=5, contracts=less))
    wrong = {**there, "tokens": {**there["tokens"], "DAI": {"address": ADDRESS, "decimals": 37}}}
    assert "contracts.tokens.DAI.decimals: " in complaint(home, ethereum(chain=5, contracts=wrong))


def test_load__a_wrong_exchange_beside_a_wallet__is_still_named(home: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"accounts\.other\.tresholt: is not a key here, did you mean threshold"
    ):
        load(written(home, ethereum(), other={"venue": "coinbase", "tresholt": 1}), {})


def test_endpoint_urls__a_variable__is_read_from_the_environment_and_never_shown(home: Path) -> None:
    config = written(home, ethereum(endpoints=["env:DUSTMAN_MAIN_NODE", "https://node.example/v3/0123456789abcdef"]))
    secret = "https://rpc.example/v2/abcdef0123456789"
    assert endpoint_urls(load(config, {"DUSTMAN_MAIN_NODE": secret}), "main")[0] == secret
    assert "0123456789" not in repr(load(config, {"DUSTMAN_MAIN_NODE": secret}))
    with pytest.raises(ConfigurationError, match="DUSTMAN_MAIN_NODE is not set"):
        endpoint_urls(load(config, {}), "main")
    for wrong in ("ftp://rpc.example/abcdef0123456789", "env:DUSTMAN_OTHER"):
        with pytest.raises(ConfigurationError, match="holds no URL") as caught:
            endpoint_urls(load(config, {"DUSTMAN_MAIN_NODE": wrong}), "main")
        assert wrong not in str(caught.value)


def test_scan__a_watched_wallet__shows_its_dust_and_its_quarantine(
    dustman: Typed, home: Path, chain: LocalChain, account: Form
) -> None:
    written(home, account)
    ended = dustman("scan", "--explain", "--json")
    assert ended.exit == 0
    found = ended.value
    eigen, dust = (token(chain.chain_id, chain.tokens[name].address) for name in ("EIGEN", "DUST000"))
    assert {lot["asset"] for lot in found["dust"]} == {eigen, dust}
    assert D("1.4") < D(found["total"]) < D("1.5")
    assert {leg["kind"] for leg in found["plan"]} == {"swap"}
    reasons = {each["asset"].rpartition(":")[2]: each["reason"] for each in found["kept"]}
    assert reasons == {
        "60": "target",
        chain.tokens["USDC"].address: "excluded",
        chain.tokens["DAI"].address: "above_threshold",
        chain.tokens["DUST001"].address: "quarantined",
        chain.hostile["script"].address: "quarantined",
        chain.hostile["control"].address: "quarantined",
    }
    assert dustman("scan", "--json").value["requests"] == 2


def test_load__rewards__are_in_the_policy_and_read_beside_the_settings(home: Path) -> None:
    settings = load(
        written(home, ethereum(rewards={"king": "claims/king.json", "eigenlayer": "https://x/{address}"})), {}
    )
    assert settings.account("main").policy().rewards == (
        Source.KING_CLAIM,
        Source.KING_REDEEM,
        Source.EIGENLAYER_CLAIM,
    )
    king, _, eigenlayer = reward_sources(settings.wallet("main"))
    assert isinstance(king, KingDrop)
    assert isinstance(eigenlayer, EigenLayer)
    assert king.data == ClaimData(home / "claims/king.json")
    assert eigenlayer.data == ClaimData("https://x/{address}")


def test_scan__of_a_watched_wallet__says_what_could_be_claimed_and_why_not(
    dustman: Typed, home: Path, chain: LocalChain, account: Form
) -> None:
    claims = chain.entitle_king({chain.wallets[0].address: ETHER})
    (home / "king.json").write_text(json.dumps(claims))
    written(home, {**account, "rewards": {"king": "king.json", "eigenlayer": "eigenlayer.json"}})
    found = {each["source"]: each for each in dustman("scan", "--explain", "--json").value["rewards"]}
    assert found["king_claim"]["claimable"]
    assert D(found["king_claim"]["rewards"][0]["amount"]["quantity"]) == 1
    assert (found["king_redeem"]["reason"], found["eigenlayer_claim"]["reason"]) == ("nothing", "nothing")
    said = dustman("scan", "--explain").out
    assert "main: rewards" in said
    assert "claimable" in said


def test_scan__to_people__labels_what_is_known_and_prints_no_stranger(
    dustman: Typed, home: Path, chain: LocalChain, account: Form
) -> None:
    written(home, account)
    said = dustman("scan", "--explain").out
    assert "EIGEN" in said
    assert chain.tokens["DUST000"].address in said
    assert "v3:3000 " in said
    assert "main: in quarantine, as its contracts claim" in said
    for stranger in ("<img", "<script", "\x1b[2J", "\u202e", "\x07", "\x9b"):
        assert stranger not in said


def test_commands__for_a_watched_wallet__all_work(dustman: Typed, home: Path, chain: LocalChain, account: Form) -> None:
    written(home, account)
    assert dustman("scan").exit == 0
    assert dustman("sweep", "main", "--dry-run").exit == 0
    assert "never went live" in dustman("status").out
    assert "above threshold" in dustman("show", "dai").out
    assert "unknown" in dustman("show", chain.hostile["script"].address.lower()).out
    assert dustman("replay").exit == 0
    exported = dustman("export", "--format", "csv")
    assert exported.exit == 0
    assert "\x1b" not in exported.out
    assert "<img" not in exported.out
    refused = dustman("go-live", "main")
    assert refused.exit == Exit.REFUSED_BY_POLICY
    assert "only watched" in refused.err


@pytest.fixture
def plagued(chain: LocalChain, account: Form) -> Form:
    """The wallet with traps in it, two of them allowed."""
    names = ("honeypot", "taxed", "liar", "same_symbol")
    chain.hand_out([(name, chain.wallets[0].address, ETHER) for name in names])
    traps = [chain.hostile[name].address for name in ("honeypot", "taxed")]
    return {**account, "allow": [*account["allow"], *traps]}


def test_scan__allowed_traps__stay_and_are_worth_nothing(
    dustman: Typed, home: Path, chain: LocalChain, plagued: Form
) -> None:
    written(home, plagued)
    found = dustman("scan", "--explain", "--json").value
    kept = {each["asset"].rpartition(":")[2]: each for each in found["kept"]}
    for name, words in (("honeypot", "honeypot: it can be handed on"), ("taxed", "taxed: it keeps 10 %")):
        assert kept[chain.hostile[name].address]["reason"] == "quarantined"
        assert kept[chain.hostile[name].address]["sentence"].startswith(words)
    assert D("1.4") < D(found["total"]) < D("1.5")
    written(home, {**plagued, "highest_tax": 10.5})
    dust = {lot["asset"].rpartition(":")[2] for lot in dustman("scan", "--json").value["dust"]}
    assert chain.hostile["taxed"].address in dust
    assert chain.hostile["honeypot"].address not in dust


@pytest.mark.parametrize(
    ("name", "verdict", "standing", "sold"),
    [
        ("EIGEN", "sound", "known", True),
        ("DUST000", "sound", "allowed", True),
        ("DUST001", "sound", "stranger", False),
        ("honeypot", "honeypot", "allowed", False),
        ("taxed", "taxed", "allowed", False),
        ("liar", "hostile", "stranger", False),
        ("same_symbol", "look_alike", "stranger", False),
        ("script", "sound", "stranger", False),
    ],
)
def test_wallet_why__a_token__is_told_with_what_it_did_and_what_would_change_it(
    dustman: Typed, home: Path, chain: LocalChain, plagued: Form, name: str, verdict: str, standing: str, sold: bool
) -> None:
    written(home, plagued)
    address = chain.token(name).address
    found = dustman("wallet", "why", address.lower(), "--json").value
    assert (found["verdict"], found["standing"], found["may_be_sold"]) == (verdict, standing, sold)
    assert found["asset"] == token(chain.chain_id, address)
    assert found["remedy"]
    assert found["observation"]["balance"]["done"]
    said = dustman("wallet", "why", found["asset"], "--account", "main").out
    for words in (verdict.replace("_", "-"), found["remedy"], str(found["block"])):
        assert words in said
    for stranger in ("<img", "<script", "\x1b", "\u202e", "\x07", "\x9b"):
        assert stranger not in said


def test_wallet_why__a_symbol__is_taken_while_only_one_token_has_it(
    dustman: Typed, home: Path, chain: LocalChain, plagued: Form
) -> None:
    written(home, plagued)
    assert dustman("wallet", "why", "EIGEN", "--json").value["symbol"] == "EIGEN"
    assert dustman("wallet", "why", "MOON").exit == Exit.CONFIGURATION
    dustman("scan")
    assert dustman("wallet", "why", "MOON", "--json").value["verdict"] == "hostile"
    ended = dustman("wallet", "why", "USDC")
    assert ended.exit == Exit.CONFIGURATION
    assert all(each in ended.err for each in (chain.tokens["USDC"].address, chain.hostile["same_symbol"].address))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("NOPE", "is not known"),
        ("", "is not known"),
        ("\x1b[2J<script>", "is not known"),
        ("0x123", "is not 0x and forty"),
        (ADDRESS.replace("C51812dc", "c51812dc"), "wrong checksum"),
        ("eip155:1/erc20:" + ADDRESS, "is neither eip155:31337/erc20"),
        ("eip155:31337/slip44:60", "the coin that pays for gas"),
    ],
)
def test_wallet_why__what_names_no_token__is_refused_with_what_does(
    dustman: Typed, home: Path, account: Form, asked: str, words: str
) -> None:
    written(home, account)
    ended = dustman("wallet", "why", "--", asked)
    assert ended.exit == Exit.CONFIGURATION
    assert words in ended.err
    assert "\x1b" not in ended.err


def test_wallet_why__which_wallet__is_asked_where_there_are_several_or_none(
    dustman: Typed, home: Path, account: Form
) -> None:
    written(home, account, second=account)
    assert "main, second" in dustman("wallet", "why", "EIGEN").err
    assert dustman("wallet", "why", "EIGEN", "--account", "second").exit == Exit.DONE
    written(home, {"venue": "coinbase", "key": "env"})
    assert "no wallet" in dustman("wallet", "why", "EIGEN").err
    assert "not a wallet" in dustman("wallet", "why", "EIGEN", "--account", "main").err


def test_scheduled_scan__of_a_watched_wallet__announces_dust_that_show_explains(
    dustman: Typed, home: Path, chain: LocalChain, account: Form
) -> None:
    settings = load(written(home, account), {})
    desk = command_desk(settings, lambda _: None)
    facts = [recorded.fact for recorded in scan(desk, "main", desk.clock(), automatic=True)]
    detected = next(fact for fact in facts if isinstance(fact, DustDetected))
    assert not detected.live
    assert {lot.asset for lot in detected.lots} == {
        token(chain.chain_id, chain.tokens[name].address) for name in ("EIGEN", "DUST000")
    }
    assert {leg.kind for leg in detected.plan} == {LegKind.SWAP}
    assert "watched" in dustman("show", "eigen").out
    again = scan(desk, "main", desk.clock(), automatic=True)
    assert not [recorded for recorded in again if isinstance(recorded.fact, DustDetected)]


def test_scan__no_node__is_an_outage_on_record(dustman: Typed, home: Path, proxy: ChainProxy, account: Form) -> None:
    written(home, account)
    proxy.inject(kind="bad_gateway", calls="all")
    ended = dustman("scan")
    assert ended.exit == Exit.VENUE_UNAVAILABLE
    assert "no endpoint of chain" in ended.err
    assert "could not be reached" in dustman("status").out


def verdicts(dustman: Typed) -> dict[str, tuple[str, str]]:
    findings = dustman("doctor", "--json").value["findings"]
    return {row["check"]: (row["verdict"], row["sentence"]) for row in findings if row["check"].startswith("main")}


def test_doctor__a_wallet_that_is_well__says_so_row_by_row(
    dustman: Typed, home: Path, proxy: ChainProxy, account: Form
) -> None:
    written(home, account)
    found = verdicts(dustman)
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    name = proxy.url.removeprefix("http://")
    parts = ("schedule", f"node {name}", "contracts", "tokens", "feeds", "balances", "reading", "target")
    assert set(found) == {f"main: {part}" for part in parts}


def test_doctor__wrong_contracts__are_named(dustman: Typed, home: Path, account: Form) -> None:
    account["contracts"]["v2_router"] = ADDRESS
    account["contracts"]["tokens"]["DAI"]["decimals"] = 6
    written(home, account)
    found = verdicts(dustman)
    assert found["main: contracts"] == ("fail", "nothing stands at the address of V2 router")
    assert found["main: tokens"] == ("fail", "DAI counts in 18 decimals, not in 6")


def test_doctor__nodes_that_do_not_serve_the_chain__are_named_each(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy, account: Form
) -> None:
    written(home, {**account, "endpoints": [chain.url, proxy.url]})
    proxy.inject(kind="wrong_chain", chain_id=1, calls="all")
    found = verdicts(dustman)
    wrong = proxy.url.removeprefix("http://")
    assert found[f"main: node {wrong}"] == ("fail", f"serves chain 1, not chain {chain.chain_id}")
    assert found[f"main: node {chain.url.removeprefix('http://')}"][0] == "ok"
    assert found["main: contracts"][0] == "skip"


def test_doctor__a_node_without_overrides_and_an_old_feed__are_warnings(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy, account: Form
) -> None:
    chain.set_price("EIGEN/USD", D("1.2"), age=86_401)
    proxy.inject(kind="no_overrides", calls="all")
    written(home, account)
    found = verdicts(dustman)
    assert found["main: reading"][0] == "warn"
    assert found["main: feeds"][0] == "warn"
    assert "EIGEN/USD" in found["main: feeds"][1]


@pytest.fixture
def seller(home: Path, chain: LocalChain, account: Form) -> Form:
    """The same with a key and a delegate."""
    (home / ".env").write_text(f"DUSTMAN_MAIN_KEY_SECRET={chain.wallets[0].key}\n")
    return {**account, "selling": {"key": "env", "delegate": chain.contracts.batch_account}}


def test_doctor__a_wallet_that_sells__has_its_key_its_delegate_and_its_gas_looked_at(
    dustman: Typed, home: Path, chain: LocalChain, seller: Form
) -> None:
    written(home, seller)
    found = verdicts(dustman)
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    assert found["main: key"][1] == f"can sign for {chain.wallets[0].address}"
    assert "not delegated yet" in found["main: delegation"][1]
    assert "100.000000 of the coin" in found["main: gas"][1]


def test_doctor__a_wallet_that_cannot_sell__says_what_is_wrong(
    dustman: Typed, home: Path, chain: LocalChain, seller: Form
) -> None:
    owner = chain.wallets[0].address
    chain.rpc("anvil_setBalance", owner, "0x1")
    chain.rpc("anvil_setCode", owner, "0xef0100" + "11" * 20)
    for delegate, words in ((chain.contracts.weth, "does not say that it makes batches"), (ADDRESS, "nothing stands")):
        written(home, {**seller, "selling": {"key": "env", "delegate": delegate}})
        found = verdicts(dustman)
        assert found["main: delegate"][0] == "fail"
        assert words in found["main: delegate"][1]
    assert found["main: delegation"][0] == "fail"
    assert found["main: gas"][0] == "warn"


def test_doctor__a_wallet_that_funds_trades__tells_in_which_mode(
    dustman: Typed, home: Path, chain: LocalChain, seller: Form
) -> None:
    def found(life: str = "5 min", block_time: int = 0, **selling: object) -> tuple[str, str]:
        contracts = {**seller["contracts"], "confirmations": 64, "block_time": block_time}
        form = {**seller, "contracts": contracts, "selling": selling or None, "funding": {"life": life}}
        written(home, {key: value for key, value in form.items() if value is not None})
        verdict, words = verdicts(dustman)["main: funding"]
        return verdict, words

    assert found(key="env", delegate=chain.contracts.batch_account)[0] == "ok"
    assert "all tokens in one transaction" in found(key="env", delegate=chain.contracts.batch_account)[1]
    verdict, words = found(key="env")
    assert verdict == "ok"
    assert "three of its own" in words
    assert words.endswith("64 blocks make each final")
    assert "after about 130 s" in found(key="env", block_time=2)[1]
    verdict, words = found("1 min", key="env", block_time=2)
    assert verdict == "warn"
    assert "only WETH becomes ETH" in words
    assert found()[0] == "warn"
    slow = {**seller, "contracts": {**seller["contracts"], "block_time": "3600.5"}}
    written(home, slow)
    ended = dustman("doctor")
    assert ended.exit == Exit.CONFIGURATION
    assert "block_time: 3600.5 is above 3600" in ended.out + ended.err


def test_doctor__a_key_of_another_wallet__is_not_used(
    dustman: Typed, home: Path, chain: LocalChain, seller: Form
) -> None:
    (home / ".env").write_text(f"DUSTMAN_MAIN_KEY_SECRET={chain.wallets[1].key}\n")
    written(home, seller)
    found = verdicts(dustman)
    assert found["main: key"][0] == "fail"
    assert chain.wallets[1].key not in found["main: key"][1]
    assert found["main: nodes"][0] == "skip"


def test_doctor__a_keystore_that_others_may_read__is_a_warning(dustman: Typed, home: Path, seller: Form) -> None:
    (home / "wallet.json").write_text("{}")
    (home / "wallet.json").chmod(0o644)
    written(home, {**seller, "selling": {**seller["selling"], "key": "wallet.json"}})
    assert verdicts(dustman)["main: keystore"][0] == "warn"


def test_simulate_chain__with_settings__writes_a_file_that_scans_dust(tmp_path: Path) -> None:
    with simulated(tmp_path):
        ended = spawned("scan", "--json", cwd=tmp_path)
        assert (ended.exit, ended.err.count("Traceback")) == (Exit.DONE, 0)
        assert ended.value["kept"]["quarantined"] == 7
        assert len(ended.value["dust"]) == 20
        tried = spawned("sweep", "--dry-run", cwd=tmp_path)
        assert "only watched; accounts.wallet.selling" in tried.out
    again = spawned("simulate", "chain", "--settings", "dustman.yaml", cwd=tmp_path)
    assert again.exit == Exit.CONFIGURATION
    assert "is there already" in again.err


@contextmanager
def simulated(home: Path) -> Iterator[None]:
    """Run the local chain as a process that writes settings, until the block ends."""
    command = [str(COMMAND), "simulate", "chain", "--settings", "dustman.yaml"]
    with subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            assert json.loads(serving.stdout.readline())["ready"] == "chain"
            yield
        finally:
            serving.send_signal(signal.SIGINT)
            serving.wait(20)
