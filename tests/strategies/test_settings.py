"""Strategy files: exactly one form, every mistake by file, line and key, and what belongs to them in each account."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from domain.decision import fingerprint
from domain.errors import ConfigurationError
from dustman.desk import mandates
from dustman.settings import Settings, load
from dustman.wiring import open_equity
from workers.equity import Supplied
from workers.schedule import Every

WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
ACCOUNTS = {
    "wallet": {"venue": "evm", "chain": "ethereum", "address": WALLET, "endpoints": ["http://127.0.0.1:1"]},
    "desk": {"venue": "coinbase", "target": "ETH"},
    "hodl": {"venue": "coinbase", "key": "hodl.json"},
    "euros": {"venue": "coinbase", "key": "euros.json", "target": "ETH", "currency": "EUR", "hubs": ["EUR"]},
}
LOOP = """\
mode: "eth_leveraged"
share_class: "ETH"            # USDT or ETH; never guessed from the mode's name
asset: "ETH"                  # BTC or ETH
lst_type: "weeth"             # weeth, wsteth or none
staking_enabled: true
dust_delta: 0.002             # 20 bps of equity
dust_monitoring_interval: 300
dust_conversion_venue: "binance"            # preferred; optional
dust_conversion_path: ["EIGEN", "USDT", "ETH"]   # preferred; optional
accounts: [wallet, desk]
"""
MAINNET = {
    "ETH": "eip155:1/slip44:60",
    "WETH": "eip155:1/erc20:0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    "weETH": "eip155:1/erc20:0xCd5fE23C85820F7B72D0926FC9b05b43E359b7ee",
    "eETH": "eip155:1/erc20:0x35fA164735182de50811E8e2E824cFb9B6118ac2",
    "USDT": "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7",
}


def settings(home: Path, files: dict[str, str], **others: object) -> Settings:
    folder = home / "strategies"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    config = home / "dustman.yaml"
    config.write_text(json.dumps({"accounts": ACCOUNTS, "strategies": "strategies", **others}))
    return load(config, {})


def complaint(home: Path, text: str, name: str = "loop.yaml") -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings(home, {name: text})
    return str(caught.value)


def test_load__a_strategy_in_the_given_form__is_a_charter_in_each_accounts_assets(tmp_path: Path) -> None:
    read = settings(tmp_path, {"loop.yaml": LOOP})
    charter = read.charter("loop")
    assert (charter.mode, charter.share_class, charter.asset, charter.lst) == ("eth_leveraged", "ETH", "ETH", "weeth")
    assert charter.delta == Decimal("0.002") and charter.expects_rewards
    assert set(charter.belongs["wallet"]) == {MAINNET[name] for name in ("ETH", "WETH", "weETH", "eETH")}
    assert charter.belongs["desk"] == ("coinbase:ETH", "coinbase:WEETH")
    assert charter.steps["wallet"] == (MAINNET["USDT"], MAINNET["ETH"])
    assert charter.steps["desk"] == ("coinbase:USDT", "coinbase:ETH")
    assert read.intervals["loop"] == Every(300)
    assert read.strategies_with("desk") == ("loop",) and read.strategies_with("hodl") == ()


def test_policy__of_an_account__has_what_belongs_and_another_fingerprint(tmp_path: Path) -> None:
    read = settings(tmp_path, {"loop.yaml": LOOP})
    own, policy = read.account("wallet").policy(), read.policy("wallet")
    assert own.belongs is None and policy.belongs == tuple(sorted(read.charter("loop").belongs["wallet"]))
    assert policy.expects_rewards
    assert fingerprint(own) != fingerprint(policy)
    assert read.policy("hodl") == read.account("hodl").policy()
    assert mandates(read)["wallet"].policy == policy
    assert mandates(read)["wallet"].strategies == ("loop",)


def test_policy__of_an_account_of_two__has_what_belongs_to_either(tmp_path: Path) -> None:
    other = LOOP.replace('"ETH"            # USDT', '"USDT"            # USDT').replace('"weeth"', '"wsteth"')
    read = settings(tmp_path, {"loop.yaml": LOOP, "other.yaml": other})
    policy = read.policy("wallet")
    assert set(policy.belongs or ()) >= {MAINNET["USDT"], MAINNET["weETH"]}
    assert policy.expects_rewards and not read.charter("other").expects_rewards
    assert read.policy("desk").belongs == ("coinbase:ETH", "coinbase:USDT", "coinbase:WEETH", "coinbase:WSTETH")


def test_load__without_what_is_optional__prefers_nothing(tmp_path: Path) -> None:
    bare = "\n".join(line for line in LOOP.splitlines() if "preferred" not in line)
    charter = settings(tmp_path, {"loop.yaml": bare}).charter("loop")
    assert (charter.venue, charter.prefers_path, dict(charter.steps)) == ("", False, {})
    assert charter.tolerance == Decimal("0.005")


@pytest.mark.parametrize("written", ["0", "0.02", "'0.02'"])
def test_load__a_tolerance_for_the_preferred_path__is_the_strategys(tmp_path: Path, written: str) -> None:
    read = settings(tmp_path, {"loop.yaml": f"{LOOP}dust_path_tolerance: {written}\n", "other.yaml": LOOP})
    assert read.charter("loop").tolerance == Decimal(written.strip("'"))
    assert read.charter("other").tolerance == Decimal("0.005")
    bare = settings(tmp_path, {"loop.yaml": LOOP})
    assert fingerprint(read.policy("wallet")) == fingerprint(bare.policy("wallet"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mode:", "modus:", "line 1, modus: is not a key here, did you mean mode?"),
        ('share_class: "ETH"', "", "share_class: is missing"),
        ('share_class: "ETH"', 'share_class: "USDC"', 'line 2, share_class: "USDC" is not USDT or ETH'),
        ('asset: "ETH"', 'asset: "SOL"', 'line 3, asset: "SOL" is not BTC or ETH'),
        ('asset: "ETH"', 'asset: "BTC"', "lst_type: weeth is a staking token of ETH, but asset is BTC"),
        ('"weeth"', '"reth"', 'line 4, lst_type: "reth" is not weeth, wsteth or none'),
        ('"weeth"', '"none"', "lst_type: staking_enabled is true, so a staking token is held; name it"),
        ("true", "yes", 'line 5, staking_enabled: "yes" is not true or false'),
        ("0.002", "0", "line 6, dust_delta: "),
        ("0.002", "1", "line 6, dust_delta: "),
        ("0.002", "-0.1", "line 6, dust_delta: "),
        ("0.002", "NaN", "line 6, dust_delta: "),
        ("0.002", "20 bps", "is not a share of equity above zero and below 1, such as 0.002 for 20 bps"),
        ("300", "0", "line 7, dust_monitoring_interval: "),
        ("300", "5 min", "is not a whole number of seconds from 1 to"),
        ('"binance" ', '"Binance!" ', "line 8, dust_conversion_venue: "),
        ('["EIGEN", "USDT", "ETH"]', '["EIGEN"]', "line 9, dust_conversion_path: is no way from one token to another"),
        ('["EIGEN", "USDT", "ETH"]', '["EIGEN", "ETH", "EIGEN"]', "dust_conversion_path: is no way"),
        ('["EIGEN", "USDT", "ETH"]', '["EIGEN", "USDT"]', "ends in USDT, which is dust again; end it in ETH"),
        ('["EIGEN", "USDT", "ETH"]', "EIGEN", 'line 9, dust_conversion_path: "EIGEN" is not a list'),
        *(
            ("accounts:", f"dust_path_tolerance: {wrong}\naccounts:", "line 10, dust_path_tolerance: ")
            for wrong in ("1", "-0.1", "NaN", "much", "'5 %'", "[0.1]", "", "0x1", "1e-400")
        ),
        ("[wallet, desk]", "[]", "line 10, accounts: is empty"),
        ("[wallet, desk]", "[wallet, wallet]", "line 10, accounts: names an account twice"),
        ("[wallet, desk]", "[wallet, vault]", "line 10, accounts[1]: there is no account 'vault'; there are wallet"),
        ("[wallet, desk]", "[wallet, hodl]", "accounts[1]: hodl converts into BTC, which is dust again; set its"),
        ("[wallet, desk]", "[wallet, euros]", "line 10, accounts: count in EUR and in USD; one currency is needed"),
        ("accounts:", "accounts: [desk]\naccounts:", "is there already, in line 10"),
        ('mode: "eth_leveraged"', "mode: \u2620", "line 1, mode: "),
    ],
)
def test_load__a_mistake__names_file_line_key_and_what_is_accepted(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    said = complaint(tmp_path, LOOP.replace(old, new, 1))
    assert f"{tmp_path / 'strategies' / 'loop.yaml'}: " in said
    assert words in said


@pytest.mark.parametrize("name", ["loop.yml", "loop", "a b.yaml", "\u00fc.yaml", ".yaml.txt"[1:]])
def test_load__a_file_that_is_no_strategy__is_not_passed_over(tmp_path: Path, name: str) -> None:
    assert "is no strategy" in complaint(tmp_path, LOOP, name)


def test_load__every_other_file__is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    assert "is empty" in complaint(tmp_path, "")
    assert "is not a mapping" in complaint(tmp_path, "- a")
    assert "is not YAML" in complaint(tmp_path, "a: [")
    assert "is not a key here" in complaint(tmp_path, LOOP + "equity: 5\n")


def test_load__no_folder__is_an_error_and_an_empty_one_is_none(tmp_path: Path) -> None:
    assert settings(tmp_path, {}).charters == {}
    (tmp_path / "strategies" / ".gitkeep").touch()
    assert settings(tmp_path, {}).charters == {}
    with pytest.raises(ConfigurationError, match=r"strategies: .*nowhere cannot be read"):
        settings(tmp_path, {}, strategies="nowhere")


@pytest.mark.parametrize(
    ("equity", "words"),
    [
        ({"other": {"redis": "equity:other"}}, "equity: there is no strategy 'other'; the folder has loop"),
        ({"loop": {}}, "equity.loop: has neither redis nor url, or both"),
        ({"loop": {"redis": "a", "url": "http://127.0.0.1/"}}, "equity.loop: has neither redis nor url, or both"),
        ({"loop": {"url": "http://example.com/"}}, "equity.loop.url: what stands there (not shown) is not https://"),
        ({"loop": {"redis": "a b"}}, "equity.loop.redis: "),
        ({"loop": {"redis": "a", "max_age": "soon"}}, "equity.loop.max_age: "),
    ],
)
def test_load__equity_that_nobody_could_supply__is_an_error(
    tmp_path: Path, equity: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, {"loop.yaml": LOOP}, equity=equity)
    assert words in str(caught.value)


def test_open_equity__a_url__shows_neither_path_nor_query(tmp_path: Path) -> None:
    read = settings(tmp_path, {"loop.yaml": LOOP}, equity={"loop": {"url": "https://host/path?token=secret"}})
    source = open_equity(read, "loop")
    assert isinstance(source, Supplied)
    assert source.source == "https://host:443"


def test_load__approval__is_a_time_for_each_strategy_that_is_named(tmp_path: Path) -> None:
    read = settings(tmp_path, {"loop.yaml": LOOP, "other.yaml": LOOP}, approval={"loop": {"expires_after": "1 h"}})
    assert {name: each.expires_after for name, each in read.approval.items()} == {"loop": 3600}
    assert settings(tmp_path, {}, approval={"other": {}}).approval["other"].expires_after == 600


@pytest.mark.parametrize(
    ("approval", "words"),
    [
        ({"third": {}}, "approval: there is no strategy 'third'; the folder has loop"),
        ({"loop": {"expires_after": "soon"}}, "approval.loop.expires_after: "),
        ({"loop": {"expires_after": "0 s"}}, "approval.loop.expires_after: "),
        ({"loop": {"expires": "1 h"}}, "approval.loop.expires: is not a key here"),
        ({"loop": True}, "approval.loop: "),
    ],
)
def test_load__an_approval_that_cannot_be__is_an_error(tmp_path: Path, approval: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, {"loop.yaml": LOOP}, approval=approval)
    assert words in str(caught.value)
