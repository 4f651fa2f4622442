"""Rewards on a real node: claimed once, redeemed or sold, whichever nets more, and in the log to the last unit."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.claim import ClaimProposal, Waiting
from domain.commands import Declare
from domain.errors import NOT_ASKED
from events.facts import (
    ConversionsResumed,
    DustConverted,
    DustDetected,
    RewardClaimFailed,
    RewardClaimRequested,
    RewardsClaimed,
    RewardUnclaimed,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.values import Lot, Outcome, Purpose, Source, Unclaimed
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.wallets import foreign
from tests.wallets.stand import ACCOUNT, GWEI, Stand, balanced, dust, stand
from venues.evm import assets
from venues.evm.rewards.claim_data import ClaimData
from venues.evm.rewards.eigenlayer import EigenLayer
from venues.evm.rewards.king import KingDrop, KingRedemption
from venues.evm.rewards.source import ClaimableSource
from workers import claiming, overdue, scanning
from workers.conducting import Ended
from workers.schedule import latest_due

SEND = "eth_sendRawTransaction"
KING = 10**17  # 32 USD to sell, 33 USD to redeem
EIGEN = 25 * 10**18
CLAIM = "claim(address,uint256,bytes32,bytes32[])"


def sources(chain: LocalChain, directory: Path) -> tuple[ClaimableSource, ...]:
    king, contracts = chain.tokens["KING"].address, chain.contracts
    return (
        KingDrop(contracts.merkle_drop, king, ClaimData(directory / "king.json")),
        KingRedemption(king),
        EigenLayer(contracts.rewards_coordinator, ClaimData(directory / "eigenlayer.json")),
    )


def entitle(chain: LocalChain, directory: Path, king: int = 0, eigen: int = 0) -> dict[str, Any]:
    """Let the first wallet have earned so much, and write the claim data where it is looked for."""
    ours, other = chain.wallets[0].address, chain.wallets[5].address
    claims: dict[str, Any] = {}
    if king:
        claims = chain.entitle_king({other: 10**18, ours: king})
        (directory / "king.json").write_text(json.dumps(claims))
    if eigen:
        claim = chain.entitle_eigenlayer({other: {"EIGEN": 1}, ours: {"ETHFI": 10**19, "EIGEN": eigen}})[ours]
        (directory / "eigenlayer.json").write_text(json.dumps(claim))
    return claims


def rewarded(chain: LocalChain, directory: Path, gifts: dict[str, int] | None = None, **changes: Any) -> Any:
    return stand(chain, directory, gifts or {}, rewards=sources(chain, directory), **changes)


def scanned(built: Stand, rounds: int = 12) -> datetime:
    """Scan for one due time as the workers do: claims come first, and the scan is made up for after each."""
    due = built.clock()
    for _ in range(rounds):
        scanning.scan(built.desk, ACCOUNT, due, automatic=True)
        built.settle()
        if "scan_completed" in built.types():
            return due
    raise AssertionError(f"not scanned after {rounds} rounds: {built.types()[-5:]}")


def claimed(built: Stand) -> list[Source]:
    return [each.source for each in built.facts(RewardsClaimed)]


def lots(built: Stand) -> dict[str, Lot]:
    names = {token.address: name for name, token in built.chain.tokens.items()}
    return {
        names[assets.address_of(lot.asset, built.chain.chain_id) or ""]: lot
        for fact in built.facts(DustDetected)
        for lot in fact.lots
    }


def test_king__claimed_and_redeemed__is_sold_as_its_basket(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, king=KING)
    with rewarded(chain, tmp_path) as built:
        scanned(built)
        assert claimed(built) == [Source.KING_CLAIM, Source.KING_REDEEM]
        (drop, redeemed) = built.facts(RewardsClaimed)
        assert [each.amount.quantity for each in drop.rewards] == [Decimal("0.1")]
        assert redeemed.spent is not None
        assert redeemed.spent.quantity == Decimal("0.1")
        found = lots(built)
        assert set(found) == {"EIGEN", "ETHFI"}
        assert {lot.source for lot in found.values()} == {Source.KING_REDEEM}
        assert {lot.proof.tx_hash for lot in found.values() if lot.proof} == {redeemed.tx_hash}
        assert len(built.facts(DustConverted)) == 2
        balanced(built)


def test_rewards__of_a_wallet_without_a_delegate__are_claimed_redeemed_and_sold_one_by_one(
    chain: LocalChain, tmp_path: Path
) -> None:
    entitle(chain, tmp_path, king=KING)
    with rewarded(chain, tmp_path, terms={"delegate": None}) as built:
        scanned(built)
        assert claimed(built) == [Source.KING_CLAIM, Source.KING_REDEEM]
        purposes = [each.transaction.purpose for each in built.facts(TransactionSigned)]
        assert purposes[:2] == [Purpose.CLAIM] * 2
        assert purposes[2:] == [Purpose.APPROVE, Purpose.SWEEP] * 2
        assert len(built.facts(DustConverted)) == 2
        assert built.code() == "0x"
        assert not built.halted
        balanced(built)


def test_claim__while_an_approval_waits_for_its_swap__comes_after_the_sweep(chain: LocalChain, tmp_path: Path) -> None:
    with rewarded(chain, tmp_path, dust(1), terms={"delegate": None}) as built:
        scanning.scan(built.desk, ACCOUNT, built.clock(), automatic=True)
        chain.automine(False)
        built.conduct()
        chain.mine()
        chain.automine(True)
        assert [each.transaction.purpose for each in built.facts(TransactionSigned)] == [Purpose.APPROVE]
        entitle(chain, tmp_path, king=KING)
        built.clock.ahead += timedelta(days=1)
        assert not claiming.under_way(built.desk, ACCOUNT, built.clock())
        built.settle()
        assert len(built.facts(DustConverted)) == 1
        assert not claimed(built)
        assert claiming.under_way(built.desk, ACCOUNT, built.clock())
        built.settle()
        assert claimed(built) == [Source.KING_CLAIM]
        balanced(built)


def test_king__whose_basket_is_worth_less__is_sold(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, king=KING)
    chain.give("KING", chain.wallets[9].address, 10**20 * 2)  # each has less in it now
    with rewarded(chain, tmp_path) as built:
        scanned(built)
        assert claimed(built) == [Source.KING_CLAIM]
        (drop,) = built.facts(RewardsClaimed)
        found = lots(built)
        assert set(found) == {"KING"}
        assert found["KING"].source is Source.KING_CLAIM
        assert found["KING"].proof is not None
        assert (found["KING"].proof.tx_hash, found["KING"].proof.block) == (drop.tx_hash, drop.block.number)
        (waits,) = [each for each in built.facts(RewardUnclaimed) if each.source is Source.KING_REDEEM]
        assert waits.reason is Unclaimed.SALE_NETS_MORE
        assert len(built.facts(DustConverted)) == 1
        balanced(built)


def test_eigenlayer__claim__is_sold(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, eigen=EIGEN)
    with rewarded(chain, tmp_path) as built:
        scanned(built)
        assert claimed(built) == [Source.EIGENLAYER_CLAIM]
        found = lots(built)
        assert set(found) == {"EIGEN", "ETHFI"}
        assert {lot.source for lot in found.values()} == {Source.EIGENLAYER_CLAIM}
        assert len(built.facts(DustConverted)) == 2
        assert not built.halted
        balanced(built)


def test_king__while_gas_costs_more_than_the_basket_brings_beside_a_sale__is_sold(
    chain: LocalChain, tmp_path: Path
) -> None:
    with rewarded(chain, tmp_path, {"KING": KING}) as built:
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(10 * GWEI))
        chain.mine()
        scanned(built)
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        assert claimed(built) == []
        (waits,) = [each for each in built.facts(RewardUnclaimed) if each.source is Source.KING_REDEEM]
        assert waits.reason is Unclaimed.SALE_NETS_MORE
        assert "more than a sale" in waits.sentence
        assert set(lots(built)) == {"KING"}
        balanced(built)


def test_eigenlayer__claims_only_what_is_left_of_each_token(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, eigen=EIGEN)
    with rewarded(chain, tmp_path) as built:
        scanned(built)
        entitle(chain, tmp_path, eigen=EIGEN + 10**19)  # and of ETHFI as before
        built.clock.ahead += timedelta(days=1)
        scanning.scan(built.desk, ACCOUNT, built.clock(), automatic=True)
        built.settle()
        _, second = built.facts(RewardsClaimed)
        assert [(each.amount.asset, each.amount.quantity) for each in second.rewards] == [
            (asset_of(built, "EIGEN"), Decimal(10))
        ]
        balanced(built)


def test_eigenlayer__of_a_wallet_that_named_a_claimer__is_refused_with_its_name(
    chain: LocalChain, tmp_path: Path
) -> None:
    entitle(chain, tmp_path, eigen=EIGEN)
    claimer, ours, at = chain.wallets[3].address, chain.wallets[0].address, chain.contracts.rewards_coordinator
    chain.rpc("anvil_impersonateAccount", ours)
    data = "0x" + call("setClaimerFor(address)", claimer).hex()
    chain.automine(False)
    chain.rpc("eth_sendTransaction", {"from": ours, "to": at, "data": data})
    chain.mine()
    chain.automine(True)
    with rewarded(chain, tmp_path) as built:
        scanned(built)
        assert waiting(built, Source.EIGENLAYER_CLAIM) == [Unclaimed.REFUSED]
        assert claimer.lower() in built.facts(RewardUnclaimed)[0].sentence
        assert not built.facts(TransactionSigned)


def test_claim__that_two_workers_begin_at_once__is_signed_by_one(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, king=KING)
    with rewarded(chain, tmp_path) as built:
        due, desks = built.clock(), [built.fresh() for _ in range(3)]
        with ThreadPoolExecutor(len(desks)) as pool:
            begun = list(pool.map(lambda desk: claiming.under_way(desk, ACCOUNT, due), desks))
        assert begun == [True, True, True]
        assert len(built.facts(RewardClaimRequested)) == len(built.facts(TransactionSigned)) == 1
        built.settle()
        assert claimed(built) == [Source.KING_CLAIM]
        balanced(built)


def test_claim__before_the_first_scan_of_an_account__has_it_scanned_when_it_ends(
    chain: LocalChain, tmp_path: Path
) -> None:
    """At once by a nudge, by the reconciler where that is lost."""
    entitle(chain, tmp_path, king=KING)
    with rewarded(chain, tmp_path) as built:
        nudges: list[tuple[str, str]] = []
        built.desk = replace(built.fresh(), nudge=lambda task, name: nudges.append((task, name)))
        assert not overdue.missed(built.desk, ACCOUNT)
        scanning.scan(built.desk, ACCOUNT, built.clock(), automatic=True)
        nudges.clear()
        built.settle()
        assert claimed(built) == [Source.KING_CLAIM] and nudges == [("scan", ACCOUNT)]
        latest = latest_due(built.desk.mandates[ACCOUNT].schedule, built.clock())
        built.clock.stands = latest + overdue.GRACE + timedelta(seconds=1)
        assert "scan_completed" not in built.types() and overdue.missed(built.desk, ACCOUNT)


def waiting(built: Stand, source: Source) -> list[Unclaimed]:
    return [each.reason for each in built.facts(RewardUnclaimed) if each.source is source]


def test_claim__with_a_wrong_proof__waits_and_says_so_once(chain: LocalChain, tmp_path: Path) -> None:
    claims = entitle(chain, tmp_path, king=KING)
    ours = chain.wallets[0].address
    claims[ours]["Amount"] = str(2 * KING)
    (tmp_path / "king.json").write_text(json.dumps(claims))
    with rewarded(chain, tmp_path) as built:
        for _ in range(2):
            scanning.scan(built.desk, ACCOUNT, built.clock(), automatic=True)
        assert waiting(built, Source.KING_CLAIM) == [Unclaimed.REFUSED]
        assert "the proof is not of this amount and account" in built.facts(RewardUnclaimed)[0].sentence
        assert not built.facts(TransactionSigned)
        balanced(built)


def test_claim__under_an_old_root__waits_for_newer_data(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, king=KING)
    chain.entitle_king({chain.wallets[0].address: 2 * KING})
    with rewarded(chain, tmp_path) as built:
        scanned(built)
        assert waiting(built, Source.KING_CLAIM) == [Unclaimed.NO_CLAIM_DATA]
        balanced(built)


def test_claim__that_somebody_made_for_us__is_not_made_again_and_its_lot_is_proven(
    chain: LocalChain, tmp_path: Path
) -> None:
    with rewarded(chain, tmp_path) as built:
        claims = entitle(chain, tmp_path, king=KING)
        claim_for(chain, claims)
        built.before = built.units()
        scanned(built)
        assert Source.KING_CLAIM not in claimed(built)
        assert claimed(built) == [Source.KING_REDEEM]
        balanced(built)


def test_claim__that_somebody_makes_for_us_meanwhile__reverts_and_nothing_is_doubled(
    chain: LocalChain, tmp_path: Path
) -> None:
    with rewarded(chain, tmp_path) as built:
        claims = entitle(chain, tmp_path, king=KING)
        begun_unsent(built)
        claim_for(chain, claims)
        built.before = {**built.before, asset_of(built, "KING"): KING}
        chain.automine(True)
        scanned(built)
        assert [each.source for each in built.facts(RewardClaimFailed)] == [Source.KING_CLAIM]
        assert built.facts(TransactionSettled)[0].outcome is Outcome.REVERTED
        assert claimed(built) == [Source.KING_REDEEM]
        balanced(built)


def test_root__that_changes_between_trial_and_block__costs_gas_alone(chain: LocalChain, tmp_path: Path) -> None:
    with rewarded(chain, tmp_path) as built:
        entitle(chain, tmp_path, king=KING)
        begun_unsent(built)
        claims = chain.entitle_king({chain.wallets[5].address: 1, chain.wallets[0].address: KING + 1})
        chain.automine(True)
        built.settle()
        assert len(built.facts(RewardClaimFailed)) == 1
        (tmp_path / "king.json").write_text(json.dumps(claims))
        scanned(built)
        assert claimed(built)[0] is Source.KING_CLAIM
        assert built.facts(RewardsClaimed)[0].rewards[0].amount.quantity == Decimal("0.100000000000000001")
        balanced(built)


def begun_unsent(built: Stand) -> None:
    """Begin a claim whose bytes are on record while the node never gets them."""
    built.proxy.inject(kind="swallowed", method=SEND, calls="all")
    assert claiming.under_way(built.desk, ACCOUNT, built.clock())
    built.proxy.calm()


def claim_for(chain: LocalChain, claims: dict[str, Any]) -> None:
    """Have the chain's owner claim for the first wallet."""
    ours = chain.wallets[0].address
    root, *proof = (bytes.fromhex(each[2:]) for each in (claims[ours]["Root"], *claims[ours]["Proofs"]))
    chain.act(chain.contracts.merkle_drop, CLAIM, ours, int(claims[ours]["Amount"]), root, proof)


def asset_of(built: Stand, name: str) -> str:
    return assets.token(built.chain.chain_id, built.chain.tokens[name].address)


@pytest.mark.parametrize("method", ["before", "after"])
def test_lost_answer__to_a_claim__is_settled_by_looking(chain: LocalChain, tmp_path: Path, method: str) -> None:
    entitle(chain, tmp_path, eigen=EIGEN)
    with rewarded(chain, tmp_path) as built:
        built.proxy.inject(kind="bad_gateway", method=SEND, when=method, calls="1")
        scanned(built)
        assert claimed(built) == [Source.EIGENLAYER_CLAIM]
        assert [each.transaction.purpose for each in built.facts(TransactionSigned)].count(Purpose.CLAIM) == 1
        balanced(built)


class Died(BaseException):
    """The worker is gone."""


@pytest.mark.parametrize("moment", ["recorded", "sent", "included"])
def test_crash__around_a_claim__is_continued_by_another_worker(
    chain: LocalChain, tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entitle(chain, tmp_path, king=KING, eigen=EIGEN)
    with rewarded(chain, tmp_path) as built:
        due = built.clock()
        venue: Any = built.desk.venue(ACCOUNT)
        send = venue.broadcast

        def sent(raw: str) -> None:
            send(raw)
            raise Died

        if moment == "recorded":
            venue.broadcast = _dying
        elif moment == "sent":
            venue.broadcast = sent
        else:
            venue.claimed = _dying
        with pytest.raises(Died):
            for _ in range(3):
                scanning.scan(built.desk, ACCOUNT, due, automatic=True)
                built.conduct()
        built.desk = built.fresh()
        scanned(built)
        assert sorted(claimed(built)) == [Source.EIGENLAYER_CLAIM, Source.KING_CLAIM, Source.KING_REDEEM]
        assert len(built.facts(RewardClaimRequested)) == 3
        assert not built.halted
        balanced(built)


def _dying(*_: object) -> None:
    raise Died


def test_reorg__that_drops_a_claim__sends_the_same_bytes_again(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, king=KING)
    with rewarded(chain, tmp_path, terms={"confirmations": 3}) as built:
        due = built.clock()
        scanning.scan(built.desk, ACCOUNT, due, automatic=True)
        assert built.conduct() is Ended.WAITING
        chain.reorg(1)
        built.conduct()
        chain.mine(4)
        built.settle()
        assert len(built.facts(TransactionReorged)) == 1
        assert len(built.facts(TransactionSigned)) == 1
        assert claimed(built) == [Source.KING_CLAIM]
        balanced(built)


def test_stuck__claim__is_offered_for_more_then_cancelled(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, king=KING)
    with rewarded(chain, tmp_path) as built:
        due = built.clock()
        chain.automine(False)
        scanning.scan(built.desk, ACCOUNT, due, automatic=True)
        for minutes in (4, 7):
            built.clock.ahead += timedelta(minutes=minutes)
            assert built.conduct() is Ended.WAITING
        purposes = [each.transaction.purpose for each in built.facts(TransactionSigned)]
        assert purposes == [Purpose.CLAIM, Purpose.CLAIM, Purpose.CANCEL]
        chain.mine()
        chain.automine(True)
        built.settle()
        assert [each.outcome for each in built.facts(TransactionSettled)] == [Outcome.CANCELLED]
        assert "was cancelled" in built.facts(RewardClaimFailed)[0].sentence
        scanning.scan(built.desk, ACCOUNT, due, automatic=True)  # not again for the same due time
        assert len(built.facts(RewardClaimRequested)) == 1
        balanced(built)


def test_stuck__claim__that_was_offered_for_more_is_claimed_once(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, eigen=EIGEN)
    with rewarded(chain, tmp_path) as built:
        chain.automine(False)
        scanning.scan(built.desk, ACCOUNT, built.clock(), automatic=True)
        built.clock.ahead += timedelta(minutes=4)
        assert built.conduct() is Ended.WAITING
        first, second = built.facts(TransactionSigned)
        assert second.replaces == first.transaction.tx_hash
        chain.mine()
        chain.automine(True)
        built.settle()
        assert [each.tx_hash for each in built.facts(RewardsClaimed)] == [second.transaction.tx_hash]
        balanced(built)


def test_foreign__transaction_on_the_nonce_of_a_claim__halts_and_goes_on_once_resumed(
    chain: LocalChain, tmp_path: Path
) -> None:
    with rewarded(chain, tmp_path) as built:
        entitle(chain, tmp_path, eigen=EIGEN)
        begun_unsent(built)
        foreign.send(chain, built.key, chain.wallets[1].address)
        chain.mine()
        built.before = built.units()
        built.settle_halted()
        assert "a transaction that is not ours" in built.halted
        built.desk.streams.handle(ACCOUNT, Declare(ConversionsResumed(ACCOUNT), "resume"), "test")
        scanned(built)
        assert len(built.facts(RewardClaimFailed)) == 1
        assert claimed(built) == [Source.EIGENLAYER_CLAIM]
        balanced(built)


def test_gas__that_takes_more_than_a_claim_brings__says_at_which_price_it_goes(
    chain: LocalChain, tmp_path: Path
) -> None:
    entitle(chain, tmp_path, king=KING)
    with rewarded(chain, tmp_path) as built:
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(300 * GWEI))
        chain.mine()
        scanning.scan(built.desk, ACCOUNT, built.clock(), automatic=True)
        assert waiting(built, Source.KING_CLAIM) == [Unclaimed.NO_NET_GAIN]
        sentence = built.facts(RewardUnclaimed)[0].sentence
        assert "it would go below" in sentence
        low = Decimal(sentence.split("below ")[1].split()[0])
        assert 20 < low < 90
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(int(low * GWEI * 9 // 10)))
        chain.mine()
        assert claiming.under_way(built.desk, ACCOUNT, built.clock())
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))  # which going back in time does not undo


def test_account__that_is_not_live_or_halted__claims_nothing_but_can_look(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, king=KING, eigen=EIGEN)
    with ChainProxy(chain.url, geth=True) as proxy:
        built = Stand(chain, proxy, tmp_path / "dustman.db", chain.wallets[0], rewards=sources(chain, tmp_path))
        built.before = built.units()
        scanned(built)
        assert not built.facts(TransactionSigned)
        found = {each.source: each for each in claiming.look(built.desk, ACCOUNT)}
        assert isinstance(found[Source.KING_CLAIM], ClaimProposal)
        assert isinstance(found[Source.EIGENLAYER_CLAIM], ClaimProposal)
        nothing = found[Source.KING_REDEEM]
        assert isinstance(nothing, Waiting)
        assert nothing.reason is Unclaimed.NOTHING


@pytest.mark.parametrize("content", ["", "[]", "{", '{"Amount": 1}', '{"Amount": "1", "Root": "0x", "Proofs": []}'])
def test_claim_data__that_is_none__keeps_nothing_else_from_being_done(
    chain: LocalChain, tmp_path: Path, content: str
) -> None:
    entitle(chain, tmp_path, eigen=EIGEN)
    (tmp_path / "king.json").write_text(content)
    with rewarded(chain, tmp_path, dust(1)) as built:
        scanned(built)
        assert claimed(built) == [Source.EIGENLAYER_CLAIM]
        assert len(built.facts(DustConverted)) == 3
        assert waiting(built, Source.KING_CLAIM) in ([], [Unclaimed.NO_CLAIM_DATA])
        balanced(built)


def test_king__that_is_no_dust__is_not_redeemed(chain: LocalChain, tmp_path: Path) -> None:
    with rewarded(chain, tmp_path, {"KING": 10**18}) as built:
        scanned(built)
        assert not built.facts(TransactionSigned)
        assert waiting(built, Source.KING_REDEEM) == [Unclaimed.NOT_ALLOWED]
        assert "no dust" in built.facts(RewardUnclaimed)[0].sentence


def test_look__at_an_outage__is_no_claim(chain: LocalChain, tmp_path: Path) -> None:
    entitle(chain, tmp_path, king=KING)
    with rewarded(chain, tmp_path) as built:
        built.proxy.inject(kind="bad_gateway", method="any", when="before", calls="all")
        with pytest.raises(NOT_ASKED):
            scanning.scan(built.desk, ACCOUNT, built.clock(), automatic=True)
        built.proxy.calm()
        scanned(built)
        assert claimed(built) == [Source.KING_CLAIM, Source.KING_REDEEM]
        balanced(built)
