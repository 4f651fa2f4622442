"""Two strategies and the balancer in one wallet, with their worker or an answer gone at any of its steps."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import NOT_ASKED
from events.facts import DustConverted, EthReserved, FundingCompleted, LegFilled
from events.values import FundingAnswer
from simulators.chain.chain import LocalChain
from tests.campaign import steps
from tests.strategies.test_funding import MODES, REWARDS, STAKE, Shared, shared
from tests.wallets.fund import ETHER
from tests.wallets.fuse import KINDS, MOMENTS, Crash, Fuse, FusedLog, FusedRpc, die
from tests.wallets.stand import ACCOUNT, D
from venues.evm.wire import Failed
from workers import conducting, funding, measuring
from workers.desk import Desk

# Lots sold one by one make so many more requests that outside a campaign only some are struck.
STRIDES = {"request": 9, "append": 2}
GIFTS = STAKE | REWARDS | {"DAI": 1500 * ETHER}


def work(built: Shared, desk: Desk) -> FundingAnswer:
    """What one worker does from a due time on: both strategies are measured, a trade asks, what is open goes on."""
    for name in ("loop", "second"):
        measuring.measure(desk, name, built.clock())
    until = built.clock() + timedelta(seconds=30)
    conducting.conduct(desk, ACCOUNT, until)
    told = funding.ensure(desk, ACCOUNT, "trade", D("0.5"), until)
    conducting.conduct(desk, ACCOUNT, until)
    return told.answer


def lose() -> None:
    """The node is away for one request: it never had it, or its answer got lost."""
    raise Failed("did not answer in time")


def met(built: Shared) -> bool:
    """Work until the accident, and say whether there was one."""
    with suppress(Crash, *NOT_ASKED):
        work(built, built.fresh())
    blown = not Fuse.kind
    Fuse.disarm()
    return blown


def goes_on(built: Shared) -> None:
    """Another worker, five minutes later: what was announced goes on, what was not is measured again."""
    built.clock.ahead += timedelta(minutes=5)
    for _ in range(5):
        try:
            answer = work(built, built.fresh())
        except NOT_ASKED:
            continue
        if answer in (FundingAnswer.COVERED, FundingAnswer.CONVERTED):
            built.settle(built.fresh())
            return
    raise AssertionError(f"the trade has no ETH: {built.types()[-8:]}")


def assert_done_once(built: Shared, where: str) -> None:
    """Each reward and the dollars went once; a conversion that could not be sent in time made way for another."""
    assert len(built.facts(DustConverted)) == len(REWARDS), where
    assert {each.trade for each in built.facts(EthReserved)} == {"trade"}, where
    assert [each.covered for each in built.facts(FundingCompleted)].count(True) == 1, where
    sold = Counter(each.fill.spent.asset for each in built.facts(LegFilled))
    assert sold == Counter(built.asset(symbol) for symbol in (*REWARDS, "DAI")), where
    built.assert_each_took_its_own()


@pytest.mark.timeout(600)
@MODES
@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize(("kind", "accident"), [*((kind, die) for kind in KINDS), ("request", lose)])
def test_accident__to_any_step_for_strategies_and_trades__leaves_each_thing_done_once(
    shared_chain: LocalChain, kind: str, accident: Callable[[], None], when: str, terms: dict[str, object]
) -> None:
    for step in steps(STRIDES[kind] if terms else 2 + (accident is lose)):
        with (
            shared_chain.undone() as chain,
            tempfile.TemporaryDirectory() as directory,
            shared(chain, Path(directory), GIFTS, ETHER // 10, terms=terms, reach=FusedRpc, log=FusedLog) as built,
        ):
            Fuse.arm(kind, when, step, accident)
            struck = met(built)
            goes_on(built)
            assert_done_once(built, f"{kind} {step}, {when}")
        if not struck:
            break
    assert step > 15
