"""Entitlements: who may claim how much, published as a root on the chain and as the claim data that services give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from simulators.chain.merkle import Tree, ordered_pair, sorted_pair

if TYPE_CHECKING:
    from simulators.chain.chain import LocalChain

# What stands before a leaf that names an earner, and before one that names a token (RewardsCoordinator).
EARNER, TOKEN = b"\x00", b"\x01"


def _packed(address: str, units: int | bytes) -> bytes:
    amount = units if isinstance(units, bytes) else units.to_bytes(32, "big")
    return bytes.fromhex(address[2:]) + amount


def _text(content: bytes) -> str:
    return "0x" + content.hex()


def entitle_king(chain: LocalChain, earned: Mapping[str, int]) -> dict[str, Any]:
    """Publish who has earned how much KING so far, in base units, and put it into the drop.

    Returns the claim data by account, in the form of ether.fi's own: Amount, Root, Proofs.
    """
    accounts = list(earned)
    tree = Tree(tuple(keccak(_packed(each, earned[each])) for each in accounts), sorted_pair)
    chain.give("KING", chain.contracts.merkle_drop, sum(earned.values()))
    chain.act(chain.contracts.merkle_drop, "setMerkleRoot(bytes32)", tree.root)
    return {
        each: {
            "Amount": str(earned[each]),
            "Root": _text(tree.root),
            "Proofs": [_text(node) for node in tree.proof(place)],
        }
        for place, each in enumerate(accounts)
    }


def entitle_eigenlayer(chain: LocalChain, earned: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Publish which tokens each earner has earned so far, in base units by token's name, and pay them in.

    Returns the claim of each earner in the form in which eigenlayer-cli writes it.
    """
    coordinator, earners = chain.contracts.rewards_coordinator, list(earned)
    trees = {
        earner: Tree(
            tuple(keccak(TOKEN + _packed(chain.token(name).address, units)) for name, units in tokens.items()),
            ordered_pair,
        )
        for earner, tokens in earned.items()
    }
    tree = Tree(tuple(keccak(EARNER + _packed(each, trees[each].root)) for each in earners), ordered_pair)
    chain.hand_out([(name, coordinator, units) for tokens in earned.values() for name, units in tokens.items()])
    (index,) = chain.ask(coordinator, "getDistributionRootsLength()", ("uint256",))
    (last,) = chain.ask(coordinator, "currRewardsCalculationEndTimestamp()", ("uint32",))
    chain.act(coordinator, "submitRoot(bytes32,uint32)", tree.root, int(last) + 1)
    return {
        earner: {
            "root": _text(tree.root),
            "rootIndex": int(index),
            "earnerIndex": place,
            "earnerTreeProof": _text(b"".join(tree.proof(place))),
            "earnerLeaf": {"earner": earner, "earnerTokenRoot": _text(trees[earner].root)},
            "tokenIndices": list(range(len(tokens))),
            "tokenTreeProofs": [_text(b"".join(trees[earner].proof(nth))) for nth in range(len(tokens))],
            "tokenLeaves": [
                {"token": chain.token(name).address, "cumulativeEarnings": str(units)} for name, units in tokens.items()
            ],
            "tokenTreeProofsNum": len(tokens),
            "tokenLeavesNum": len(tokens),
        }
        for place, (earner, tokens) in enumerate(earned.items())
    }
