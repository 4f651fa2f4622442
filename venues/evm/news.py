"""News of wallets: who sent them tokens, asked for many wallets at once, in steps where a provider does not give all.

Transfer is ERC-20's event (EIP-20), whose amount is not indexed, unlike that of ERC-721.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.errors import VenueUnavailable
from venues.evm.assets import checksummed
from venues.evm.discovery import Arrival, Discovery
from venues.evm.rpc import LOGS, Call, Failure, octets, quantity
from venues.evm.words import WORD, number, padded

TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SHORTEST: Final = 1
# Wallets asked for in one call; geth allows a thousand values for a topic.
WALLETS_AT_ONCE: Final = 500
# How providers say that they would not read so many blocks, or not send so many logs, at once.
_TOO_MUCH: Final = (
    "range",
    "limit",
    "more than",
    "too many",
    "too large",
    "exceed",
    "response size",
    "maximum",
    "timeout",
    "timed out",
)


@dataclass(frozen=True, slots=True)
class News:
    """What is new for wallets whose news begin at the same block: the call that asks for it."""

    discoveries: tuple[Discovery, ...]
    call: Call

    def take(self, answer: object, head: int) -> None:
        """Take the answer as of the block `head`, or read in smaller steps; then go on to older blocks.

        Raises `VenueUnavailable` when new blocks can't be read, for all of the wallets.
        """
        for each in self.discoveries:
            each.renew(head)
        if isinstance(answer, Failure):
            self._newer(head)
        else:
            met = _transfers(answer)
            for each in self.discoveries:
                each.take(met.get(_topic(each.wallet), {}), head)
        self._older()
        for each in self.discoveries:
            each.keep()

    def _newer(self, head: int) -> None:
        """Read new blocks up to the head; where nothing was read yet, all blocks are old ones."""
        group = [each for each in self.discoveries if each.found.high >= each.found.low]
        start = min((each.next_block() for each in group), default=head + 1)
        while start <= head:
            start = _read(group, start, head, backwards=False) + 1
            for each in group:
                each.found.high = max(each.found.high, start - 1)
        for each in self.discoveries:
            each.found.low = each.found.low if each in group else head + 1
            each.found.high = head

    def _older(self) -> None:
        """Read older blocks as far as a scan's share of requests goes, the newest of them first."""
        rpc, share = self.discoveries[0].rpc, self.discoveries[0].requests_a_scan
        budget = rpc.requests + share
        while rpc.requests < budget and (waiting := [each for each in self.discoveries if each.found.low > each.start]):
            low = max(each.found.low for each in waiting)
            group = [each for each in waiting if each.found.low == low]
            low = _read(group, min(each.start for each in group), low - 1, backwards=True)
            for each in group:
                each.found.low = max(each.start, low)


def news_of(discoveries: Sequence[Discovery]) -> list[News]:
    """Ask what is new for all wallets, in as few calls as there are blocks where news begin."""
    starts: dict[int, list[Discovery]] = {}
    for each in discoveries:
        starts.setdefault(each.next_block(), []).append(each)
    return [
        News(tuple(some), _logs(start, "latest", some))
        for start, together in sorted(starts.items())
        for some in (together[at : at + WALLETS_AT_ONCE] for at in range(0, len(together), WALLETS_AT_ONCE))
    ]


def _read(group: Sequence[Discovery], first: int, last: int, *, backwards: bool) -> int:
    """Read as much of the blocks `first` to `last` as the provider gives at once; return how far that went.

    A provider that does not give one block for several wallets is asked for fewer of them.
    """
    while True:
        span = min([last - first + 1, *(each.found.span for each in group if each.found.span)])
        low, high = (last - span + 1, last) if backwards else (first, first + span - 1)
        answer = group[0].rpc.ask([_logs(low, hex(high), group)])[0]
        if not isinstance(answer, Failure):
            met = _transfers(answer)
            for each in group:
                each.note(met.get(_topic(each.wallet), {}))
                each.found.span += 1 + each.found.span // 4 if each.found.span else 0
            return low if backwards else high
        if not _is_too_much(answer) or (span <= SHORTEST and len(group) == 1):
            raise VenueUnavailable(f"the node refused {answer}")
        if span <= SHORTEST:
            half = len(group) // 2
            _read(group[:half], first, last, backwards=backwards)
            return _read(group[half:], first, last, backwards=backwards)
        for each in group:
            each.found.span = max(SHORTEST, span // 4)


def _logs(first: int, last: str, group: Sequence[Discovery]) -> Call:
    topics = [TRANSFER, None, [_topic(each.wallet) for each in group]]
    return Call(LOGS, ({"fromBlock": hex(first), "toBlock": last, "topics": topics},))


def _topic(wallet: str) -> str:
    return "0x" + padded(wallet).hex()


def _transfers(logs: object) -> dict[str, dict[str, list[Arrival]]]:
    """Return ERC-20 transfers by topic of the receiver, then by contract; `VenueUnavailable` for what is no logs."""
    met: dict[str, dict[str, list[Arrival]]] = {}
    try:
        for log in logs:  # type: ignore[attr-defined]
            if log.get("removed") is True:  # of a block that is no longer part of the chain
                continue
            if len(log["topics"]) == 3 and len(log["data"]) == 2 + 2 * WORD:
                arrived = met.setdefault(log["topics"][2].lower(), {})
                arrived.setdefault(checksummed(log["address"]), []).append(_arrival(log))
        return met
    except (TypeError, KeyError, ValueError, AttributeError):
        raise VenueUnavailable("a node answered eth_getLogs with something that is no list of logs") from None


def _arrival(log: Mapping[str, Any]) -> Arrival:
    return Arrival(
        tx_hash=str(log["transactionHash"]),
        block=quantity(log["blockNumber"]),
        index=quantity(log["logIndex"]),
        sender=checksummed("0x" + log["topics"][1][-40:]),
        units=hex(number(octets(log["data"]))),
    )


def _is_too_much(failure: Failure) -> bool:
    words = failure.message.lower()
    return failure.code == -32005 or any(word in words for word in _TOO_MUCH)
