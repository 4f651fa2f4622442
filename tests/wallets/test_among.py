"""Two hundred tokens, every hostile one among them and vouched for: the sound are sold, no other is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from domain.judgement import Verdict
from events.facts import (
    DustConversionFailed,
    DustConverted,
    DustDetected,
    HoldingsKept,
    SweepCompleted,
    TransactionSettled,
    TransactionSigned,
)
from events.values import Keep, Outcome, Purpose
from simulators.chain.chain import LocalChain
from tests.wallets.stand import HARMFUL, Stand, balanced, dust, stand
from tests.wallets.test_apart import APART, planned
from venues.evm import assets
from venues.evm.rpc import Rpc
from venues.evm.transactions import MOST_GAS

# What geth's pool takes of one transaction (go-ethereum, core/txpool/legacypool, txMaxSize).
MOST_BYTES = 128 * 1024
MAJORS = {
    "USDC": 5 * 10**6,
    "USDT": 5 * 10**6,
    "DAI": 5 * 10**18,
    "wstETH": 5 * 10**15,
    "weETH": 5 * 10**15,
    "EIGEN": 10**19,
    "ETHFI": 10**19,
    "eETH": 10**16,  # nobody buys it
}
# Dollars where a token looks like another, a hundredth where one costs a lot.
GIVEN = {"look_alike": 5 * 10**6, "same_symbol": 5 * 10**6, "bytes32": 10**16}
VERDICTS = {
    "honeypot": Verdict.HONEYPOT,
    "taxed": Verdict.TAXED,
    "gas_burner": Verdict.HOSTILE,
    "return_bomb": Verdict.HOSTILE,
    "liar": Verdict.HOSTILE,
    "mute": Verdict.UNSELLABLE,
}


@pytest.fixture(scope="module")
def crowd() -> Iterator[LocalChain]:
    """A chain on which 180 plain tokens trade."""
    with LocalChain(dust=180, traded=True) as chain:
        yield chain


class Patient(Rpc):
    """Waits for what takes long with two hundred tokens on a busy machine."""

    def __init__(self, urls: Sequence[str], chain_id: int, **_: object) -> None:
        super().__init__(urls, chain_id, timeout=(5.0, 5.0))


@pytest.fixture
def owner(crowd: LocalChain, tmp_path: Path) -> Iterator[Stand]:
    """Somebody who has two hundred tokens and vouches for each of them."""
    hostile = tuple(name for name in crowd.hostile if name != "no_code")
    gifts = dust(180) | MAJORS | {name: GIVEN.get(name, 10**19) for name in hostile}
    assert len(gifts) == 200
    with crowd.undone() as chain, stand(chain, tmp_path, gifts, target="WETH", allows=hostile, reach=Patient) as built:
        yield built


def test_sweep__among_all_that_is_hostile__sells_what_is_sound_and_touches_nothing_else(owner: Stand) -> None:
    begin = owner.chain.block_number() + 1
    owner.scan()
    owner.settle()
    held = {asset for asset, units in owner.before.items() if units}
    sound = held - {assets.coin(owner.chain.chain_id), owner.policy.target, _asset(owner, "eETH")}
    assert {each.asset for each in owner.facts(DustConverted)} == sound
    assert len(sound) == 200 - len(HARMFUL) - 1
    assert not owner.facts(DustConversionFailed)
    assert not owner.halted
    balanced(owner)
    _untouched(owner, begin)


def test_sweep__of_more_than_one_transaction_holds__takes_as_many_as_it_needs(owner: Stand) -> None:
    owner.scan()
    owner.settle()
    assert len(owner.facts(DustDetected)) == len(owner.facts(SweepCompleted)) == 1
    signed = [each for each in owner.facts(TransactionSigned) if each.transaction.purpose is Purpose.SWEEP]
    assert len(signed) == 2
    assert sorted(leg for each in signed for leg in each.legs) == sorted(
        leg.leg_id for each in owner.facts(DustDetected) for leg in each.plan
    )
    assert all(len(each.transaction.raw) // 2 < MOST_BYTES for each in signed)
    settled = [each for each in owner.facts(TransactionSettled) if each.purpose is Purpose.SWEEP]
    assert [each.outcome for each in settled] == [Outcome.SUCCEEDED, Outcome.SUCCEEDED]
    assert max(each.gas_used for each in settled) < MOST_GAS
    balanced(owner)


@pytest.mark.parametrize(("terms", "transactions"), [({}, 2), (APART, 193)], ids=["batch", "plain"])
def test_forecast__of_more_than_one_transaction_holds__has_each_lot_in_one(
    owner: Stand, terms: dict[str, object], transactions: int
) -> None:
    drafts = planned(owner)
    owner.terms = terms
    wallet = owner.wallet()
    wallet.holdings()
    told = wallet.forecast(drafts)
    offered = [offer.key for each in told for offer in each.offers]
    assert sorted(offered) == sorted(draft.key for draft in drafts)
    assert len(told) == transactions
    assert not any(each.dropped for each in told)


def test_scan__of_tokens_that_do_harm__says_what_each_is_although_their_owner_vouches_for_them(owner: Stand) -> None:
    owner.scan()
    wallet = owner.wallet()
    found = {name: wallet.examine(owner.chain.hostile[name].address) for name in HARMFUL}
    assert {name: each.ruling.verdict for name, each in found.items()} == VERDICTS
    assert all(each.kept for each in found.values())
    kept = {each.asset: each for told in owner.facts(HoldingsKept) for each in told.kept}
    for name in ("honeypot", "taxed", "liar"):  # of the others nobody knows how much there is
        assert kept[_asset(owner, name)].reason is Keep.QUARANTINED


def _asset(owner: Stand, name: str) -> str:
    return assets.token(owner.chain.chain_id, owner.chain.token(name).address)


def _untouched(owner: Stand, begin: int) -> None:
    """Nothing that the wallet had mined names a harmful token, and none of them says that anything happened to it."""
    chain, harmful = owner.chain, [owner.chain.hostile[name].address for name in HARMFUL]
    mined = [
        sent
        for number in range(begin, chain.block_number() + 1)
        for sent in chain.rpc("eth_getBlockByNumber", hex(number), True)["transactions"]
    ]
    assert len(mined) == len({each.transaction.tx_hash for each in owner.facts(TransactionSigned)})
    for sent in mined:
        assert sent["from"] == owner.key.address.lower()
    written = str(mined).lower()
    assert not [token for token in harmful if token[2:].lower() in written]
    assert all(each.asset[-40:].lower() in written for each in owner.facts(DustConverted))
    assert chain.rpc("eth_getLogs", {"fromBlock": hex(begin), "toBlock": "latest", "address": harmful}) == []
    for token in harmful:
        for spender in (chain.contracts.swap_router, chain.contracts.v2_router):
            allowed = chain.ask(token, "allowance(address,address)", ("uint256",), owner.key.address, spender)
            assert allowed == (0,)
