"""What a chain says, in our words, and the protocol of a venue that converts many lots in one transaction.

One account is one address on one chain. Blocks are counted, gas prices are in wei, amounts in whole tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from domain.venue import Holding, Order
from events.facts import LegRequested, TransactionSigned
from events.money import Amount
from events.values import Block, Fill, GasPrice, Purpose, Quote, Refusal, SignedTransaction


class Code(StrEnum):
    """What stands at the account's address: nothing, a delegation to the contract we chose, or anything else."""

    EMPTY = "empty"
    OURS = "ours"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rules:
    """How a chain is dealt with, by its owner's settings.

    A transaction is final when `confirmations` blocks, its own included, hold it. One not included after `patience`
    is offered at a higher price, up to `ceiling` (wei for a unit of gas). With `delegated` a sweep is a batch through
    the account's delegation (EIP-7702), so the account's code must be ours; without it each lot is approved and sold by
    transactions of its own, and the account's code is its owner's business.
    """

    confirmations: int
    patience: timedelta
    ceiling: int
    delegated: bool = True

    def __post_init__(self) -> None:
        for name, value in (("confirmations", self.confirmations), ("ceiling", self.ceiling)):
            if value < 1:
                raise ValueError(f"{name}: {value} is not a whole number from 1")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction of ours that a block holds, and what its sender paid for gas in the native coin."""

    tx_hash: str
    block: Block
    succeeded: bool
    gas_used: int
    fee: Amount


@dataclass(frozen=True, slots=True)
class Moved:
    """What a transaction moved, by leg id: `spent` and `received` as transferred, gas not taken off.

    `doubt` says what of it does not fit the legs that it carried, empty where all does; its owner has to look then.
    """

    legs: Mapping[str, Fill | Refusal]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """What to look for: one nonce and our hashes of it, the block that held one, the assets that its legs spend."""

    nonce: int
    hashes: tuple[str, ...]
    block: int | None
    spends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one node said at one moment, all of it as of its `head`.

    `nonce` is the account's next; `final_nonce` is its next as of the deepest block that counts as final, the one with
    `Rules.confirmations` on it, and just its next where a receipt of a sweep tells what became of the nonce. `receipts`
    and `pooled` (what waits in the node's pool) are by hash and of the watched hashes alone. `block_hash` is that of
    the watched block, else of the block that holds one of our transactions, None when the node did not say.
    `allowances` names, in words, what others may still take of the watched assets. `early_nonce` is its next as of a
    block that is deep enough to tell what happened in it, 0 where nobody looked. `absent` are watched hashes which the
    block that used their nonce does not hold: it was read, so that is no lag. `used_in` is that block, None where it
    lies deeper than nodes tell, and they were asked for each hash instead.
    """

    head: Block
    nonce: int
    final_nonce: int
    receipts: Mapping[str, Receipt]
    pooled: frozenset[str]
    block_hash: str | None
    code: Code
    gas_price: GasPrice
    allowances: tuple[str, ...] = ()
    early_nonce: int = 0
    absent: frozenset[str] = frozenset()
    used_in: int | None = None


class Standing(Protocol):
    """Where an account stands at a block: its next nonce, its code, and what it has of the native coin."""

    @property
    def head(self) -> Block: ...

    @property
    def nonce(self) -> int: ...

    @property
    def code(self) -> Code: ...

    @property
    def ether(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What the simulation gave one leg: `quote` before gas, its `price` in the policy's currency; `gas` of its own."""

    key: str
    quote: Quote
    gas: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A batch simulated whole at `head`: legs that stay, legs that were dropped, and what it costs; nothing is signed.

    `nonce`, `code` and `ether`, what it has of the native coin, are the account's at `head`. `cost` is what the
    transaction is expected to cost in the native coin, all of it, at `expected_price` wei for a unit of gas; one native
    coin is worth `native_worth` in the policy's currency. `payload` is what the venue signs, opaque here. `approval` is
    what has to be allowed in a transaction of its own before the offered leg can be sold, zero to take an old allowance
    back first; the payload is that approval. `leaves` is what of an allowance is left at the most by a sale that needs
    less than it may take.
    """

    head: Block
    nonce: int
    code: Code
    ether: Decimal
    offers: tuple[Offer, ...]
    dropped: Mapping[str, Refusal]
    cost: Amount
    native_worth: Decimal
    gas_limit: int
    gas_price: GasPrice
    expected_price: int
    deadline: datetime
    payload: str
    approval: Amount | None = None
    leaves: Amount | None = None

    @property
    def allowance(self) -> Amount | None:
        """Return what a market may take, at the most, once the transaction is made; None where it changes nothing."""
        return self.leaves if self.approval is None else self.approval


@runtime_checkable
class Metered(Protocol):
    """A venue at which what is sent pays for gas."""

    def base_fee(self) -> int:
        """Return what the block of the last reading charges for a unit of gas, in wei (EIP-1559)."""
        ...


@runtime_checkable
class Chain(Protocol):
    """One account on one chain. Every call raises `VenueUnavailable` when no node can be read; `broadcast` alone raises
    `OutcomeUnknown`, when its answer was lost."""

    @property
    def rules(self) -> Rules: ...

    def rehearse(self, drafts: Sequence[Order]) -> Sequence[Holding]:
        """Read everything that the account has as of the latest block, and try drafts of likely sizes beside it.

        A `propose` of the very same drafts that follows may build on that. Moves nothing.
        """
        ...

    def propose(self, drafts: Sequence[Order]) -> Proposal:
        """Simulate drafts as one transaction. Moves nothing.

        Each draft's key is in `offers` or in `dropped`, or in neither when the transaction has no room for it beside
        the others: then it is for the next. While one works, at least one is offered or dropped.
        """
        ...

    def sign(self, proposal: Proposal, purpose: Purpose, nonce: int) -> SignedTransaction:
        """Sign the proposal's payload (`sweep`, `approve`) or the delegation that it needs first (`delegate`).

        Sends nothing.
        """
        ...

    def retract(self, asset: str) -> Proposal | Refusal:
        """Propose to take back what a market may still take of an asset, whatever it is; else say why not now."""
        ...

    def replace(self, signed: SignedTransaction, purpose: Purpose, gas_price: GasPrice) -> SignedTransaction:
        """Sign the same nonce anew: the same calls, or for `cancel` an empty transfer to itself. Sends nothing."""
        ...

    def broadcast(self, raw: str) -> None:
        """Send signed bytes; a node that knows them already, or whose pool prefers others, has taken note."""
        ...

    def sight(self, watch: Watch) -> Sight:
        """Look at the account and at our transactions. Moves nothing."""
        ...

    def fills(self, receipt: Receipt, intents: Sequence[LegRequested]) -> Moved:
        """Read what a receipt moved.

        Of a success a leg that is not named moved nothing; of a revert only legs are named whose fault it was.
        """
        ...


def watch_of(attempts: Sequence[TransactionSigned], block: int | None, spends: Sequence[str]) -> Watch:
    """Say what to look for while transactions of one nonce are in flight."""
    hashes = tuple(each.transaction.tx_hash for each in attempts)
    return Watch(attempts[0].transaction.nonce, hashes, block, tuple(spends))
