"""ETH for trades from outside: at the command line, from a service's code, as tasks."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from domain.errors import ConfigurationError, RefusedByPolicy
from dustman.balancer import Balancer, ensure_sufficient_eth_for_trade, eth_for_trade, get_smart_balance_status
from dustman.desk import command_desk
from dustman.exits import Exit
from dustman.settings import load
from events.facts import FundingDeclined, ReservationReleased
from events.values import FundingAnswer, Release
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import watched
from tests.dustman.conftest import Typed
from tests.dustman.test_up import up
from tests.dustman.test_webhooks import until
from tests.redis_server import RedisServer

D = Decimal
Form = dict[str, Any]
ETHER = 10**18


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url, geth=True) as proxy:
        yield proxy


def funded(chain: LocalChain, url: str, **changes: object) -> Form:
    return {
        **watched(chain, url),
        "caps": {"per_sweep": 2000, "per_day": 2000},
        "selling": {"delegate": chain.contracts.batch_account},
        "funding": changes,
    }


def written(home: Path, chain: LocalChain, account: Form) -> Path:
    config = home / "dustman.yaml"
    config.write_text(json.dumps({"accounts": {"main": account}}))
    (home / ".env").write_text(f"DUSTMAN_MAIN_KEY_SECRET={chain.wallets[0].key}\n")
    return config


def stocked(chain: LocalChain, dai: int = 500) -> None:
    chain.rpc("anvil_setBalance", chain.wallets[0].address, hex(3 * ETHER // 100))
    chain.hand_out([("DAI", chain.wallets[0].address, dai * ETHER)])


@pytest.fixture
def config(dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy) -> Path:
    """The settings of a live wallet with 0.03 ETH and 500 DAI."""
    stocked(chain)
    path = written(home, chain, funded(chain, proxy.url))
    assert dustman("sweep", "main", "--dry-run").exit == Exit.NOTHING_TO_DO
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE
    return path


@pytest.mark.usefixtures("config")
def test_fund__at_the_command_line__is_tried_done_and_shown(dustman: Typed) -> None:
    before = dustman("balance", "main", "--json").value
    assert {row["reserve"] for row in before["balances"]} == {"100", "0", "50", "25"}
    assert "DAI" in dustman("balance", "main").out
    tried = dustman("fund", "main", "0.095", "--dry-run")
    assert tried.exit == Exit.DONE
    assert "at most 219" in tried.out
    assert "Nothing was promised or converted" in tried.out
    done = dustman("fund", "main", "0.095", "--trade", "order-1", "--json")
    assert (done.exit, done.value["answer"]) == (Exit.DONE, "converted")
    assert dustman("fund", "main", "0.095", "--trade", "order-1", "--json").value["tx_hash"] == done.value["tx_hash"]
    assert "is reserved for order-1" in dustman("fund", "main", "0.095", "--trade", "order-1").out
    told = dustman("events").out
    assert "trade order-1 is short of 0.07" in told
    assert "for trade order-1" in told
    assert dustman("status").exit == dustman("replay").exit == Exit.DONE


@pytest.mark.usefixtures("config")
def test_fund__more_than_there_is__is_refused_with_what_is_possible(dustman: Typed) -> None:
    tried = dustman("fund", "main", "3", "--dry-run")
    assert tried.exit == Exit.REFUSED_BY_POLICY
    assert "not possible" in tried.out
    done = dustman("fund", "main", "3")
    assert done.exit == Exit.REFUSED_BY_POLICY
    assert "not possible" in done.out
    assert "Go on with" in done.out
    assert dustman("fund", "main", "0.0001").exit == Exit.VENUE_UNAVAILABLE


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "inf", "1e400", "", "0.1 ETH", "٣", "0.0000000000000000001"])
@pytest.mark.usefixtures("config")
def test_fund__with_what_is_no_amount__names_it(dustman: Typed, amount: str) -> None:
    ended = dustman("fund", "main", "--", amount)
    assert ended.exit in (Exit.CONFIGURATION, Exit.USAGE)
    assert "required_eth_amount" in ended.err


def test_fund__of_an_account_without_funding__says_so(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy
) -> None:
    written(home, chain, watched(chain, proxy.url))
    for command in (("fund", "main", "1"), ("balance", "main")):
        ended = dustman(*command)
        assert ended.exit == Exit.CONFIGURATION
        assert "has no `funding` in the settings" in ended.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"slippage": 0.03}, "slippage"),
        ({"buffer": -1}, "buffer"),
        ({"mode": "cheap"}, "cheapest or priorities"),
        ({"reserves": {"WBTC": 1}}, "WBTC"),
        ({"gas": 1}, "a number of units of gas"),
        ({"priorities": {"DAI": 101}}, "a rank from 0 to 100"),
        ({"smallest": 0}, "smallest"),
    ],
)
def test_settings__that_are_wrong__name_the_key(home: Path, chain: LocalChain, change: Form, words: str) -> None:
    config = written(home, chain, funded(chain, chain.url, **change))
    with pytest.raises(ConfigurationError, match=words):
        load(config, {})


def test_fund__of_a_plain_key__is_done_to_its_end_by_the_command(
    dustman: Typed, home: Path, chain: LocalChain, proxy: ChainProxy
) -> None:
    stocked(chain)
    written(home, chain, {**funded(chain, proxy.url), "selling": {}})
    assert dustman("sweep", "main", "--dry-run").exit == Exit.NOTHING_TO_DO
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE
    assert "would become" in dustman("fund", "main", "0.095", "--dry-run").out
    done = dustman("fund", "main", "0.095", "--trade", "order-1", "--json")
    assert (done.exit, done.value["answer"]) == (Exit.DONE, "converted")
    assert dustman("fund", "main", "0.095", "--trade", "order-1", "--json").value["final"] is True
    told = dustman("events").out
    assert told.count("approve") >= 2
    assert "for trade order-1" in told
    assert dustman("balance", "main").exit == dustman("status").exit == Exit.DONE


def test_policy__of_a_funding_wallet__never_takes_its_tokens_for_dust(home: Path, chain: LocalChain) -> None:
    settings = load(written(home, chain, funded(chain, chain.url, reserves={"DAI": 30})), {})
    policy = settings.account("main").policy()
    assert policy.funding is not None
    assert {source.asset for source in policy.funding.sources} < set(policy.excluded)
    assert sorted(source.reserve for source in policy.funding.sources) == [0, 30, 50, 50]


def test_library__for_a_trade__answers_releases_and_tells_the_status(config: Path, chain: LocalChain) -> None:
    ours = Balancer(load(config, {}))

    async def trade() -> None:
        status = await get_smart_balance_status(str(chain.chain_id), balancer=ours)
        assert status.available_value == 475
        told = await ensure_sufficient_eth_for_trade("0.095", str(chain.chain_id), trade="one", balancer=ours)
        assert told.answer is FundingAnswer.CONVERTED
        async with eth_for_trade(D("0.001"), account="main", trade="two", balancer=ours) as second:
            assert second.reservation_id
        with pytest.raises(ZeroDivisionError):
            async with eth_for_trade("0.001", account="main", trade="three", balancer=ours):
                raise ZeroDivisionError
        assert await ours.release(told.reservation_id, "main")
        after = await get_smart_balance_status(account="main", balancer=ours)
        assert after.promised == 0
        with pytest.raises(ConfigurationError, match="no wallet has `funding`"):
            await ensure_sufficient_eth_for_trade("1", "arbitrum", balancer=ours)
        for wrong in (0.1, True):
            with pytest.raises(TypeError, match="is not exact"):
                await ours.ensure(wrong, "main")  # type: ignore[arg-type]
        await ours.ensure("0.001", "main", "four")
        with pytest.raises(RefusedByPolicy, match="reserved until"):
            await ours.ensure("0.002", "main", "four")

    asyncio.run(trade())
    ours.close()
    log = command_desk(load(config, {}), print).log
    released = [each.fact for each in log.read() if isinstance(each.fact, ReservationReleased)]
    assert [(each.trade, each.why) for each in released] == [
        ("two", Release.USED),
        ("three", Release.RELEASED),
        ("one", Release.USED),
    ]


def test_library__while_the_node_is_away__says_go_on_and_why(config: Path, proxy: ChainProxy) -> None:
    ours = Balancer(load(config, {}))
    proxy.inject(kind="bad_gateway", method="any", calls="all")

    async def trade() -> None:
        async with eth_for_trade("0.095", account="main", balancer=ours) as told:
            assert told.answer is FundingAnswer.NOT_NOW
            assert told.reason

    asyncio.run(trade())
    ours.close()
    log = command_desk(load(config, {}), print).log
    (declined,) = [each.fact for each in log.read() if isinstance(each.fact, FundingDeclined)]
    assert "no endpoint" in declined.reason


def test_tasks__for_an_executor__return_answers_in_json(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUSTMAN_CONFIG", str(config))
    from workers import tasks
    from workers.app import install

    install(lambda: command_desk(load(config, {}), print))

    def run() -> None:
        told = tasks.ensure_eth.run("main", "0.095", "order-1", 30.0)
        assert told == json.loads(json.dumps(told))
        assert told["answer"] == "converted"
        assert told["amount"]["quantity"] == "0.095"
        status = tasks.balance_status.run("main")
        assert D(status["promised"]) == D("0.1")
        assert tasks.release_eth.run("main", told["reservation_id"])
        assert not tasks.release_eth.run("main", told["reservation_id"])

    with ThreadPoolExecutor(1) as thread:
        thread.submit(run).result()
    assert not tasks.ensure_eth.ignore_result
    assert tasks.scan.ignore_result is not False


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("abc", "one", 20), "required_eth_amount: 'abc' is not a number of ETH"),
        ((0.1, "one", 20), "required_eth_amount: 0.1 is not exact"),
        (("-1", "one", 20), "required_eth_amount"),
        (("0.1", "", 20), "trade: '' is not a name"),
        (("0.1", " ", 20), "trade: ' ' is not a name"),
        (("0.1", "x" * 201, 20), "up to 200 characters"),
        (("0.1", "a\nb", 20), "which can be seen"),
        (("0.1", None, 20), "trade: None is not a name"),
        (("0.1", "one", "soon"), "deadline: 'soon' is not a number of seconds"),
        (("0.1", "one", float("nan")), "deadline: nan"),
        (("0.1", "one", -1), "deadline: -1"),
    ],
)
def test_tasks__with_what_is_not_understood__name_it_and_promise_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[Any, Any, Any], words: str
) -> None:
    monkeypatch.setenv("DUSTMAN_CONFIG", str(config))
    from workers import tasks
    from workers.app import install

    before = command_desk(load(config, {}), print).log.head()
    install(lambda: command_desk(load(config, {}), print))
    with pytest.raises(ConfigurationError, match=words) as caught:
        tasks.ensure_eth.run("main", *asked)
    assert isinstance(caught.value, tasks.ensure_eth.throws)
    assert command_desk(load(config, {}), print).log.head() == before


def test_task__release__with_a_word_that_is_none__names_those_there_are(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUSTMAN_CONFIG", str(config))
    from workers import tasks
    from workers.app import install

    install(lambda: command_desk(load(config, {}), print))
    with pytest.raises(ConfigurationError, match="why: 'blah' is neither used nor released"):
        tasks.release_eth.run("main", "reservation", "blah")


@pytest.mark.timeout(120)
def test_tasks__through_a_broker_and_real_workers__bring_the_answer_back(
    config: Path, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        url = server.url(0).removesuffix("/0")
        broker = load(config, {"DUSTMAN_REDIS_URL": url}).redis.broker_url
        with up(home, server, "--role", "converter", "--role", "detector") as running:
            app = Celery(broker=broker, backend=broker)
            arguments = ["main", "0.095", "order-1", 20]
            told = app.send_task("dustman.ensure_eth", arguments, queue="converter", expires=60).get(timeout=60)
            assert (told["answer"], told["trade"]) == ("converted", "order-1")
            status = app.send_task("dustman.balance_status", ["main"], queue="detector").get(timeout=60)
            assert D(status["promised"]) == D("0.1")
            app.close()
            assert running.told(signal.SIGINT) == Exit.DONE


@pytest.mark.timeout(120)
def test_tasks__whose_worker_loses_the_broker__go_on_and_answer(
    config: Path, home: Path, chain: LocalChain, proxy: ChainProxy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        broker = load(config, {"DUSTMAN_REDIS_URL": server.url(0).removesuffix("/0")}).redis.broker_url
        with up(home, server, "--role", "converter"), Celery(broker=broker, backend=broker) as app:
            chain.automine(False)
            arguments = ["main", "0.095", "order-1", 20]
            asked = app.send_task("dustman.ensure_eth", arguments, queue="converter", expires=60)
            until(lambda: proxy.counts()["eth_sendRawTransaction"] > 0)
            with server.client() as client:
                client.client_kill_filter(_type="normal", skipme=True)
            chain.automine(True)
            chain.mine()
            assert asked.get(timeout=30)["answer"] == "converted"
        told = (home / "var/log/converter.log").read_text()
        assert "Connection to broker lost" in told
        assert "Terminating it" not in told
