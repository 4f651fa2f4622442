"""Two strategies, an approval and the balancer at once, as `dustman up` runs them for an owner."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from dustman.approval import DustApproval
from dustman.exits import Exit
from dustman.gate import DustGate
from dustman.redis_server import free_port
from dustman.settings import Settings, load
from dustman.wiring import open_log
from events.facts import Fact, InstructionsApproved, TransactionSigned
from events.log import EventLog
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import watched
from tests.dustman.conftest import Typed
from tests.dustman.test_alerts import Service
from tests.dustman.test_metrics import scrape
from tests.dustman.test_up import Up, up
from tests.dustman.test_webhooks import until
from tests.redis_server import RedisServer
from venues.evm.registry import asset_of

ETHER = 10**18
WALLETS = ("treasury", "second")
STRATEGY = """\
mode: eth_leveraged
share_class: ETH
asset: ETH
lst_type: weeth
staking_enabled: true
dust_delta: 0.002
dust_monitoring_interval: 1
accounts: [{account}]
"""
# Nothing takes that long: it bounds a test that would fail.
BOUND = 40.0


@dataclass(frozen=True)
class Owner:
    """Who has a wallet for `loop` and for trades, and another for `desk`, whose sales are approved."""

    chain: LocalChain
    proxy: ChainProxy
    settings: Settings
    log: EventLog
    service: Service
    redis: RedisServer
    home: Path
    port: int

    def give(self, account: str, **gifts: int) -> None:
        """Hand out whole tokens."""
        to = self.chain.wallets[WALLETS.index(account)].address
        self.chain.hand_out([(name, to, units * ETHER) for name, units in gifts.items()])

    def holds(self, account: str) -> dict[str, Decimal]:
        """Say what the chain itself says that a wallet has, exactly, by asset."""
        wallet, where = self.chain.wallets[WALLETS.index(account)], self.settings.wallet(account).where()
        return {
            asset_of(where, name): Decimal(self.chain.balance(name, wallet.address)).scaleb(-18)
            for name in ("ETH", "WETH", "DAI", "EIGEN", "ETHFI", "weETH")
        }

    def count(self, kind: type[Fact]) -> int:
        return sum(isinstance(each.fact, kind) for each in self.log.read())

    def waits_for(self, true: Callable[[], bool]) -> None:
        until(true, BOUND)


@pytest.fixture
def owner(home: Path, chain: LocalChain, dustman: Typed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """An owner who follows the how-tos up to `go-live`."""
    (home / "strategies").mkdir()
    for strategy, account in (("loop", "treasury"), ("desk", "second")):
        (home / "strategies" / f"{strategy}.yaml").write_text(STRATEGY.format(account=account))
    port = free_port()
    with (
        ChainProxy(chain.url, geth=True) as proxy,
        RedisServer(tmp_path_factory.mktemp("redis")) as redis,
        Service() as service,
    ):
        config = home / "dustman.yaml"
        config.write_text(json.dumps(written(chain, proxy.url, redis, port)))
        keys = (f"DUSTMAN_{name.upper()}_KEY_SECRET={chain.wallets[at].key}\n" for at, name in enumerate(WALLETS))
        (home / ".env").write_text("".join((*keys, f"DUSTMAN_ALERTS_TEAM={service.url('team')}\n")))
        settings = load(config, os.environ)
        for account in WALLETS:
            assert dustman("sweep", account, "--dry-run").exit == Exit.NOTHING_TO_DO
            assert dustman("go-live", account, "--confirm", account).exit == Exit.DONE
        log = open_log(settings)
        yield Owner(chain, proxy, settings, log, service, redis, home, port)
        log.close()


def written(chain: LocalChain, url: str, redis: RedisServer, port: int) -> dict[str, Any]:
    accounts = {
        name: {
            **watched(chain, url),
            "address": chain.wallets[at].address,
            "caps": {"per_sweep": 5000, "per_day": 50000},
            "selling": {"delegate": chain.contracts.batch_account},
        }
        for at, name in enumerate(WALLETS)
    }
    return {
        "redis": {"url": redis.url(0).removesuffix("/0")},
        "strategies": "strategies",
        "approval": {"desk": {"expires_after": "5 min"}},
        "reconcile": {"every": "1 s"},
        "metrics": {"port": port},
        "alerts": {"targets": {"team": {"url": "env:DUSTMAN_ALERTS_TEAM"}}},
        "accounts": {**accounts, "treasury": {**accounts["treasury"], "funding": {}}},
    }


@contextmanager
def asked(owner: Owner, *trades: str) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Ask for ETH for trades at once, as a service without our code does; what is given returns the answers."""
    broker = owner.settings.redis.broker_url
    with Celery(broker=broker, backend=broker) as app, ThreadPoolExecutor(len(trades)) as at_once:

        def ask(trade: str) -> dict[str, Any]:
            words = ["treasury", "0.05", trade, 30]
            told = app.send_task("dustman.ensure_eth", words, queue="converter", expires=BOUND)
            answer: dict[str, Any] = told.get(timeout=BOUND)
            return answer

        under_way = [at_once.submit(ask, trade) for trade in trades]
        yield lambda: [each.result(BOUND) for each in under_way]


def killed_in_the_middle(owner: Owner, running: Up, rewards: int) -> None:
    """Kill the converter between the sending of a sweep and its block."""
    owner.chain.automine(False)
    signed = owner.count(TransactionSigned)
    owner.give("treasury", EIGEN=rewards)
    owner.waits_for(lambda: owner.count(TransactionSigned) > signed)
    os.killpg(running.pids["converter"], signal.SIGKILL)
    owner.chain.automine(True)
    owner.chain.mine()


@pytest.mark.timeout(120)
def test_up__strategies_approval_and_trades_at_once__agree_with_the_chain_to_the_last_unit(
    owner: Owner, dustman: Typed
) -> None:
    chain = owner.chain
    owner.give("treasury", DAI=700, weETH=1)
    owner.give("second", weETH=10)
    chain.rpc("anvil_setBalance", chain.wallets[0].address, hex(3 * ETHER // 100))
    before = {name: owner.holds(name) for name in WALLETS}
    eigen = asset_of(owner.settings.wallet("treasury").where(), "EIGEN")
    gate, desk = DustGate.of(owner.settings), DustApproval(owner.settings, by="execution manager")
    with up(owner.home, owner.redis) as running, asked(owner, "order-1", "order-2") as answers:
        owner.give("treasury", EIGEN=200)
        owner.give("second", EIGEN=800)
        owner.service.waits_for(lambda: "desk: approval awaited" in owner.service.titles(), BOUND)
        assert not gate.may_rebalance("desk")
        waiting = desk.waiting("desk")
        assert waiting
        desk.approve("desk", waiting.measure_id)
        told = answers()
        owner.waits_for(lambda: all(owner.holds(name)[eigen] == 0 for name in WALLETS))
        killed_in_the_middle(owner, running, 150)
        owner.waits_for(lambda: owner.holds("treasury")[eigen] == 0 and gate.may_rebalance("loop"))
        assert scrape(owner.port).value("dustman_log_position") > 0
        assert running.told(signal.SIGINT) == Exit.DONE
    assert {each["answer"] for each in told} <= {"covered", "converted"}
    assert len({each["reservation_id"] for each in told}) == 2
    assert owner.count(InstructionsApproved) == 1
    assert "converter was ended by SIGKILL" in (owner.home / "stderr").read_text()
    ledger = dustman("replay", "--json").value["ledger"]
    given = {"treasury": 350, "second": 800}
    for name in WALLETS:
        moved = {asset: Decimal(change) for asset, change in ledger[name].items()}
        for asset, held in owner.holds(name).items():
            gift = given[name] if asset == eigen else 0
            assert held == before[name][asset] + gift + moved.get(asset, Decimal(0)), (name, asset)
    assert dustman("audit", "verify").exit == Exit.DONE
