"""EigenLayer: what an earner has earned by the roots that its RewardsCoordinator holds.

The earner claims, or whom they named as claimer; it is paid to whom that one names, here the wallet itself
(github.com/Layr-Labs/eigenlayer-contracts, IRewardsCoordinator).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from domain.claim import Waiting
from domain.errors import VenueUnavailable
from events.values import Source, Unclaimed
from venues.evm.lens import Ask, Lens
from venues.evm.rewards.claim_data import ClaimData, MerkleClaim, NoClaimData, address, index, octets, units
from venues.evm.rewards.source import NOTHING_LEFT, Log, Ready, written_by
from venues.evm.words import WORD, number, padded, selector

REWARDS_CLAIMED: Final = "0x" + keccak(text="RewardsClaimed(bytes32,address,address,address,address,uint256)").hex()
CLAIM: Final = "(uint32,uint32,bytes,(address,bytes32),uint32[],bytes[],(address,uint256)[])"


@dataclass(frozen=True, slots=True)
class EigenLayer:
    """What is still to be claimed from the coordinator. Without `data` it only proves."""

    coordinator: str
    data: ClaimData | None = None
    source: Source = Source.EIGENLAYER_CLAIM

    @property
    def payer(self) -> str:
        """Return the coordinator, which pays out itself."""
        return self.coordinator

    def proves(self, log: Log, account: str) -> bool:
        """Accept RewardsClaimed with the account as recipient."""
        return written_by(log, self.coordinator, REWARDS_CLAIMED, 3, account)

    def ready(self, lens: Lens, account: str, block: int) -> Ready | Waiting:
        """Claim those tokens of the data of which something is left; one of which nothing is would revert them all."""
        claim = self.data.eigenlayer(account) if self.data else None
        if claim is None:
            return Waiting(self.source, Unclaimed.NOTHING, f"there is no claim data for {account}")
        if (earner := address(claim.earner_leaf.earner, "earnerLeaf.earner")) != account:
            raise NoClaimData(f"claim data: earnerLeaf.earner is {earner}, not the wallet {account}")
        earned = _earned(claim)
        asks = [
            Ask(self.coordinator, selector("claimerFor(address)") + padded(account)),
            *(
                Ask(self.coordinator, selector("cumulativeClaimed(address,address)") + padded(account) + padded(token))
                for token, _ in earned
            ),
        ]
        answers = [each for each in lens.read(asks, block) if each is not None]
        if len(answers) != len(asks):
            raise VenueUnavailable(f"the coordinator at {self.coordinator} does not answer as EigenLayer's does")
        claimer = number(answers[0])
        if claimer not in (0, int(account, 16)):
            sentence = f"the wallet named 0x{claimer:040x} as its claimer, so only that one may claim"
            return Waiting(self.source, Unclaimed.REFUSED, sentence)
        left = [units - number(before) for (_, units), before in zip(earned, answers[1:], strict=True)]
        places = [place for place, each in enumerate(left) if each > 0]
        if not places:
            return Waiting(self.source, Unclaimed.NOTHING, NOTHING_LEFT)
        received: dict[str, int] = {}
        for place in places:
            received[earned[place][0]] = received.get(earned[place][0], 0) + left[place]
        return Ready(self.source, self.coordinator, _call(claim, earned, places, account), received)


def _earned(claim: MerkleClaim) -> list[tuple[str, int]]:
    """Read the tokens of a claim; `NoClaimData` where its lists do not belong together."""
    leaves = claim.token_leaves
    if not len(leaves) == len(claim.token_indices) == len(claim.token_tree_proofs):
        raise NoClaimData("claim data: tokenLeaves, tokenIndices and tokenTreeProofs are not of one length")
    tokens = [address(leaf.token, "tokenLeaves.token") for leaf in leaves]
    if len(set(tokens)) != len(tokens):
        raise NoClaimData("claim data: tokenLeaves names a token twice")
    amounts = [units(leaf.cumulative_earnings, "tokenLeaves.cumulativeEarnings") for leaf in leaves]
    return list(zip(tokens, amounts, strict=True))


def _call(claim: MerkleClaim, earned: list[tuple[str, int]], places: list[int], recipient: str) -> bytes:
    """Write processClaim for the tokens at these places."""
    root = octets(claim.earner_leaf.earner_token_root, "earnerLeaf.earnerTokenRoot", WORD)
    content = (
        index(claim.root_index, "rootIndex"),
        index(claim.earner_index, "earnerIndex"),
        octets(claim.earner_tree_proof, "earnerTreeProof"),
        (recipient, root),
        [index(claim.token_indices[place], "tokenIndices") for place in places],
        [octets(claim.token_tree_proofs[place], "tokenTreeProofs") for place in places],
        [earned[place] for place in places],
    )
    return selector(f"processClaim({CLAIM},address)") + encode([CLAIM, "address"], [content, recipient])
