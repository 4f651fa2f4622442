"""A wallet that sells, at the command line: dry run, go-live, sweep, halt, resume, on the local chain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.settings import load
from dustman.wallet_keys import signer_of
from dustman.wiring import open_wallet
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import watched
from tests.dustman.conftest import Typed
from tests.wallets import foreign
from venues.evm.keyed import KeyedWallet

Form = dict[str, Any]


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url, geth=True) as proxy:
        yield proxy


def selling(chain: LocalChain, url: str, **changes: object) -> Form:
    form = {"delegate": chain.contracts.batch_account, **changes}
    return {**watched(chain, url), "threshold": 50, "target": "WETH", "caps": {"per_sweep": 500, "per_day": 500}} | {
        "selling": form
    }


def keystore(key: str, password: str) -> str:
    """An encrypted key as wallets export it, of little work so that tests are fast."""
    return json.dumps(Account.encrypt(bytes.fromhex(key[2:]), password, iterations=2))


def written(home: Path, account: Form, secrets: dict[str, str]) -> Path:
    config = home / "dustman.yaml"
    config.write_text(json.dumps({"accounts": {"main": account}}))
    (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
    return config


def test_wallet__that_sells__goes_live_and_is_swept(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy
) -> None:
    wallet = chain.wallets[0]
    chain.hand_out([("DUST000", wallet.address, 10**19), ("EIGEN", wallet.address, 10**19)])
    config = written(home, selling(chain, proxy.url), {"DUSTMAN_MAIN_KEY_SECRET": wallet.key})
    assert wallet.key not in repr(load(config, {})) + repr(open_wallet(load(config, {}), "main"))
    assert dustman("sweep", "main").exit == Exit.REFUSED_BY_POLICY
    assert dustman("sweep", "main", "--dry-run").exit == Exit.DONE
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE
    assert dustman("halt", "main").exit == Exit.DONE
    assert dustman("sweep", "main").exit == Exit.REFUSED_BY_POLICY
    assert dustman("resume", "main").exit == Exit.DONE
    ended = dustman("sweep", "main", "--json")
    assert ended.exit == Exit.DONE, ended.err
    assert len(ended.value["lots"]) == 2
    assert chain.balance("DUST000", wallet.address) == chain.balance("EIGEN", wallet.address) == 0
    assert "live" in dustman("status").out
    assert dustman("sweep", "main").exit == Exit.NOTHING_TO_DO
    assert wallet.key[2:] not in dustman("audit", "verify").out + dustman("events", "--json").out


def test_tables__in_a_window_of_150_columns__call_tokens_by_name_and_keep_their_notes(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    wallet = chain.wallets[0]
    chain.hand_out([("DUST000", wallet.address, 10**18 + 1), ("EIGEN", wallet.address, 10**19 + 1)])
    written(home, selling(chain, proxy.url), {"DUSTMAN_MAIN_KEY_SECRET": wallet.key})
    tried = dustman("sweep", "main", "--dry-run").out
    assert "10.000000000000000001 EIGEN" in tried
    assert "WETH would arrive" in tried
    assert "venue's preview" in tried
    caps = dustman("go-live", "main", "--confirm", "main").err
    assert "becomes WETH" in caps
    swept, replayed = dustman("sweep", "main").out, dustman("replay").out
    for table in (tried, caps, swept, replayed):
        assert not any(chain.tokens[name].address in table for name in ("EIGEN", "WETH"))
    for table in (swept, replayed):
        assert "EIGEN" in table
        assert "bps to" in table
        assert chain.tokens["DUST000"].address[:12] in table


def test_wallet__with_a_transaction_in_flight__is_told_what_its_nodes_say_and_what_to_do(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy
) -> None:
    def looked() -> dict[str, str]:
        rows = dustman("doctor", "--json").value["findings"]
        found: dict[str, str] = next(row for row in rows if row["check"] == "main: in flight")
        return found

    wallet = chain.wallets[0]
    chain.hand_out([("DUST000", wallet.address, 10**19)])
    written(home, selling(chain, proxy.url), {"DUSTMAN_MAIN_KEY_SECRET": wallet.key})
    dustman("sweep", "main", "--dry-run")
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE
    assert (looked()["verdict"], looked()["sentence"]) == ("ok", "nothing")
    assert "in flight" not in dustman("status").out
    chain.automine(False)
    assert dustman("sweep", "main").exit == Exit.OUTCOME_UNKNOWN
    assert "under nonce 0, since" in dustman("status", "--json").value["in_flight"]
    assert looked()["sentence"].endswith("in no block yet: it waits in the pool")
    chain.rpc("anvil_dropAllTransactions")
    assert looked()["sentence"].endswith("no node has it; the next worker sends it")
    proxy.inject(kind="swallowed", method="eth_sendRawTransaction", calls="all")
    chain.automine(True)
    foreign.send(chain, wallet, chain.wallets[1].address)
    used_in = chain.block_number()
    chain.mine(3)
    told = looked()
    assert told["verdict"] == "warn"
    assert f"used by a transaction that is not ours, in block {used_in}" in told["sentence"]
    dustman("sweep", "main")
    told = looked()
    assert told["verdict"] == "warn"
    assert "the owner has to look" in told["sentence"]
    assert "`dustman resume`" in told["fix"]
    assert "whose nonce others used" in dustman("status", "--json").value["in_flight"]


def test_dry_run__of_a_wallet__takes_gas_off_and_names_what_it_would_eat(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy
) -> None:
    wallet = chain.wallets[0]
    chain.hand_out([("DUST000", wallet.address, 10**15), ("EIGEN", wallet.address, 10**19)])
    written(home, selling(chain, proxy.url), {"DUSTMAN_MAIN_KEY_SECRET": wallet.key})
    before = proxy.counts()["requests"]
    run = dustman("sweep", "main", "--dry-run", "--json").value
    assert proxy.counts()["requests"] - before <= 7
    crumb, eigen = sorted(run["legs"], key=lambda leg: Decimal(leg["spend"]["quantity"]))
    assert crumb["offer"]["sentence"].startswith("gas at ")
    assert run["refused"] == 1
    assert [fee["asset"] for fee in eigen["offer"]["fees"]] == ["eip155:31337/slip44:60"]
    assert run["net"]["quantity"] == eigen["offer"]["receive"]["quantity"]
    drawn = dustman("sweep", "main", "--dry-run").out
    assert re.search(r" 10 EIGEN +0\.0\d+ WETH ", drawn), drawn
    assert chain.contracts.weth not in drawn


def test_wallet__with_rewards__claims_redeems_and_sells_in_one_sweep(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy
) -> None:
    wallet = chain.wallets[0]
    (home / "king.json").write_text(json.dumps(chain.entitle_king({wallet.address: 10**17})))
    form = {**selling(chain, proxy.url), "rewards": {"king": "king.json"}}
    written(home, form, {"DUSTMAN_MAIN_KEY_SECRET": wallet.key})
    assert dustman("sweep", "main", "--dry-run").exit == Exit.NOTHING_TO_DO
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE
    ended = dustman("sweep", "main", "--wait", "--json")
    assert ended.exit == Exit.DONE, ended.err
    assert {row["state"] for row in ended.value["lots"]} == {"converted"}
    assert len(ended.value["lots"]) == 2
    said = dustman("events").out
    assert "king_claim brought 0.1" in said
    assert "king_redeem brought" in said
    assert all(chain.balance(name, wallet.address) == 0 for name in ("KING", "EIGEN", "ETHFI"))
    assert dustman("export", "--format", "koinly").out.count(",reward,") == 1


def test_keystore__with_its_password__is_unlocked_once(home: Path, chain: LocalChain) -> None:
    wallet = chain.wallets[0]
    (home / "wallet.json").write_text(keystore(wallet.key, "a good password"))
    (home / "password").write_text("a good password\n")
    config = written(home, selling(chain, chain.url, key="wallet.json", password_file="password"), {})
    settings = load(config, {})
    signer = signer_of(settings, "main")
    assert signer.address == wallet.address
    assert signer_of(load(config, {}), "main") is signer
    assert isinstance(open_wallet(settings, "main"), KeyedWallet)
    with pytest.raises(TypeError, match="has a key"):
        __import__("pickle").dumps(signer)


@pytest.mark.parametrize(
    ("change", "secrets", "words"),
    [
        ({}, {}, "DUSTMAN_MAIN_KEY_SECRET is not set"),
        ({}, {"DUSTMAN_MAIN_KEY_SECRET": "0x12"}, "DUSTMAN_MAIN_KEY_SECRET: key: is not 0x and 64 hex"),
        ({}, {"DUSTMAN_MAIN_KEY_SECRET": "0x" + "11" * 32}, "the key is that of 0x19E7"),
        ({"key": "none.json"}, {"DUSTMAN_MAIN_PASSWORD_SECRET": "long enough"}, "none.json: cannot be read"),
        ({"key": "wallet.json"}, {"DUSTMAN_MAIN_PASSWORD_SECRET": "a wrong one"}, "its password is another one"),
        ({"key": "wallet.json"}, {}, "DUSTMAN_MAIN_PASSWORD_SECRET is not set"),
        ({"key": "other.json"}, {"DUSTMAN_MAIN_PASSWORD_SECRET": "long enough"}, "is no keystore of version 3"),
        ({"slippage": 1}, {}, "slippage: "),
        ({"confirmations": 0}, {}, "0 blocks make nothing final"),
        ({"ceiling": 0}, {}, "ceiling: "),
        ({"delegate": "0x12"}, {}, "delegate: "),
        ({"relay": "ftp://relay"}, {}, "relay: "),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_key__that_is_missing_or_another__is_named_and_not_shown(
    home: Path, chain: LocalChain, change: Form, secrets: dict[str, str], words: str
) -> None:
    (home / "wallet.json").write_text(keystore(chain.wallets[0].key, "good"))
    (home / "other.json").write_text('{"version": 3}')
    config = written(home, selling(chain, chain.url, **change), secrets)
    with pytest.raises(ConfigurationError) as caught:
        signer_of(load(config, {}), "main")
    assert words in str(caught.value)
    assert not any(secret in str(caught.value) for secret in secrets.values())
