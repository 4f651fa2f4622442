"""Signed transactions of one account: calls and cancellations of type 2 (EIP-1559), delegations of type 4 (EIP-7702).

A delegation that the account sends itself uses two nonces: the transaction's, then that of the authorization, which is
therefore signed for one more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from domain.chain import Proposal
from events.money import Amount
from events.values import GasPrice, Purpose, SignedTransaction
from venues.evm.assets import chain_name, checksummed
from venues.evm.signer import Signer

# The most that a transaction may use (EIP-7825), wherever it is sent.
MOST_GAS: Final = 16_777_216
# 21,000, the authorization's 25,000 and the delegate's answer to an empty call, with room.
DELEGATION_GAS: Final = 100_000
# An empty transfer to oneself runs the delegate's receive().
CANCELLATION_GAS: Final = 60_000
# How long an address is in a payload, which is that of the contract and the calldata for it.
ADDRESS: Final = 42


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes and signs for one account on one chain; `delegate` is what its code is delegated to, if anything."""

    signer: Signer
    chain_id: int
    delegate: str | None

    def call(self, purpose: Purpose, nonce: int, proposal: Proposal) -> SignedTransaction:
        """Sign the one call that a proposal's payload is."""
        to, data = proposal.payload[:ADDRESS], "0x" + proposal.payload[ADDRESS:]
        # Taking an allowance back is never too late.
        deadline = None if purpose is Purpose.APPROVE and not proposal.offers else proposal.deadline
        return self._signed(
            purpose, nonce, to, data, proposal.gas_limit, proposal.gas_price, deadline, proposal.allowance
        )

    def claim(
        self, nonce: int, to: str, data: str, gas_limit: int, price: GasPrice, deadline: datetime
    ) -> SignedTransaction:
        """Sign a call of a contract that pays rewards; past the deadline it is cancelled where it is still stuck."""
        return self._signed(Purpose.CLAIM, nonce, to, data, gas_limit, price, deadline)

    def delegation(self, nonce: int, price: GasPrice, deadline: datetime) -> SignedTransaction:
        """Sign the account's delegation, and nothing else."""
        return self._signed(Purpose.DELEGATE, nonce, self.signer.address, "0x", DELEGATION_GAS, price, deadline)

    def instead(self, signed: SignedTransaction, purpose: Purpose, price: GasPrice) -> SignedTransaction:
        """Sign the same nonce for another price: the same calls, or for `CANCEL` none."""
        if purpose is Purpose.CANCEL:
            return self._signed(purpose, signed.nonce, signed.sender, "0x", CANCELLATION_GAS, price, None)
        fields = fields_of(signed.raw)
        to, data = checksummed("0x" + bytes(fields["to"]).hex()), "0x" + bytes(fields["data"]).hex()
        return self._signed(purpose, signed.nonce, to, data, signed.gas_limit, price, signed.deadline, signed.allowance)

    def _signed(
        self,
        purpose: Purpose,
        nonce: int,
        to: str,
        data: str,
        gas_limit: int,
        price: GasPrice,
        deadline: datetime | None,
        allowance: Amount | None = None,
    ) -> SignedTransaction:
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": nonce,
            "maxPriorityFeePerGas": price.tip,
            "maxFeePerGas": price.fee,
            "gas": gas_limit,
            "to": to,
            "value": 0,
            "data": data,
        }
        if purpose is Purpose.DELEGATE:
            assert self.delegate  # the rules ask for no delegation where there is nobody to delegate to
            fields["type"] = 4
            fields["authorizationList"] = [self.signer.authorize(self.chain_id, self.delegate, nonce + 1)]
        signed = self.signer.sign(fields)
        return SignedTransaction(
            purpose=purpose,
            chain=chain_name(self.chain_id),
            sender=self.signer.address,
            nonce=nonce,
            tx_hash=signed.tx_hash,
            raw=signed.raw,
            gas_limit=gas_limit,
            gas_price=price,
            deadline=deadline,
            allowance=allowance,
        )


def fields_of(raw: str) -> Mapping[str, Any]:
    """Read signed bytes of type 2 or 4 back."""
    fields: Mapping[str, Any] = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return fields
