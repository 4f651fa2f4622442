"""What a source of rewards is: an event that proves its payments, and where it has them, claims that can be tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from domain.claim import Waiting
from events.values import Source
from venues.evm.assets import checksummed
from venues.evm.lens import Lens
from venues.evm.news import TRANSFER
from venues.evm.words import padded

Log = Mapping[str, Any]


class RewardSource(Protocol):
    """Tells its own payments from others by the event that only its contract writes, never by a symbol."""

    @property
    def source(self) -> Source: ...

    @property
    def payer(self) -> str:
        """Return the contract that what it pays is transferred from; empty for anybody."""
        ...

    def proves(self, log: Log, account: str) -> bool:
        """Say whether a log is the event by which the source paid this account."""
        ...


class ClaimableSource(RewardSource, Protocol):
    """A source that pays when it is asked to."""

    def ready(self, lens: Lens, account: str, block: int) -> Ready | Waiting:
        """Say what a claim would be as of a block, or why there is none.

        `VenueUnavailable` when no node answers, `NoClaimData` when the data cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ready:
    """A claim that can be tried: the call that makes it, and by token what arrives, all in base units.

    `spend` is the token and how much of it is burnt. `inside` is what the first of `received` may be redeemed for.
    """

    source: Source
    to: str
    data: bytes
    received: Mapping[str, int]
    spend: tuple[str, int] | None = None
    inside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transfer:
    """The plain transfer: whatever arrived and no other source has proven."""

    source: Source = Source.TRANSFER
    payer: str = ""

    def proves(self, log: Log, account: str) -> bool:
        """Accept ERC-20's Transfer to the account."""
        topics = list(log["topics"])
        return len(topics) == 3 and topics[0] == TRANSFER and topics[2] == topic(account)


def topic(address: str) -> str:
    """Write an address as logs have it among their topics."""
    return "0x" + padded(address).hex()


def written_by(log: Log, contract: str, event: str, place: int, account: str) -> bool:
    """Say whether a contract wrote this event with the account among its topics, at `place` from 1."""
    topics = list(log["topics"])
    named = len(topics) > place and topics[0] == event and topics[place] == topic(account)
    return named and checksummed(str(log["address"])) == contract


NOTHING_LEFT: Final = "all that was earned so far is claimed"
