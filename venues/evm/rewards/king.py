"""KING: claimed out of a cumulative drop, and redeemed for the basket that it is a share of.

The drop is CumulativeMerkleDrop; anybody may claim for anybody, and it goes to the account. `redeem` gives its caller
their part of all that the KING contract holds (King Protocol; github.com/King-Protocol/king-protocol-sc).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from domain.claim import Waiting
from domain.errors import VenueUnavailable
from events.values import Source, Unclaimed
from venues.evm.assets import checksummed
from venues.evm.lens import Ask, Lens
from venues.evm.rewards.claim_data import ClaimData, octets, units
from venues.evm.rewards.source import NOTHING_LEFT, Log, Ready, written_by
from venues.evm.words import WORD, number, padded, selector, word

CLAIMED: Final = "0x" + keccak(text="Claimed(address,uint256)").hex()
REDEEM: Final = "0x" + keccak(text="Redeem(address,uint256,uint256,address[],uint256[])").hex()
# Two lists of so many tokens at most; the basket had nine.
_BASKET_WORDS: Final = 7 + 2 * 30
_BASKET_GAS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class KingDrop:
    """What is still to be claimed of KING. Without `data` it only proves."""

    drop: str
    king: str
    data: ClaimData | None = None
    source: Source = Source.KING_CLAIM

    @property
    def payer(self) -> str:
        """Return the drop, which pays out itself."""
        return self.drop

    def proves(self, log: Log, account: str) -> bool:
        """Accept the drop's Claimed(account, amount)."""
        return written_by(log, self.drop, CLAIMED, 1, account)

    def ready(self, lens: Lens, account: str, block: int) -> Ready | Waiting:
        """Claim what the data says, less what was claimed before."""
        entry = self.data.king(account) if self.data else None
        if entry is None:
            return Waiting(self.source, Unclaimed.NOTHING, f"there is no claim data for {account}")
        earned, root = units(entry.amount, "Amount"), octets(entry.root, "Root", WORD)
        proofs = [octets(each, "Proofs", WORD) for each in entry.proofs]
        asks = [
            Ask(self.drop, selector("cumulativeClaimed(address)") + padded(account)),
            Ask(self.drop, selector("merkleRoot()")),
        ]
        before, current = lens.read(asks, block)
        if before is None or current is None:
            raise VenueUnavailable(f"the drop at {self.drop} does not answer as KING's does")
        left = earned - number(before)
        if left <= 0:
            return Waiting(self.source, Unclaimed.NOTHING, NOTHING_LEFT)
        if current != root:
            sentence = f"the claim data is of root 0x{root.hex()[:8]}…, the drop is at 0x{current.hex()[:8]}…"
            return Waiting(self.source, Unclaimed.NO_CLAIM_DATA, f"{sentence}: newer claim data is needed")
        data = selector("claim(address,uint256,bytes32,bytes32[])") + encode(
            ["address", "uint256", "bytes32", "bytes32[]"], [account, earned, root, proofs]
        )
        return Ready(self.source, self.drop, data, {self.king: left}, inside=basket(lens, self.king, left, block))


@dataclass(frozen=True, slots=True)
class KingRedemption:
    """The basket inside of what the account holds of KING."""

    king: str
    source: Source = Source.KING_REDEEM

    @property
    def payer(self) -> str:
        """Return KING's own contract, which holds the basket."""
        return self.king

    def proves(self, log: Log, account: str) -> bool:
        """Accept KING's Redeem(account, ...)."""
        return written_by(log, self.king, REDEEM, 1, account)

    def ready(self, lens: Lens, account: str, block: int) -> Ready | Waiting:
        """Redeem all that the account holds."""
        held = lens.balances([(self.king, account)], block)[0]
        if held is None:
            raise VenueUnavailable(f"KING at {self.king} gives no balance")
        inside = basket(lens, self.king, held, block) if held else {}
        if not inside:
            return Waiting(self.source, Unclaimed.NOTHING, "there is no KING to redeem")
        data = selector("redeem(uint256)") + word(held)
        return Ready(self.source, self.king, data, inside, spend=(self.king, held))


def basket(lens: Lens, king: str, shares: int, block: int) -> dict[str, int]:
    """Return what so many base units of KING would be redeemed for, by token, its fee taken off; none is left out."""
    ask = Ask(king, selector("previewRedeem(uint256)") + word(shares), words=_BASKET_WORDS, gas=_BASKET_GAS)
    answer = lens.read([ask], block)[0]
    if answer is None:
        return {}
    try:
        tokens, amounts, _ = decode(["address[]", "uint256[]", "uint256"], answer)
    except (DecodingError, OverflowError):
        raise VenueUnavailable(f"KING at {king} does not say what it holds, or holds more than thirty tokens") from None
    pairs = zip(map(checksummed, tokens), amounts, strict=True)
    return {token: amount for token, amount in pairs if amount > 0}
