"""`dustman simulate`: venues in processes of their own that `dustman doctor` finds nothing wrong with."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from dustman.exits import Exit
from simulators.chain.rpc import Rpc
from tests.dustman.conftest import COMMAND, Typed, spawned

SERVING = ("--state", "small", "--seed", "7", "--ca-file", "ca.pem")


@pytest.mark.parametrize("venue", ["coinbase", "binance", "okx"])
def test_simulate__started__says_where_it_is_and_the_doctor_finds_it_well(
    dustman: Typed, home: Path, venue: str
) -> None:
    with subprocess.Popen(
        [COMMAND, "simulate", venue, *SERVING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home
    ) as twin:
        try:
            assert twin.stdout
            told = json.loads(twin.stdout.readline())
            assert told["ready"] == venue
            made = dustman("init", "--venue", venue, "--no-input", "--key-file", told["keys"]["owner"])
            assert made.exit == Exit.DONE
            config = home / "dustman.yaml"
            lines = f"    base_url: https://{told['base_url']}\n    ca_file: {told['ca_file']}\n"
            config.write_text(config.read_text().replace("    key: ", f"{lines}    key: "))
            found = {row["check"]: row["verdict"] for row in dustman("doctor", "--json").value["findings"]}
        finally:
            twin.send_signal(signal.SIGTERM)
            twin.wait(20)
        assert twin.returncode == Exit.DONE
    checks = ("venue", "key", "rights", "balances", "target")
    assert {name: found[f"main: {name}"] for name in checks} == dict.fromkeys(checks, "ok")


@pytest.mark.parametrize(
    ("arguments", "number", "words"),
    [
        (["--state", "missing.yaml"], Exit.CONFIGURATION, "missing.yaml"),
        (["--port", "70000"], Exit.USAGE, "65535"),
    ],
)
def test_simulate_coinbase__a_bad_option__ends_before_anything_listens(
    tmp_path: Path, arguments: list[str], number: Exit, words: str
) -> None:
    ended = spawned("simulate", "coinbase", *arguments, cwd=tmp_path)
    assert (ended.exit, ended.out) == (number, "")
    assert words in ended.err


def test_simulate_chain__started_and_interrupted__serves_and_leaves_no_process(home: Path) -> None:
    (home / "faults.yaml").write_text("faults: [{kind: wrong_chain, method: eth_chainId, chain_id: 10, calls: 2}]")
    with subprocess.Popen(
        [COMMAND, "simulate", "chain", "--dust", "1", "--chain-id", "42161", "--faults", "faults.yaml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
    ) as serving:
        try:
            assert serving.stdout
            told = json.loads(serving.stdout.readline())
            proxy, node = Rpc(told["url"]), Rpc(told["node_url"])
            assert (
                [int(proxy("eth_chainId"), 16) for _ in range(3)] == [42161, 10, 42161] == [told["chain_id"], 10, 42161]
            )
            for address in (told["contracts"]["multicall3"], told["tokens"]["USDC"]["address"]):
                assert node("eth_getCode", address, "latest") != "0x"
            assert int(node("eth_getBalance", told["wallets"][0]["address"], "latest"), 16) == 100 * 10**18
            assert set(told["tokens"]) >= {
                "USDC",
                "USDT",
                "DAI",
                "WETH",
                "wstETH",
                "weETH",
                "EIGEN",
                "ETHFI",
                "DUST000",
            }
        finally:
            serving.send_signal(signal.SIGINT)
            serving.wait(20)
        assert serving.returncode == Exit.DONE
    for rpc in (proxy, node):
        rpc.close()
        with pytest.raises(ConnectionRefusedError):
            rpc("eth_chainId")


def test_simulate_chain__a_bad_fault__ends_before_anything_listens(tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text("faults: [{kind: earthquake}]")
    ended = spawned("simulate", "chain", "--faults", "faults.yaml", cwd=tmp_path)
    assert (ended.exit, ended.out) == (Exit.CONFIGURATION, "")
    assert "earthquake" in ended.err
