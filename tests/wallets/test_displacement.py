"""Whether others used a nonce of ours: told by the block that used it, and by no receipt that is late."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.commands import Declare
from events.facts import (
    ConversionsHalted,
    ConversionsResumed,
    DustConverted,
    TransactionDisplaced,
    TransactionIncluded,
    TransactionReorged,
    TransactionSigned,
)
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.wallets import foreign
from tests.wallets.fuse import Fuse, FusedRpc
from tests.wallets.stand import ACCOUNT, Stand, balanced, dust, stand
from venues.evm import displacement

SEND = "eth_sendRawTransaction"
RECEIPT, KNOWN = "eth_getTransactionReceipt", "eth_getTransactionByHash"


def lag(node: ChainProxy, *methods: str) -> None:
    """Have a node answer these as if no block came any more, whatever else is asked in the same request."""
    for method in methods:
        node.inject(kind="stale_head", method=method, calls="all", frozen=True)


def waiting(chain: LocalChain, built: Stand) -> None:
    """Go on until our first transaction waits for a block."""
    built.scan()
    chain.automine(False)
    built.conduct()
    assert len(built.facts(TransactionSigned)) == 1


def finished(chain: LocalChain, built: Stand) -> None:
    """Go on with nodes that know everything: nobody else was ever suspected."""
    built.proxy.calm()
    chain.automine(True)
    for _ in range(6):
        built.conduct()
        chain.mine(built.wallet().rules.confirmations)
    built.settle()
    assert len(built.facts(DustConverted)) == 1
    assert not built.facts(ConversionsHalted)
    assert not built.facts(TransactionDisplaced)
    balanced(built)


@pytest.mark.parametrize("confirmations", [2, 20], ids=["final", "early"])
@pytest.mark.parametrize("lags", [(RECEIPT,), (RECEIPT, KNOWN)], ids=["receipt", "receipt-transaction"])
@pytest.mark.parametrize("terms", [{}, {"delegate": None}], ids=["delegated", "undelegated"])
def test_receipt__that_lags_the_nonce__halts_nothing(
    chain: LocalChain, tmp_path: Path, terms: dict[str, object], lags: tuple[str, ...], confirmations: int
) -> None:
    given = {**terms, "confirmations": confirmations}
    with stand(chain, tmp_path, dust(1), target="WETH", terms=given) as built:
        waiting(chain, built)
        lag(built.proxy, *lags)
        chain.mine(8)
        for _ in range(2):
            built.conduct()
            assert not built.halted
        assert not built.facts(TransactionIncluded)
        finished(chain, built)


def test_second_endpoint__staler_than_the_first__halts_nothing(chain: LocalChain, tmp_path: Path) -> None:
    terms = {"confirmations": 2}
    with (
        ChainProxy(chain.url) as spare,
        stand(chain, tmp_path, dust(1), target="WETH", terms=terms, spare=(spare.url,)) as built,
    ):
        waiting(chain, built)
        lag(spare, "any")
        # The head is the first one's, and what is asked about it the second answers.
        built.proxy.inject(kind="bad_gateway", method="eth_getCode", calls="all")
        chain.mine(8)
        for _ in range(2):
            built.conduct()
            assert not built.halted
        spare.calm()
        finished(chain, built)


def test_look__overtaken_by_another_worker__says_nothing_of_the_next_transaction(
    chain: LocalChain, tmp_path: Path
) -> None:
    terms = {"confirmations": 2, "delegate": None}
    with stand(chain, tmp_path, dust(1), target="WETH", terms=terms, reach=FusedRpc) as built:
        waiting(chain, built)
        chain.mine()
        built.conduct()
        chain.mine()

        def overtake() -> None:
            other = built.fresh()
            built.conduct(other)
            chain.mine()
            built.conduct(other)
            chain.mine(3)

        # The first worker watches the approval; before it asks, the second has the sale in a block.
        Fuse.arm("request", "before", 1, overtake)
        built.conduct()
        assert len(built.facts(TransactionSigned)) == len(built.facts(TransactionIncluded)) == 2
        assert not built.facts(TransactionReorged)
        finished(chain, built)


@pytest.mark.parametrize("depth", [4, displacement.KEPT + 20])
def test_foreign__transaction_on_our_nonce__is_told_however_deep(chain: LocalChain, tmp_path: Path, depth: int) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms={"confirmations": 2}) as built:
        built.scan()
        built.proxy.inject(kind="swallowed", method=SEND, calls="all")
        built.conduct()
        foreign.send(chain, built.key, chain.wallets[1].address)
        used_in = chain.block_number()
        chain.mine(depth)
        built.settle_halted()
        (told,) = built.facts(TransactionDisplaced)
        known = (
            f"in block {used_in}" if depth < displacement.KEPT else "deeper than nodes tell, and they know none of ours"
        )
        assert known in told.detail
        assert told.detail == built.halted


def test_foreign__transaction_on_our_nonce__is_told_by_a_node_whose_receipts_lag(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms={"confirmations": 2}) as built:
        built.scan()
        built.proxy.inject(kind="swallowed", method=SEND, calls="all")
        built.conduct()
        lag(built.proxy, RECEIPT, KNOWN)
        foreign.send(chain, built.key, chain.wallets[1].address)
        chain.mine(4)
        built.settle_halted()
        assert len(built.facts(TransactionDisplaced)) == 1


def test_foreign__transaction_that_a_reorganisation_drops__has_ours_wait_until_its_nonce_is_used_again(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", terms={"confirmations": 2}) as built:
        foreign.send(chain, built.key, chain.wallets[1].address)
        waiting(chain, built)
        chain.reorg(1, repooled=False)
        assert built.nonce() == 0
        chain.mine(3)
        built.settle_halted()
        assert "a reorganisation dropped what used nonce 0" in built.halted
        # Long past its deadline nothing of ours takes that nonce, whoever says to go on.
        for times in range(2, 4):
            built.clock.ahead += timedelta(hours=1)
            built.desk.streams.handle(ACCOUNT, Declare(ConversionsResumed(ACCOUNT), str(times)), "test")
            built.settle_halted()
            assert len(built.facts(ConversionsHalted)) == times
        assert [each.transaction.nonce for each in built.facts(TransactionSigned)] == [1]
        chain.automine(True)
        foreign.send(chain, built.key, chain.wallets[1].address)
        built.desk.streams.handle(ACCOUNT, Declare(ConversionsResumed(ACCOUNT), "sent"), "test")
        for _ in range(6):
            built.conduct()
            chain.mine(2)
        built.settle()
        assert len(built.facts(DustConverted)) == 1
        assert not built.halted
        assert built.allowances() == 0
