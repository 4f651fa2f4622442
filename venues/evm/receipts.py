"""What receipts say: the block, the gas that was paid, and by their Transfer logs what each leg moved.

The legs of a batch are made in their order, and each brings one payment, so the n-th payment is that of the n-th leg
(ERC-20's Transfer; WETH's Withdrawal for what is unwrapped). Whatever WETH strangers left with the router is unwrapped
with the proceeds, and counted with the last swap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.chain import Receipt
from domain.errors import VenueUnavailable
from events.money import Amount
from events.values import Block
from venues.evm import assets
from venues.evm.discovery import TRANSFER
from venues.evm.quantities import ETHER_DECIMALS, whole
from venues.evm.rpc import octets, quantity
from venues.evm.words import number

WITHDRAWAL: Final = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"


def receipt_of(found: Mapping[str, Any], chain_id: int) -> Receipt:
    """Read a receipt; on an OP-stack chain what the data cost on L1 is paid besides, as `l1Fee`."""
    used = quantity(found.get("gasUsed"))
    paid = used * quantity(found.get("effectiveGasPrice")) + quantity(found.get("l1Fee") or "0x0")
    return Receipt(
        tx_hash=str(found.get("transactionHash")),
        block=Block(quantity(found.get("blockNumber")), str(found.get("blockHash"))),
        succeeded=quantity(found.get("status")) == 1,
        gas_used=used,
        fee=Amount(whole(paid, ETHER_DECIMALS), assets.coin(chain_id)),
    )


def moved(
    logs: Sequence[Mapping[str, Any]], account: str, payee: str, target: str, sold: Sequence[str]
) -> list[tuple[int, int]]:
    """Return what each leg spent and received in base units; `sold` are the legs' tokens in their order.

    `payee` gets the `target` of swaps; a leg that sells the target itself unwraps it. `VenueUnavailable` when the logs
    do not fit the legs, since then nobody knows which leg brought what.
    """
    spent: dict[str, int] = {}
    payments: list[int] = []
    unwrapped: list[int] = []
    paid_out = 0
    for log in logs:
        token, topics = assets.checksummed(str(log["address"])), list(log["topics"])
        units = number(octets(log["data"]))
        if topics[:1] == [TRANSFER] and len(topics) == 3:
            sender, receiver = (assets.checksummed("0x" + topic[-40:]) for topic in topics[1:])
            if sender == account:
                spent[token] = spent.get(token, 0) + units
            if token == target and receiver == payee:
                payments.append(units)
        elif topics[:1] == [WITHDRAWAL] and token == target and _party(topics) == account:
            unwrapped.append(units)
        elif topics[:1] == [WITHDRAWAL] and token == target and _party(topics) == payee:
            paid_out += units
    if len(payments) != len([token for token in sold if token != target]) or len(unwrapped) != sold.count(target):
        raise VenueUnavailable(f"a receipt shows {len(payments)} payments and {len(unwrapped)} unwrappings")
    if payments and payee != account:
        payments[-1] += paid_out - sum(payments)
    coming, going = iter(payments), iter(unwrapped)
    found = []
    for token in sold:
        received = next(going) if token == target else next(coming)
        found.append((received if token == target else spent.get(token, 0), received))
    return found


def _party(topics: Sequence[str]) -> str:
    return assets.checksummed("0x" + topics[1][-40:]) if len(topics) > 1 else ""
