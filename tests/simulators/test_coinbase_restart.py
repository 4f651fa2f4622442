"""The Coinbase twin stopped and started again, in this process and as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from coinbase.rest import RESTClient

from domain.errors import ConfigurationError
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import admin, client_of, placed

ROOT = Path(__file__).resolve().parents[2]


def test_twin__restarted_from_its_snapshot__carries_on(tmp_path: Path) -> None:
    kept = tmp_path / "coinbase.json"
    with CoinbaseTwin(small(convert={"reads": 1}), snapshot=kept) as twin, client_of(twin) as client:
        port = twin.port
        order_id = placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))
        trade_id = client.create_convert_quote("USD", "USDC", "1").trade.id
        client.commit_convert_trade(trade_id, "USD", "USDC")
        admin(twin, "POST", "/clock", {"seconds": "7200"})
        admin(twin, "POST", "/books", {"product": "XLM-USDC", "price": "0.2"})
        order, ledger, time = client.get_order(order_id), twin.ledger(), admin(twin, "GET", "/health")["time"]
    with CoinbaseTwin(small(convert={"reads": 1}), snapshot=kept, port=port) as twin, client_of(twin) as client:
        assert twin.ledger() == ledger
        assert admin(twin, "GET", "/health")["time"] > time
        assert client.get_order(order_id).to_dict() == order.to_dict()
        assert placed(client.market_order_sell("one", "XLM-USDC", base_size="3")) == order_id
        assert placed(client.market_order_sell("two", "XLM-USDC", base_size="3")) != order_id
        assert client.get_fills().fills[0].price == "0.1998"
        statuses = [client.get_convert_trade(trade_id, "USD", "USDC").trade.status for _ in range(2)]
        assert statuses == ["TRADE_STATUS_STARTED", "TRADE_STATUS_COMPLETED"]


def test_snapshot__of_another_seed_or_of_something_else__is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "coinbase.json"
    with CoinbaseTwin(small(), seed=1, snapshot=kept) as twin:
        admin(twin, "GET", "/health")
    with pytest.raises(ConfigurationError, match="seed: 2: must be 1"):
        CoinbaseTwin(small(), seed=2, snapshot=kept)
    kept.write_text("{}")
    with pytest.raises(ConfigurationError, match="is not a snapshot"):
        CoinbaseTwin(small(), snapshot=kept)


@pytest.mark.parametrize("doors", [("port", "port"), ("port", "admin_port"), ("admin_port", "port")])
def test_port__that_is_taken__is_named(doors: tuple[str, str]) -> None:
    with CoinbaseTwin(small()) as twin:
        taken = {"port": twin.port, "admin_port": int(twin.admin_url.rsplit(":", 1)[1])}[doors[0]]
        with pytest.raises(ConfigurationError, match=f"port: {taken}: must be a free port"):
            CoinbaseTwin(small(), **{doors[1]: taken})  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="port: 80000: must be a free port from 0 to 65535"):
        CoinbaseTwin(small(), port=80000)


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Start a twin as a process and wait for its ready line; it is killed if the test did not end it."""
    command = [sys.executable, "-m", "simulators.coinbase", *options]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            assert running.stdout is not None
            yield running, json.loads(running.stdout.readline())
        finally:
            running.kill()


@contextmanager
def sdk(ready: dict[str, Any]) -> Iterator[Any]:
    client = RESTClient(key_file=ready["keys"]["owner"], base_url=ready["base_url"], timeout=5)
    client.session.verify = ready["ca_file"]
    client.session.trust_env = False
    with client.session:
        yield client


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_process__told_to_end__ends_quietly_and_well(tmp_path: Path, end: signal.Signals) -> None:
    with process("--state", "small", "--ca-file", str(tmp_path / "ca.pem")) as (running, ready):
        with sdk(ready) as client:
            assert client.get_accounts().size == 6
            running.send_signal(end)
            assert running.wait(5) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""
    assert (tmp_path / "owner.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "ca-server.pem").stat().st_mode & 0o777 == 0o600


def test_process__killed_in_the_middle__is_found_again_as_it_was(tmp_path: Path) -> None:
    options = ["--state", "small", "--ca-file", str(tmp_path / "ca.pem"), "--snapshot", str(tmp_path / "kept.json")]
    with process(*options) as (running, ready):
        with sdk(ready) as client:
            order_id = placed(client.market_order_sell("one", "ADA-USDC", base_size="1"))
        running.send_signal(signal.SIGKILL)
        running.wait(5)
    with process(*options, "--port", str(ready["port"])) as (running, again), sdk(again) as client:
        assert again["ca_file"] == ready["ca_file"]
        assert client.get_order(order_id).order.status == "FILLED"
        with urllib.request.urlopen(again["admin_url"] + "/ledger", timeout=5) as reply:
            assert len(json.load(reply)["movements"]) == 3


def test_process__with_files_of_its_owner__obeys_them(tmp_path: Path) -> None:
    scenario, faults = tmp_path / "scenario.yaml", tmp_path / "faults.yaml"
    scenario.write_text(
        """
keys: {reader: {scopes: [view], algorithm: es256}, owner: {}}
wallets:
  ADA: {available: "10"}
products:
  ADA-USDT:
    base_increment: "0.01"
    quote_increment: "0.0001"
    base_min_size: "0.01"
    book: {bids: [["0.392", "1000"]]}
"""
    )
    faults.write_text("faults: [{kind: slow, endpoint: list_accounts, seconds: '0.01'}]")
    options = ("--state", str(scenario), "--faults", str(faults), "--key-directory", str(tmp_path / "keys"))
    with process(*options, "--verbose") as (running, ready), sdk(ready) as client:
        assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["owner.json", "reader.json"]
        placed(client.market_order_sell("one", "ADA-USDT", base_size="10"))
        running.send_signal(signal.SIGTERM)
        running.wait(5)


@pytest.mark.parametrize(
    ("option", "text", "sentence"),
    [
        ("--state", 'taker_fee: "-1"', "taker_fee: '-1': must be zero or above"),
        ("--faults", "faults: [{kind: reset}]", "faults.0.reset.endpoint: Field required"),
    ],
)
def test_process__with_a_mistake_in_a_file__says_so_and_starts_nothing(
    tmp_path: Path, option: str, text: str, sentence: str
) -> None:
    path = tmp_path / "mistake.yaml"
    path.write_text(text)
    command = [sys.executable, "-m", "simulators.coinbase", option, str(path)]
    ended = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"{path}: {sentence}\n")
