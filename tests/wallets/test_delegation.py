"""EIP-7702 on a real node: what a delegation that the account sends itself does to nonces and code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.chain import Code, Watch
from events.facts import ConversionsHalted, DustConverted, TransactionSettled, TransactionSigned
from events.values import GasPrice, Outcome, Purpose
from simulators.chain.chain import LocalChain
from tests.wallets.stand import GWEI, Stand, balanced, dust, stand
from venues.evm.signer import LocalSigner, from_key
from venues.evm.transactions import Writer

PRICE = GasPrice(100 * GWEI, GWEI)


def deadline() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def sent(chain: LocalChain, built: Stand, writer: Writer) -> dict[str, Any]:
    signed = writer.delegation(0, PRICE, deadline())
    chain.rpc("eth_sendRawTransaction", signed.raw)
    while (receipt := chain.rpc("eth_getTransactionReceipt", signed.tx_hash)) is None:
        pass
    return dict(receipt)


class LateSigner(LocalSigner):
    """Signs authorizations for one nonce more than is right."""

    def authorize(self, chain_id: int, delegate: str, nonce: int) -> Any:
        return super().authorize(chain_id, delegate, nonce + 1)


def late(signer: LocalSigner) -> LocalSigner:
    return LateSigner(signer._account)


def test_delegation__when_it_succeeds__uses_two_nonces(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        built.scan()
        built.settle()
        delegated, swept = built.facts(TransactionSettled)
        assert (delegated.purpose, delegated.next_nonce) == (Purpose.DELEGATE, 2)
        assert [each.transaction.nonce for each in built.facts(TransactionSigned)] == [0, 2]
        assert swept.next_nonce == built.nonce() == 3
        assert built.code() == "0xef0100" + chain.contracts.batch_account[2:].lower()
        balanced(built)


def test_delegation__when_it_reverts__uses_two_nonces_and_stays(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, {}) as built:
        # Its code answers no empty call, so the transaction reverts after the authorization was taken.
        writer = Writer(from_key(built.key.key, built.key.address), chain.chain_id, chain.contracts.quoter)
        receipt = sent(chain, built, writer)
        assert int(receipt["status"], 16) == 0
        assert built.nonce() == 2
        assert built.code() == "0xef0100" + chain.contracts.quoter[2:].lower()
        sight = built.wallet().sight(Watch(0, (receipt["transactionHash"],), None, ()))
        assert (sight.final_nonce, sight.code) == (2, Code.UNKNOWN)


def test_authorization__of_another_nonce__is_skipped_without_a_word(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, {}) as built:
        writer = Writer(late(from_key(built.key.key, built.key.address)), chain.chain_id, chain.contracts.batch_account)
        receipt = sent(chain, built, writer)
        assert int(receipt["status"], 16) == 1
        assert built.nonce() == 1
        assert built.code() == "0x"


def test_skipped_authorization__is_seen_by_the_code__and_halts_the_account(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH", sign=late) as built:
        built.scan()
        built.settle()
        (halt,) = built.facts(ConversionsHalted)
        assert "did not take effect" in halt.reason
        assert built.facts(TransactionSettled)[0].next_nonce == built.nonce() == 1
        assert not built.facts(DustConverted)
        balanced(built)


@pytest.mark.parametrize("delegate", ["quoter", "weth"])
def test_delegation__to_somebody_else__halts_the_account(chain: LocalChain, tmp_path: Path, delegate: str) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        other = getattr(chain.contracts, delegate)
        chain.rpc("anvil_setCode", built.key.address, "0xef0100" + other[2:].lower())
        built.scan()
        built.settle()
        assert "neither empty nor our delegation" in built.halted
        assert built.nonce() == 0


def waiting(chain: LocalChain, built: Stand) -> None:
    """Have the delegation signed and sent, and in no block."""
    chain.automine(False)
    built.scan()
    built.conduct()
    assert [each.transaction.purpose for each in built.facts(TransactionSigned)] == [Purpose.DELEGATE]


def mined(chain: LocalChain, built: Stand) -> TransactionSettled:
    """Mine what waits, let workers go on to the end, and return how the first transaction ended."""
    chain.mine()
    chain.automine(True)
    built.settle()
    return built.facts(TransactionSettled)[0]


def test_delegation_of_ours__that_reverts__used_two_nonces_and_the_sale_has_the_third(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        waiting(chain, built)
        delegate = chain.contracts.batch_account
        code = chain.rpc("eth_getCode", delegate, "latest")
        chain.rpc("anvil_setCode", delegate, "0x5f5ffd")  # PUSH0, PUSH0, REVERT
        chain.mine()
        chain.rpc("anvil_setCode", delegate, code)
        ended = mined(chain, built)
        assert (ended.purpose, ended.outcome, ended.next_nonce) == (Purpose.DELEGATE, Outcome.REVERTED, 2)
        assert [each.transaction.nonce for each in built.facts(TransactionSigned)] == [0, 2]
        assert len(built.facts(DustConverted)) == 1
        assert not built.halted
        balanced(built)


def test_delegation__offered_for_more__uses_two_nonces(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        waiting(chain, built)
        built.clock.ahead += timedelta(minutes=4)
        built.conduct()
        ended = mined(chain, built)
        assert (ended.purpose, ended.outcome, ended.next_nonce) == (Purpose.DELEGATE, Outcome.SUCCEEDED, 2)
        assert [each.transaction.nonce for each in built.facts(TransactionSigned)] == [0, 0, 2]
        assert ended.tx_hash == built.facts(TransactionSigned)[1].transaction.tx_hash
        balanced(built)


def test_delegation__past_its_deadline__is_cancelled_for_one_nonce_and_made_anew(
    chain: LocalChain, tmp_path: Path
) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        waiting(chain, built)
        built.clock.ahead += timedelta(minutes=11)
        built.conduct()
        ended = mined(chain, built)
        assert (ended.purpose, ended.outcome, ended.next_nonce) == (Purpose.CANCEL, Outcome.CANCELLED, 1)
        assert [each.transaction.nonce for each in built.facts(TransactionSigned)] == [0, 0, 1, 3]
        assert not built.halted
        assert len(built.facts(DustConverted)) == 1
        balanced(built)
