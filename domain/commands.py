"""What an account can be told to do. Each command names its cause, from which the ids of its events are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.bundle import Intent
from domain.chain import Moved, Proposal, Rules, Sight
from domain.claim import Claimed, ClaimProposal, Waiting
from domain.identity import batch_key
from domain.leg import Answer
from domain.scan import Reading
from domain.treasury import Treasury
from events.facts import PermissionFact, TransactionSigned
from events.money import Amount
from events.values import Policy, Quote, Refusal, Release, SignedTransaction


@dataclass(frozen=True, slots=True)
class Trigger:
    """The strategy, in its mode, whose dust is to be converted now: of these assets and no others."""

    strategy: str
    mode: str
    assets: frozenset[str]


@dataclass(frozen=True, slots=True)
class RecordScan:
    """Record what a scan read.

    Without `announce` it is only a look: no dust is announced, no sweep opened, and no due time answered for. What is
    announced is limited to what the `trigger` names, where there is one.
    """

    reading: Reading
    policy: Policy
    announce: bool = True
    trigger: Trigger | None = None

    @property
    def cause(self) -> str:
        # A moment that was looked at may still be answered for, by what is announced then.
        return f"{'scan' if self.announce else 'look'}/{self.reading.scan_id}"


@dataclass(frozen=True, slots=True)
class RecordOutage:
    """Record that the venue could not be read; `about` names the scan or sweep that has to wait."""

    venue: str
    operation: str
    about: str
    detail: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"outage/{self.operation}/{self.about}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class RequestLeg:
    """Put a leg's intent on record, if policy, caps and purse still allow what the venue offers.

    `worker` names who asks: of two that ask at once one is recorded, and only that one may go to the venue.
    """

    leg_id: str
    spend: Amount
    quote: Quote
    fingerprint: str
    attempt: int
    worker: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"{self.leg_id}/request/{self.attempt}/{self.worker}"


@dataclass(frozen=True, slots=True)
class SmallIntent:
    """One leg of a request for small balances, as it would be recorded."""

    leg_id: str
    spend: Amount
    quote: Quote
    attempt: int


@dataclass(frozen=True, slots=True)
class RequestBatch:
    """Put the intents of all legs of one request for small balances on record, if everything RequestLeg asks for holds.

    `worker` is as for RequestLeg.
    """

    intents: tuple[SmallIntent, ...]
    fingerprint: str
    worker: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"{batch_key([intent.leg_id for intent in self.intents])}/request/{self.worker}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class DeclineLeg:
    """Record our own no to a leg that the venue does not have."""

    leg_id: str
    refusal: Refusal

    @property
    def cause(self) -> str:
        return f"{self.leg_id}/decline"


@dataclass(frozen=True, slots=True)
class ConcludeLeg:
    """Record what the venue said of an open leg."""

    leg_id: str
    attempt: int
    answer: Answer

    @property
    def cause(self) -> str:
        return f"{self.leg_id}/{type(self.answer).__name__}/{self.attempt}"


@dataclass(frozen=True, slots=True)
class ConcludeBatch:
    """Record what the venue said of all legs of one request, all in one: what is left of it could not be told apart."""

    answers: tuple[ConcludeLeg, ...]

    @property
    def cause(self) -> str:
        return f"{batch_key([answer.cause for answer in self.answers])}/conclude"


@dataclass(frozen=True, slots=True)
class RequestBundle:
    """Put a signed transaction and the intents of its legs on record, if everything that RequestLeg asks for holds.

    A delegation carries no legs: `intents` are those it is made for. `worker` is as for RequestLeg.
    """

    intents: tuple[Intent, ...]
    transaction: SignedTransaction
    proposal: Proposal
    rules: Rules
    fingerprint: str
    worker: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"{self.transaction.tx_hash}/request/{self.worker}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class RequestRetraction:
    """Put a signed transaction on record that takes back what a market may still take of an asset."""

    asset: str
    transaction: SignedTransaction
    proposal: Proposal
    rules: Rules
    worker: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"{self.transaction.tx_hash}/retract/{self.worker}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class RequestClaim:
    """Put a signed claim and its intent on record, if the policy that the account is live with allows what it brings.

    It is due at `due`; `worker` is as for RequestLeg.
    """

    venue: str
    proposal: ClaimProposal
    transaction: SignedTransaction
    policy: Policy
    fingerprint: str
    rules: Rules
    due: datetime
    worker: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"{self.transaction.tx_hash}/claim/{self.worker}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class NoteUnclaimed:
    """Record why rewards are not claimed, each source's reason when it is another than before."""

    waiting: tuple[Waiting, ...]
    policy: Policy
    now: datetime

    @property
    def cause(self) -> str:
        return f"unclaimed/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class ReplaceTransaction:
    """Put a transaction on record that takes the place of `replaced`, the newest of its nonce."""

    transaction: SignedTransaction
    replaced: TransactionSigned
    worker: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"{self.transaction.tx_hash}/replace/{self.worker}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class ObserveLane:
    """Record what a node's sight of the account means; `moved` is what a final receipt moved by leg, and `claimed` what
    it moved as a claim.

    `turn` is the lane's when it was looked at: on one that has moved since, the sight is decided about anew.
    """

    sight: Sight
    rules: Rules
    moved: Moved
    turn: int
    worker: str
    now: datetime
    claimed: Claimed | None = None

    @property
    def cause(self) -> str:
        return f"lane/{self.turn}/{self.worker}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class FinishSweep:
    """Give every lot of the open sweep its answer."""

    sweep_id: str
    now: datetime

    @property
    def cause(self) -> str:
        return f"{self.sweep_id}/finish"


@dataclass(frozen=True, slots=True)
class RequestEth:
    """Promise ETH to a trade, and open what makes it where it is short; `treasury` is what was read, or why it was not.

    After `until` the answer is of no use. `overrun` is what earlier conversions for it cost that fell short, in the
    policy's currency. `worker`, `now` and `version`, how long the account's stream was, tell requests of the same trade
    apart that are answered one after the other.
    """

    trade: str
    amount: Amount
    venue: str
    policy: Policy
    fingerprint: str
    treasury: Treasury | str
    worker: str
    now: datetime
    until: datetime
    overrun: Decimal = Decimal(0)
    version: int = 0

    @property
    def cause(self) -> str:
        return f"eth/{self.trade}/{self.worker}/{self.now.isoformat()}/{self.version}"


@dataclass(frozen=True, slots=True)
class ReleaseEth:
    """End a trade's reservation."""

    reservation_id: str
    why: Release
    now: datetime

    @property
    def cause(self) -> str:
        return f"release/{self.reservation_id}/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class ExpireReservations:
    """Release what is promised for too long."""

    now: datetime

    @property
    def cause(self) -> str:
        return f"expire/{self.now.isoformat()}"


@dataclass(frozen=True, slots=True)
class Declare:
    """Record an owner's decision: a dry run, going live, a halt, a resumption. `command_id` is the caller's."""

    fact: PermissionFact
    command_id: str

    @property
    def cause(self) -> str:
        return f"declare/{self.command_id}"


Command = (
    RecordScan
    | RecordOutage
    | RequestLeg
    | DeclineLeg
    | ConcludeLeg
    | ConcludeBatch
    | RequestBundle
    | RequestRetraction
    | RequestClaim
    | NoteUnclaimed
    | RequestBatch
    | ReplaceTransaction
    | ObserveLane
    | FinishSweep
    | RequestEth
    | ReleaseEth
    | ExpireReservations
    | Declare
)
