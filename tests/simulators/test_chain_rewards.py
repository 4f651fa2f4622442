"""The contracts that pay rewards: who gets what, once, and what they say to whoever may not."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.chain.calldata import call, selector
from simulators.chain.chain import LocalChain
from simulators.chain.rpc import NodeRefused

CLAIM = "claim(address,uint256,bytes32,bytes32[])"
MERKLE_CLAIM = "(uint32,uint32,bytes,(address,bytes32),uint32[],bytes[],(address,uint256)[])"
PROCESS = f"processClaim({MERKLE_CLAIM},address)"


def octets(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def claim_of(entry: dict[str, Any]) -> tuple[object, ...]:
    leaf = entry["earnerLeaf"]
    return (
        entry["rootIndex"],
        entry["earnerIndex"],
        octets(entry["earnerTreeProof"]),
        (leaf["earner"], octets(leaf["earnerTokenRoot"])),
        entry["tokenIndices"],
        [octets(each) for each in entry["tokenTreeProofs"]],
        [(each["token"], int(each["cumulativeEarnings"])) for each in entry["tokenLeaves"]],
    )


def refusal(chain: LocalChain, to: str, sender: str, signature: str, *values: object) -> bytes:
    with pytest.raises(NodeRefused) as caught:
        chain.rpc("eth_call", {"from": sender, "to": to, "data": "0x" + call(signature, *values).hex()}, "latest")
    return bytes.fromhex(str(caught.value.data)[2:10])


def act_as(chain: LocalChain, sender: str, to: str, data: bytes) -> None:
    chain.rpc("anvil_impersonateAccount", sender)
    chain.automine(False)
    sent = chain.rpc("eth_sendTransaction", {"from": sender, "to": to, "data": "0x" + data.hex()})
    chain.mine()
    chain.automine(True)
    chain.rpc("anvil_stopImpersonatingAccount", sender)
    assert chain.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1"


@pytest.mark.parametrize("accounts", [1, 2, 3, 5])
def test_drop__pays_what_is_new_of_an_entitlement_once__to_its_account(chain: LocalChain, accounts: int) -> None:
    drop, earned = chain.contracts.merkle_drop, {w.address: 10**18 + n for n, w in enumerate(chain.wallets[:accounts])}
    data = chain.entitle_king(earned)
    for account, entry in data.items():
        proof = [octets(each) for each in entry["Proofs"]]
        chain.act(drop, CLAIM, account, int(entry["Amount"]), octets(entry["Root"]), proof)
        assert chain.balance("KING", account) == earned[account]
        again = refusal(chain, drop, account, CLAIM, account, int(entry["Amount"]), octets(entry["Root"]), proof)
        assert again == selector("NothingToClaim()")


def test_drop__refuses_other_amounts_and_old_roots(chain: LocalChain) -> None:
    drop, ours = chain.contracts.merkle_drop, chain.wallets[0].address
    entry = chain.entitle_king({ours: 5, chain.wallets[1].address: 7})[ours]
    root, proof = octets(entry["Root"]), [octets(each) for each in entry["Proofs"]]
    assert refusal(chain, drop, ours, CLAIM, ours, 6, root, proof) == selector("InvalidProof()")
    chain.entitle_king({ours: 9})
    assert refusal(chain, drop, ours, CLAIM, ours, 5, root, proof) == selector("MerkleRootWasUpdated()")


@pytest.mark.parametrize("earners", [1, 3])
def test_coordinator__pays_the_earner_alone__what_is_new(chain: LocalChain, earners: int) -> None:
    at, wallets = chain.contracts.rewards_coordinator, [each.address for each in chain.wallets[:earners]]
    data = chain.entitle_eigenlayer({each: {"EIGEN": 10**18, "ETHFI": 3, "USDC": 4} for each in wallets})
    ours = wallets[-1]
    claim = claim_of(data[ours])
    stranger = chain.wallets[9].address
    assert chain.ask(at, f"checkClaim({MERKLE_CLAIM})", ("bool",), claim) == (True,)
    assert refusal(chain, at, stranger, PROCESS, claim, stranger) == selector("UnauthorizedCaller()")
    act_as(chain, ours, at, call(PROCESS, claim, ours))
    assert [chain.balance(name, ours) for name in ("EIGEN", "ETHFI", "USDC")] == [10**18, 3, 4]
    assert refusal(chain, at, ours, PROCESS, claim, ours) == selector("EarningsNotGreaterThanClaimed()")
    more = (*claim[:6], [(token, units + 1) for token, units in data_leaves(claim)])
    assert refusal(chain, at, ours, PROCESS, more, ours) == selector("InvalidClaimProof()")


def data_leaves(claim: tuple[object, ...]) -> list[tuple[str, int]]:
    leaves = claim[6]
    assert isinstance(leaves, list)
    return leaves


def test_coordinator__refuses_a_root_before_its_time(chain: LocalChain) -> None:
    at, ours = chain.contracts.rewards_coordinator, chain.wallets[0].address
    chain.act(at, "setActivationDelay(uint32)", 3600)
    claim = claim_of(chain.entitle_eigenlayer({ours: {"EIGEN": 1}})[ours])
    assert refusal(chain, at, ours, PROCESS, claim, ours) == selector("RootNotActivated()")
    chain.act(at, "disableRoot(uint32)", 0)
    assert refusal(chain, at, ours, PROCESS, claim, ours) == selector("RootDisabled()")


def test_king__is_redeemed_for_its_part_of_the_basket_less_the_fee(chain: LocalChain) -> None:
    king, ours, treasury = chain.tokens["KING"].address, chain.wallets[0].address, chain.wallets[8].address
    chain.give("KING", ours, 10**18)
    chain.act(king, "setFee((address,uint48,uint48))", (treasury, 0, 100))
    tokens, amounts, fee = chain.ask(king, "previewRedeem(uint256)", ("address[]", "uint256[]", "uint256"), 10**18)
    assert fee == 10**16
    act_as(chain, ours, king, call("redeem(uint256)", 10**18))
    assert len(tokens) == 2
    assert [chain.balance(name, ours) for name in ("EIGEN", "ETHFI")] == list(amounts)
    assert chain.balance("KING", ours) == 0
    assert chain.balance("KING", treasury) == 10**16
