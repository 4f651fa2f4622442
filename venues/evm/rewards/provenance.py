"""Provenance: where what a wallet holds came from, by the transactions that brought it.

The newest arrivals that add up to what is there count, since what came last is what is still there. Each is looked up
by the contract that it was transferred from, and believed once that contract's own event stands in the same
transaction. A token of several sources bears the word of the one that brought most, and what no arrival explains is
`leftover`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from events.values import Proof, Source
from venues.evm.discovery import Arrival
from venues.evm.registry import Rewards
from venues.evm.rewards.eigenlayer import EigenLayer
from venues.evm.rewards.king import KingDrop, KingRedemption
from venues.evm.rewards.source import RewardSource, Transfer
from venues.evm.rpc import Call, Rpc, good

UNPROVEN = Source.LEFTOVER, None
Origin = tuple[Source, Proof | None]


def provers(contracts: Rewards | None) -> tuple[RewardSource, ...]:
    """Return what proves payments on a chain: the contracts that pay there, and the plain transfer last."""
    if contracts is None:
        return (Transfer(),)
    king, drop, coordinator = contracts.king, contracts.drop, contracts.coordinator
    return (
        *([KingDrop(drop, king)] if king and drop else []),
        *([KingRedemption(king)] if king else []),
        *([EigenLayer(coordinator)] if coordinator else []),
        Transfer(),
    )


@dataclass(frozen=True, slots=True)
class Provenance:
    """Looks up the origins of what one account holds; `keep` is called when a node was asked for any."""

    rpc: Rpc
    account: str
    sources: Sequence[RewardSource]
    keep: Callable[[], None] = lambda: None

    def origins(self, held: Mapping[str, int], arrivals: Mapping[str, Sequence[Arrival]]) -> dict[str, Origin]:
        """Return the origin of each token, by its address; one request where an arrival is still to be looked up."""
        covering = {token: _covering(arrivals.get(token, ()), units) for token, units in held.items()}
        self._look_up([each for some in covering.values() for each, _ in some])
        return {token: _origin(some, held[token]) for token, some in covering.items()}

    def _look_up(self, arrivals: Sequence[Arrival]) -> None:
        payers = {each.payer for each in self.sources if each.payer}
        for arrival in arrivals:
            if arrival.source is None and arrival.sender not in payers:
                arrival.source = Source.TRANSFER
        hashes = sorted({each.tx_hash for each in arrivals if each.source is None})
        if not hashes:
            return
        found = self.rpc.ask([Call("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in hashes])
        receipts = dict(zip(hashes, map(good, found), strict=True))
        for arrival in arrivals:
            receipt = receipts.get(arrival.tx_hash)
            if arrival.source is None and isinstance(receipt, dict):
                arrival.source = self._source(arrival, receipt["logs"])
        self.keep()

    def _source(self, arrival: Arrival, logs: Sequence[Mapping[str, object]]) -> Source:
        mine = (each for each in self.sources if each.payer == arrival.sender)
        return next(
            (each.source for each in mine if any(each.proves(log, self.account) for log in logs)), Source.TRANSFER
        )


def _covering(arrivals: Sequence[Arrival], units: int) -> list[tuple[Arrival, int]]:
    """Return the newest arrivals that add up to what is there, each with how much of it counts."""
    found, left = [], units
    for arrival in sorted(arrivals, key=lambda each: (each.block, each.index), reverse=True):
        if left <= 0:
            break
        counted = min(left, arrival.amount)
        if counted > 0:
            found.append((arrival, counted))
            left -= counted
    return found


def _origin(covering: Sequence[tuple[Arrival, int]], units: int) -> Origin:
    parts: dict[Source, int] = {}
    for arrival, counted in covering:
        if arrival.source is not None:
            parts[arrival.source] = parts.get(arrival.source, 0) + counted
    parts[Source.LEFTOVER] = units - sum(parts.values())
    word = max(parts, key=lambda source: parts[source])
    proving = [(counted, arrival) for arrival, counted in covering if arrival.source is word]
    if not proving:
        return UNPROVEN
    _, largest = max(proving, key=lambda each: (each[0], each[1].block, each[1].index))
    return word, Proof(largest.tx_hash, largest.block)
