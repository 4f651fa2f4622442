"""A worker that dies before or after any request or any append is continued by another, and nothing is sold twice."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from domain.decision import next_step
from domain.errors import OutcomeUnknown
from domain.leg import draft
from domain.sweep import Bundle
from events.facts import DustConverted, TransactionSettled, TransactionSigned
from events.log import Recorded
from events.money import Amount
from events.sqlite import SQLiteLog
from events.values import Purpose
from simulators.chain.chain import LocalChain
from tests.wallets.stand import ACCOUNT, Stand, balanced, dust, stand
from venues.evm.keyed import KeyedWallet
from venues.evm.rpc import Rpc


class Crash(BaseException):
    """The process is gone: nothing catches this."""


class Fuse:
    """Blows once, at the n-th step of a kind, before or after it was done."""

    kind: ClassVar[str] = ""
    when: ClassVar[str] = ""
    left: ClassVar[int] = 0

    @classmethod
    def burn(cls, kind: str, when: str) -> None:
        if (kind, when) != (cls.kind, cls.when):
            return
        cls.left -= 1
        if cls.left == 0:
            raise Crash


class FusedRpc(Rpc):
    def _post(self, endpoint: Any, body: bytes) -> bytes:
        Fuse.burn("request", "before")
        answer = super()._post(endpoint, body)
        Fuse.burn("request", "after")
        return answer


class FusedLog(SQLiteLog):
    def append(self, *given: Any, **named: Any) -> Sequence[Recorded]:
        Fuse.burn("append", "before")
        recorded = super().append(*given, **named)
        Fuse.burn("append", "after")
        return recorded


def crashed(built: Stand) -> bool:
    try:
        built.settle()
    except Crash:
        return True
    return False


@pytest.mark.timeout(120)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["request", "append"])
def test_worker__that_dies_at_any_step__is_continued_by_another(shared_chain: LocalChain, kind: str, when: str) -> None:
    steps = 0
    for step in itertools.count(1):
        with (
            shared_chain.undone() as chain,
            tempfile.TemporaryDirectory() as directory,
            stand(chain, Path(directory), dust(2), target="WETH", reach=FusedRpc, log=FusedLog) as built,
        ):
            built.scan()
            Fuse.kind, Fuse.when, Fuse.left = kind, when, step
            died = crashed(built)
            Fuse.kind = ""
            built.settle(built.fresh())
            assert len(built.facts(DustConverted)) == 2
            sold = [each for each in built.facts(TransactionSettled) if each.purpose is Purpose.SWEEP]
            assert len(sold) == 1
            assert len(built.facts(TransactionSigned)) == 2
            balanced(built)
        if not died:
            break
        steps = step
    assert steps >= (6 if kind == "append" else 8)


def naive(built: Stand, wallet: KeyedWallet, share: int) -> dict[str, Amount]:
    """Sell a part of a lot as senders in libraries do: a lost answer is asked for anew, with the chain's next nonce."""
    current = built.desk.streams.load(ACCOUNT).state
    step = next_step(current)
    assert isinstance(step, Bundle)
    plan = step.tries[0].leg.plan
    spend = Amount(step.tries[0].wanted.quantity / share, plan.spend)
    while True:
        wallet.holdings()
        proposal = wallet.propose([draft(plan, spend)])
        signed = wallet.sign(proposal, Purpose.SWEEP, proposal.nonce)
        try:
            wallet.broadcast(signed.raw)
        except OutcomeUnknown:
            while built.nonce() == proposal.nonce and built.chain.rpc("txpool_status")["pending"] != "0x0":
                pass
            continue
        while built.nonce() == proposal.nonce:
            pass
        return {spend.asset: spend}


@pytest.mark.parametrize("fault", ["", "bad_gateway"])
def test_harness__catches_a_sender_that_asks_anew__as_soon_as_an_answer_is_lost(
    chain: LocalChain, tmp_path: Path, fault: str
) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        built.scan()
        built.settle()
        built.give(dust(1, 1))
        built.scan()
        if fault:
            built.proxy.inject(kind=fault, method="eth_sendRawTransaction", calls="1", when="after")
        told = naive(built, built.wallet(), share=4)
        found = {asset: -change for asset, change in built.moved().items() if asset in told}
        agrees = found == {asset: amount.quantity for asset, amount in told.items()}
        assert agrees is (fault == "")
