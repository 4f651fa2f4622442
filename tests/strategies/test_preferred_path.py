"""A strategy file's preferred path is the one that a wallet really sells over, as long as it costs little."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dustman.exits import Exit
from events.facts import DustConversionFailed, DustConverted, DustInstructed, TransactionSettled
from events.values import RefusalCode
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import watched
from tests.dustman.conftest import Typed
from tests.strategies import test_settings as settings
from tests.strategies.stand import ETHER, charter, team
from tests.wallets.stand import ACCOUNT, D, balanced, chain_of
from venues.evm.registry import asset_of

LOOP = settings.LOOP.replace("0.002 ", "0.001 ").replace("[wallet, desk]", "[main]")
ELSEWHERE = "it lies at evm, not at binance"
Write = Callable[[str], object]


@pytest.fixture
def write(chain: LocalChain, home: Path, dustman: Typed) -> Iterator[Write]:
    """Set up a strategy over a wallet of weETH and 480 USD of EIGEN, by its file."""
    wallet = chain.wallets[0]
    chain.hand_out([("weETH", wallet.address, 10 * ETHER), ("EIGEN", wallet.address, 400 * ETHER)])
    with ChainProxy(chain.url, geth=True) as proxy:
        account = watched(chain, proxy.url) | {
            "target": "ETH",
            "caps": {"per_sweep": 5000, "per_day": 5000},
            "selling": {"delegate": chain.contracts.batch_account},
        }
        (home / ".env").write_text(f"DUSTMAN_MAIN_KEY_SECRET={wallet.key}\n")
        (home / "dustman.yaml").write_text(json.dumps({"accounts": {"main": account}, "strategies": "strategies"}))
        (home / "strategies").mkdir()

        def written(text: str) -> None:
            (home / "strategies" / "loop.yaml").write_text(text)

        yield written


def swept(dustman: Typed) -> tuple[dict[str, Any], list[str]]:
    """Let it go live and sell; return the only instruction, and the markets that legs were asked of."""
    assert dustman("sweep", "main", "--dry-run").exit == Exit.DONE
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE
    ended = dustman("sweep", "main", "--wait", "--json")
    assert ended.exit == Exit.DONE, ended.err
    told = dustman("strategy", "loop", "--json").value["instructed"]
    events = [json.loads(line) for line in dustman("events", "--json").out.splitlines()]
    [way] = told["instructions"]
    return way, [each["data"]["product"] for each in events if each["type"] == "leg_requested"]


def symbols(chain: LocalChain, path: list[str]) -> list[str]:
    known = {f"erc20:{token.address}".lower(): name for name, token in chain.tokens.items()} | {"slip44:60": "ETH"}
    return [known[asset.partition("/")[2].lower()] for asset in path]


def received(chain: LocalChain, pool: str) -> int:
    """How many USDT a pool has, which only a sale through it changes."""
    return chain.balance("USDT", pool)


def test_path__within_tolerance__is_sold_over_and_says_what_it_costs(
    chain: LocalChain, write: Write, dustman: Typed
) -> None:
    pool = chain.pool("EIGEN", "USDT").address
    write(LOOP)
    before = received(chain, pool)
    way, products = swept(dustman)
    assert symbols(chain, way["path"]) == ["EIGEN", "USDT", "ETH"]
    assert way["preferred"] and way["preference_behind"] is None and way["sentence"] == ELSEWHERE
    assert 0 < Decimal(way["behind"]) <= Decimal("0.005") * (Decimal(way["net"]) + Decimal(way["behind"]))
    assert [product.partition("@")[0] for product in products] == ["v3:3000,3000 via USDT"]
    assert products == [way["product"]]
    assert received(chain, pool) < before and chain.balance("EIGEN", chain.wallets[0].address) == 0


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("approval", [{}, {"approval": {"loop": {}}}])
def test_path__of_a_wallet_that_is_not_live__is_shown_as_it_would_be_and_nothing_recorded(
    write: Write, dustman: Typed, home: Path, approval: dict[str, object]
) -> None:
    write(LOOP)
    config = home / "dustman.yaml"
    config.write_text(json.dumps(json.loads(config.read_text()) | approval))
    found = dustman("strategy", "loop", "--now", "--json").value
    assert not found["measured"]["triggered"] and "main is not live" in found["measured"]["sentence"]
    [way] = found["instructed"]["instructions"]
    assert way["preferred"] and len(way["path"]) == 3
    drawn = " ".join(dustman("strategy", "--now").out.split())
    assert "would be instructed, once its accounts are live" in drawn and "EIGEN > USDT > ETH" in drawn
    assert found["waiting"] is None and "dustman approve" not in drawn
    assert "dust_instructed" not in dustman("events", "--json").out
    assert dustman("strategy", "--json").value["instructed"] is None


def test_path__beyond_tolerance__gives_way_to_weth_and_says_by_how_much(
    chain: LocalChain, write: Write, dustman: Typed
) -> None:
    pool = chain.pool("EIGEN", "USDT")
    chain.sell_into(pool, 20_000 * ETHER)
    write(LOOP)
    before = received(chain, pool.address)
    way, products = swept(dustman)
    assert symbols(chain, way["path"]) == ["EIGEN", "ETH"]
    assert (way["preferred"], Decimal(way["behind"])) == (False, D(0))
    assert Decimal(way["preference_behind"]) > Decimal("0.005") * Decimal(way["net"])
    elsewhere, _, lost = way["sentence"].partition("; ")
    assert elsewhere == ELSEWHERE
    assert lost.startswith(f"the preferred path brings {Decimal(way['preference_behind']):.2f} USD less, ")
    assert lost.endswith(" % of the best; 0.5 % is the most")
    assert [product.partition("@")[0] for product in products] == ["v3:3000"]
    assert received(chain, pool.address) == before


def test_path__beyond_the_usual_tolerance_and_within_the_files_own__is_sold_over(
    chain: LocalChain, write: Write, dustman: Typed
) -> None:
    chain.sell_into(chain.pool("EIGEN", "USDT"), 20_000 * ETHER)
    write(LOOP + "dust_path_tolerance: 0.1\n")
    way, products = swept(dustman)
    assert way["preferred"] and "via USDT" in products[0]
    assert Decimal(way["behind"]) > Decimal("0.005") * Decimal(way["net"])


def test_path__with_a_dead_pool__gives_way_to_weth_and_says_why(
    chain: LocalChain, write: Write, dustman: Typed
) -> None:
    chain.dry_up(chain.pool("EIGEN", "USDT"))
    write(LOOP)
    way, products = swept(dustman)
    assert symbols(chain, way["path"]) == ["EIGEN", "ETH"]
    assert (way["preferred"], Decimal(way["behind"]), way["preference_behind"]) == (False, D(0), None)
    assert way["sentence"].endswith("; a market on the preferred path is missing, closed or without liquidity")
    assert "via" not in products[0] and chain.balance("EIGEN", chain.wallets[0].address) == 0
    assert "without liquidity" in " ".join(dustman("strategy", "loop").out.split())


def test_path__through_a_pool_that_was_never_there__gives_way_to_weth_and_says_why(
    chain: LocalChain, write: Write, dustman: Typed
) -> None:
    write(LOOP.replace('"USDT", "ETH"]', '"DAI", "ETH"]'))
    way, products = swept(dustman)
    assert not way["preferred"] and way["sentence"].endswith("missing, closed or without liquidity")
    assert "via" not in products[0]


def test_path__whose_pool_dies_between_measurement_and_sale__fails_and_the_next_measurement_goes_to_weth(
    chain: LocalChain, tmp_path: Path
) -> None:
    usual = charter(chain, "loop", delta=D("0.001"), prefers_path=True)
    steps = tuple(asset_of(chain_of(chain), name) for name in ("USDT", "ETH"))
    likes = dataclasses.replace(usual, steps={ACCOUNT: steps})
    with team(chain, tmp_path, {"weETH": 10 * ETHER, "EIGEN": 400 * ETHER}, likes) as built:
        built.measure()
        chain.dry_up(chain.pool("EIGEN", "USDT"))
        built.settle()
        [failed] = built.facts(DustConversionFailed)
        assert failed.refusal.code is RefusalCode.NO_LIQUIDITY and not built.facts(TransactionSettled)
        built.measure()
        built.settle()
        ways = [way for told in built.facts(DustInstructed) for way in told.instructions]
        assert [way.preferred for way in ways] == [True, False] and "without liquidity" in ways[1].sentence
        assert len(built.facts(DustConverted)) == 1
        balanced(built)
