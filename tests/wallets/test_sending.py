"""Broadcasts that go wrong: whatever the node or its provider does, each lot is sold once and the log has it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.commands import Declare
from events.facts import (
    ConversionsResumed,
    DustConverted,
    LegNeverArrived,
    TransactionDisplaced,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.values import Outcome, Purpose
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.wallets import foreign
from tests.wallets.stand import ACCOUNT, GWEI, Stand, balanced, dust, stand
from workers.conducting import Ended

SEND = "eth_sendRawTransaction"
FAULTS: list[dict[str, Any]] = [
    {"kind": "bad_gateway", "when": "before"},
    {"kind": "bad_gateway", "when": "after"},
    {"kind": "rate_limited", "when": "after"},
    {"kind": "timeout", "when": "before", "seconds": 1},
    {"kind": "timeout", "when": "after", "seconds": 1},
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "cut_json"},
    {"kind": "cut_body"},
    {"kind": "swallowed"},
    {"kind": "duplicated", "answer": "first"},
    {"kind": "duplicated", "answer": "last"},
    {"kind": "refused", "code": -32000, "message": "nonce too low", "when": "after"},
    {"kind": "refused", "code": -32000, "message": "insufficient funds for gas", "when": "before"},
]


def sweeps(built: Stand) -> list[TransactionSettled]:
    return [each for each in built.facts(TransactionSettled) if each.purpose is Purpose.SWEEP]


def delegated(built: Stand) -> None:
    """Convert a first crumb, so that the account is delegated and the next sweep is one transaction."""
    built.scan()
    built.settle()
    assert len(built.facts(DustConverted)) == 1


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, list(fault.values())[:2])))
def test_broadcast__when_it_goes_wrong__sells_each_lot_once(
    chain: LocalChain, tmp_path: Path, fault: dict[str, Any]
) -> None:
    with stand(chain, tmp_path, dust(2), target="WETH") as built:
        built.scan()
        # Twice: the delegation's broadcast, and one of the sweep's.
        built.proxy.inject(method=SEND, calls="1", **fault)
        built.proxy.inject(method=SEND, calls="3", **fault)
        built.settle()
        assert len(built.facts(DustConverted)) == 2
        assert [each.outcome for each in sweeps(built)] == [Outcome.SUCCEEDED]
        assert len({each.transaction.tx_hash for each in built.facts(TransactionSigned)}) == 2
        balanced(built)


def test_stuck__after_its_patience__is_offered_for_a_tenth_more(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        delegated(built)
        built.give(dust(1, 1))
        built.before = built.units()
        spent = built.recorded()
        built.scan()
        chain.automine(False)
        assert built.conduct() is Ended.WAITING
        for _ in range(2):
            built.clock.ahead += timedelta(minutes=4)
            assert built.conduct() is Ended.WAITING
        *_, first, second, third = built.facts(TransactionSigned)
        assert first.transaction.nonce == second.transaction.nonce == third.transaction.nonce
        assert {second.replaces, third.replaces} == {first.transaction.tx_hash}
        for before, after in ((first, second), (second, third)):
            assert after.transaction.gas_price.fee * 10 >= before.transaction.gas_price.fee * 11
            assert after.transaction.gas_price.tip * 10 >= before.transaction.gas_price.tip * 11
        chain.mine()
        built.settle()
        assert built.facts(TransactionSettled)[-1].tx_hash == third.transaction.tx_hash
        assert built.moved() == {
            asset: change - spent.get(asset, 0)
            for asset, change in built.recorded().items()
            if change != spent.get(asset)
        }


def test_stuck__after_its_deadline__is_cancelled_and_asked_again(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms={"patience": timedelta(hours=1)}) as built:
        built.scan()
        chain.automine(False)
        built.conduct()
        chain.mine()
        built.conduct()
        built.clock.ahead += timedelta(minutes=11)
        built.conduct()
        assert built.facts(TransactionSigned)[-1].transaction.purpose is Purpose.CANCEL
        chain.mine()
        chain.automine(True)
        built.settle()
        assert [each.outcome for each in built.facts(TransactionSettled)][1:] == [Outcome.CANCELLED, Outcome.SUCCEEDED]
        assert len(built.facts(LegNeverArrived)) == len(built.facts(DustConverted)) == 1
        balanced(built)


def test_reorg__that_drops_the_sweep__sends_the_same_bytes_again(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(2), target="WETH", terms={"confirmations": 3}) as built:
        included(chain, built)
        chain.reorg(1)
        built.conduct()
        chain.mine(4)
        built.settle()
        assert len(built.facts(TransactionReorged)) == 1
        assert len(built.facts(TransactionIncluded)) == 3
        assert len(built.facts(TransactionSigned)) == 2
        assert [each.outcome for each in sweeps(built)] == [Outcome.SUCCEEDED]
        balanced(built)


def test_reorg__that_makes_the_sweep_revert__has_its_lots_decided_again(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(2), target="WETH", terms={"confirmations": 3}) as built:
        included(chain, built)
        chain.reorg(1)
        # In the other history somebody else sold first.
        chain.sell_into(chain.pool("DUST001"), 10**21 * 5)
        for _ in range(8):
            built.conduct()
            chain.mine(3)
        built.settle()
        assert [each.outcome for each in sweeps(built)] == [Outcome.REVERTED, Outcome.SUCCEEDED]
        assert len(built.facts(LegNeverArrived)) == 2
        assert len(built.facts(DustConverted)) == 2
        balanced(built)


def included(chain: LocalChain, built: Stand) -> None:
    """Go on until the sweep is in a block and not final."""
    built.scan()
    for _ in range(10):
        built.conduct()
        if any(each.transaction.purpose is Purpose.SWEEP for each in built.facts(TransactionSigned)):
            break
        chain.mine(3)
    built.conduct()
    assert len(built.facts(TransactionIncluded)) == 2


def test_foreign__transaction_between_sweeps__halts_the_account(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        delegated(built)
        foreign.send(chain, built.key, chain.wallets[1].address)
        chain.give("DUST001", built.key.address, 10**19)
        built.scan()
        built.settle()
        assert "somebody else sends with its key" in built.halted
        assert len(built.facts(TransactionSigned)) == 2


def test_foreign__transaction_on_our_nonce__halts_and_goes_on_once_resumed(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        built.scan()
        built.proxy.inject(kind="swallowed", method=SEND, calls="all")
        built.conduct()
        foreign.send(chain, built.key, chain.wallets[1].address)
        chain.mine()
        built.before = built.units()
        built.proxy.calm()
        built.settle_halted()
        assert "a transaction that is not ours" in built.halted
        assert len(built.facts(TransactionDisplaced)) == 1
        built.desk.streams.handle(ACCOUNT, Declare(ConversionsResumed(ACCOUNT), "resume"), "test")
        built.settle()
        assert [each.outcome for each in sweeps(built)] == [Outcome.SUCCEEDED]
        balanced(built)


def test_foreign__transaction_on_our_nonce__is_told_long_before_it_is_final(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms={"confirmations": 20}) as built:
        built.scan()
        built.proxy.inject(kind="swallowed", method=SEND, calls="all")
        built.conduct()
        foreign.send(chain, built.key, chain.wallets[1].address)
        chain.mine(2)
        built.conduct()
        assert not built.halted
        chain.mine(1)
        built.settle_halted()
        assert "not final yet" in built.halted
        assert not built.facts(TransactionDisplaced)
        built.proxy.calm()
        chain.mine(20)
        built.conduct()
        assert len(built.facts(TransactionDisplaced)) == 1


def test_price__above_the_ceiling__leaves_what_is_stuck(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms={"ceiling": 3 * GWEI}) as built:
        built.scan()
        chain.automine(False)
        built.conduct()
        for _ in range(8):
            built.clock.ahead += timedelta(minutes=1)
            built.conduct()
        offered = [each.transaction.gas_price.fee for each in built.facts(TransactionSigned)]
        assert max(offered) <= 3 * GWEI
        chain.automine(True)
        chain.mine()
        built.settle()
        balanced(built)


def test_relay__is_asked_to_send__and_nobody_else(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built, ChainProxy(chain.url) as relay:
        built.relay = relay.url
        built.scan()
        built.settle()
        assert relay.counts()[SEND] == 2
        assert built.proxy.counts()[SEND] == 0
        balanced(built)
