"""An executor that dies before or after any request or append is continued, and nothing is converted twice."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from domain.errors import NOT_ASKED
from events.facts import EthReserved, FundingCompleted, FundingOpened, LegFilled, TransactionSettled
from events.values import FundingAnswer, Purpose
from simulators.chain.chain import LocalChain
from tests.campaign import steps
from tests.wallets.fund import ETHER, USD6, Till, till
from tests.wallets.fuse import Crash, Fuse, FusedLog, FusedRpc
from tests.wallets.stand import balanced


def died(built: Till) -> bool:
    try:
        built.ensure("0.095", seconds=30)
    except Crash:
        return True
    return False


# Terms of a wallet that is delegated, and of one with a plain key.
BATCH: dict[str, object] = {}
PLAIN: dict[str, object] = {"delegate": None}
# What one token covers, and what takes two of them.
ONE = {"DAI": 500 * ETHER}
TWO = {"DAI": 160 * ETHER, "USDC": 180 * USD6}


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("terms", "gifts"), [(BATCH, ONE), (PLAIN, TWO)], ids=["batch", "plain-two-tokens"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["request", "append"])
def test_executor__that_dies_at_any_step__asks_again_and_has_what_it_asked_for_once(
    shared_chain: LocalChain, kind: str, when: str, terms: dict[str, object], gifts: dict[str, int]
) -> None:
    for step in steps():
        with (
            shared_chain.undone() as chain,
            tempfile.TemporaryDirectory() as directory,
            till(chain, Path(directory), gifts, terms=terms, reach=FusedRpc, log=FusedLog) as built,
        ):
            Fuse.arm(kind, when, step)
            gone = died(built)
            Fuse.disarm()
            told = built.ensure("0.095", desk=built.fresh(), seconds=30)
            assert told.answer is FundingAnswer.CONVERTED
            assert len(built.facts(EthReserved)) == len(built.facts(FundingOpened)) == 1
            built.settle(built.fresh())
            assert [each.covered for each in built.facts(FundingCompleted)] == [True]
            assert len(built.facts(LegFilled)) == len(gifts)
            swaps = [each for each in built.facts(TransactionSettled) if each.purpose is Purpose.SWEEP]
            assert len(swaps) == len(gifts)
            balanced(built)
        if not gone:
            break
    assert step > (5 if kind == "append" else 8)


@pytest.mark.parametrize(
    ("terms", "step"),
    [(BATCH, 3), (BATCH, 5), (PLAIN, 3), (PLAIN, 6), (PLAIN, 9), (PLAIN, 13)],
    ids=lambda value: str(value) if isinstance(value, int) else "plain" if value else "batch",
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_conversion__whose_executor_never_comes_back__is_ended_by_any_worker(
    chain: LocalChain, tmp_path: Path, when: str, step: int, terms: dict[str, object]
) -> None:
    with till(chain, tmp_path, {"DAI": 500 * ETHER}, terms=terms, reach=FusedRpc, log=FusedLog) as built:
        Fuse.arm("request", when, step)
        assert died(built)
        try:
            built.settle(built.fresh())
        except NOT_ASKED as outage:
            raise AssertionError(str(outage)) from outage
        assert [each.covered for each in built.facts(FundingCompleted)] == [True]
        balanced(built)
