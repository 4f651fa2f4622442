"""What receipts say: the block, the gas that was paid, and by their Transfer logs what each leg moved.

The legs of a batch are made in their order, and each brings one payment, so the n-th payment is that of the n-th leg
(ERC-20's Transfer; WETH's Withdrawal for what is unwrapped). Whatever WETH strangers left with the router is unwrapped
with the proceeds, and counted with the last swap. A token that moves the target itself spoils that order; then the sum
is still right, and what is in doubt is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from domain.chain import Receipt
from domain.errors import VenueUnavailable
from events.money import Amount
from events.values import Block
from venues.evm import assets
from venues.evm.news import TRANSFER
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


class Sold(NamedTuple):
    """A leg in base units: the token that it was to sell, how much of it, and what that was expected to bring.

    With `at_most` less may have been enough.
    """

    token: str
    units: int
    expected: int
    at_most: bool = False

    def fits(self, spent: int) -> bool:
        """Say whether it was to spend so much."""
        return spent <= self.units if self.at_most else spent == self.units


@dataclass(frozen=True, slots=True)
class Movements:
    """What each leg spent and received in base units; `doubt` says what does not fit the legs, empty where all does."""

    legs: tuple[tuple[int, int], ...]
    doubt: str = ""


def moved(
    logs: Sequence[Mapping[str, Any]], account: str, payees: Collection[str], target: str, sold: Sequence[Sold]
) -> Movements:
    """Return what legs moved, which are in their order; `VenueUnavailable` for what are no logs.

    `payees` get the `target` of swaps; a leg that sells the target itself unwraps it. Where the payments do not fit the
    legs nobody knows which brought what: all that arrived is then shared by what each was expected to bring.
    """
    try:
        seen = _seen(logs, account, payees, target)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        raise VenueUnavailable("a node answered a receipt whose logs are none") from None
    payments, unwrapped = seen.payments, seen.unwrapped
    swaps = [leg for leg in sold if leg.token != target]
    if len(payments) != len(swaps) or len(unwrapped) != len(sold) - len(swaps):
        told = f"its receipt shows {len(payments)} payments and {len(unwrapped)} unwrappings for {len(sold)} legs"
        return Movements(_shared(seen, target, sold, account not in payees), told)
    if payments and account not in payees:
        payments[-1] += seen.paid_out - sum(payments)
    coming, going = iter(payments), iter(unwrapped)
    found = []
    for leg in sold:
        received = next(going) if leg.token == target else next(coming)
        found.append((received if leg.token == target else seen.spent.get(leg.token, 0), received))
    wrong = next((pair for pair in zip(sold, found, strict=True) if not pair[0].fits(pair[1][0])), None)
    if wrong is None:
        return Movements(tuple(found))
    leg, (spent, _) = wrong
    return Movements(tuple(found), f"{leg.token} moved {spent} base units by its logs, {leg.units} were to be sold")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What logs show in base units: by token what left the account, each payment, each unwrapping, ether paid out."""

    spent: Mapping[str, int]
    payments: list[int]
    unwrapped: list[int]
    paid_out: int


def _seen(logs: Sequence[Mapping[str, Any]], account: str, payees: Collection[str], target: str) -> _Seen:
    spent: dict[str, int] = {}
    payments: list[int] = []
    unwrapped: list[int] = []
    paid_out = 0
    for log in logs:
        if log.get("removed") is True:
            raise VenueUnavailable("a node shows a receipt of a block that is no longer part of the chain")
        token, topics = assets.checksummed(str(log["address"])), list(log["topics"])
        units = number(octets(log["data"]))
        if topics[:1] == [TRANSFER] and len(topics) == 3:
            sender, receiver = (assets.checksummed("0x" + topic[-40:]) for topic in topics[1:])
            if sender == account:
                spent[token] = spent.get(token, 0) + units
            if token == target and receiver in payees:
                payments.append(units)
        elif topics[:1] == [WITHDRAWAL] and token == target and _party(topics) == account:
            unwrapped.append(units)
        elif topics[:1] == [WITHDRAWAL] and token == target and _party(topics) in payees:
            paid_out += units
    return _Seen(spent, payments, unwrapped, paid_out)


def _shared(seen: _Seen, target: str, sold: Sequence[Sold], ether: bool) -> tuple[tuple[int, int], ...]:
    """Share what arrived among the legs whose token left the account."""
    unwrapped = sum(seen.unwrapped)
    spent = [unwrapped if leg.token == target else seen.spent.get(leg.token, 0) for leg in sold]
    arrived = seen.paid_out if ether else sum(seen.payments)
    swapped = [units > 0 and leg.token != target for leg, units in zip(sold, spent, strict=True)]
    weights = [max(1, leg.expected) * took for leg, took in zip(sold, swapped, strict=True)]
    parts = [arrived * weight // (sum(weights) or 1) for weight in weights]
    if any(weights):
        parts[max(range(len(weights)), key=weights.__getitem__)] += arrived - sum(parts)
    received = [unwrapped if leg.token == target else part for leg, part in zip(sold, parts, strict=True)]
    return tuple(zip(spent, received, strict=True))


def transferred(logs: Sequence[Mapping[str, Any]], account: str) -> dict[str, int]:
    """Return by token what a receipt's transfers changed of what an account has, in base units, unless it is nothing.

    A log of another shape than ERC-20's Transfer is none.
    """
    found: dict[str, int] = {}
    for log in logs:
        topics = list(log["topics"])
        if topics[:1] != [TRANSFER] or len(topics) != 3:
            continue
        token, units = assets.checksummed(str(log["address"])), number(octets(log["data"]))
        sender, receiver = (assets.checksummed("0x" + topic[-40:]) for topic in topics[1:])
        change = (units if receiver == account else 0) - (units if sender == account else 0)
        found[token] = found.get(token, 0) + change
    return {token: change for token, change in found.items() if change}


def _party(topics: Sequence[str]) -> str:
    return assets.checksummed("0x" + topics[1][-40:]) if len(topics) > 1 else ""
