"""What commands about an account's transactions make happen: signed, seen, settled, and the answers of its legs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from domain import claim as claims
from domain import conversion as conversions
from domain import lane as lanes
from domain import leg as legs
from domain import move as moves
from domain import pretrade
from domain import reservation as reservations
from domain.account import Account, rewards_of
from domain.bundle import Intent, answers, carried_by, objection, unheld
from domain.chain import Moved, Proposal
from domain.commands import ObserveLane, ReplaceTransaction, RequestBundle, RequestClaim, RequestRetraction
from domain.lane import Idle, Signed
from domain.move import Alarm, Move, NoteIncluded, NoteReorged, Settle
from domain.sweep import Sweep
from events.facts import (
    AccountFact,
    ConversionsHalted,
    FundingOpened,
    LegFilled,
    RewardClaimRequested,
    TransactionDisplaced,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
)
from events.money import Amount, exactly_sum
from events.values import LegKind, Outcome, Purpose, Refusal, RefusalCode, SignedTransaction, Unclaimed


def objections(
    intents: Sequence[Intent], proposal: Proposal, account: Account, sweep: Sweep, mark: str, today: date
) -> Mapping[str, Refusal]:
    """Check the legs of a bundle, the first before the next, against policy and caps; by leg id, empty for a go."""
    policy, leg_ids = sweep.opened.policy, {intent.leg_id for intent in intents}
    beside = pretrade.sold_beside(leg_ids, sweep)
    day = account.spent_beside([sweep.legs[leg_id] for leg_id in leg_ids], today)
    found: dict[str, Refusal] = {}
    for intent in intents:
        offer = pretrade.worth(LegKind.SWAP, intent.quote)
        no = (
            pretrade.policy_changed(mark, sweep, account.live)
            or unheld(proposal, account.lane)
            or (None if isinstance(sweep.opened, FundingOpened) else objection(intent, proposal, policy))
            or pretrade.over_cap(offer, beside, day, policy)
        )
        if no:
            found[intent.leg_id] = no
        else:
            beside, day = exactly_sum(beside, offer), exactly_sum(day, offer)
    if isinstance(sweep.opened, FundingOpened):
        whole = next(iter(found.values()), None) or conversions.objection(intents, sweep.opened, sweep)
        return {intent.leg_id: whole for intent in intents} if whole else {}
    return found


def request(command: RequestBundle, account: Account) -> list[AccountFact]:
    """Put the intents and their signed transaction on record, all in one; or the refusals that keep it from being."""
    sweep, intents, signed = account.sweep, command.intents, command.transaction
    if sweep is None or account.halted or not intents or not _ready(intents, sweep):
        return []
    nonce = moves.next_nonce(account.lane, command.proposal, command.rules)
    if isinstance(nonce, Alarm):
        return [ConversionsHalted(account.name, nonce.reason)]
    purpose = moves.purpose_for(command.proposal, command.rules)
    if signed.nonce != nonce or signed.purpose is not purpose or signed.allowance != command.proposal.allowance:
        return []
    sweep_id, now = sweep.opened.sweep_id, command.now
    if late := conversions.ended(sweep, account, now):
        return [no for intent in intents for no in _declined(account, sweep, intent.leg_id, late)]
    if found := objections(intents, command.proposal, account, sweep, command.fingerprint, now.date()):
        return [no for leg_id, why in found.items() for no in _declined(account, sweep, leg_id, why)]
    if (short := _gas_shortage(command, account)) and not isinstance(sweep.opened, FundingOpened):
        why = Refusal(RefusalCode.OVER_CAP, short)
        return [no for intent in intents for no in _declined(account, sweep, intent.leg_id, why)]
    carried = intents if purpose is Purpose.SWEEP else ()
    requested = [
        fact
        for intent in carried
        for fact in legs.request(
            sweep.legs[intent.leg_id], account.name, sweep_id, intent.spend, intent.quote, command.now
        )
    ]
    leg_ids = tuple(intent.leg_id for intent in carried)
    head = command.proposal.head.number
    return [*requested, TransactionSigned(account.name, sweep_id, signed, leg_ids, "", head, command.now)]


def _gas_shortage(command: RequestBundle, account: Account) -> str:
    """Say that gas of a sweep may take what is promised to trades; what is sold for the native coin adds to it."""
    coin, proposal = command.proposal.cost.asset, command.proposal
    received = (offer.quote.receive for offer in proposal.offers)
    brings = exactly_sum(*(each.quantity for each in received if each.asset == coin))
    return reservations.gas_shortage(account, command.transaction, proposal.ether, brings, command.now)


def retract(command: RequestRetraction, account: Account) -> list[AccountFact]:
    """Put on record what takes an allowance back, while that is what comes next."""
    sweep, signed = account.sweep, command.transaction
    if sweep is None or account.halted or lanes.owed(account.lane) != command.asset:
        return []
    nonce = moves.next_nonce(account.lane, command.proposal, command.rules)
    if isinstance(nonce, Alarm):
        return [ConversionsHalted(account.name, nonce.reason)]
    if signed.nonce != nonce or signed.allowance != Amount(Decimal(0), command.asset):
        return []
    head = command.proposal.head.number
    return [TransactionSigned(account.name, sweep.opened.sweep_id, signed, (), "", head, command.now)]


def claim(command: RequestClaim, account: Account) -> list[AccountFact]:
    """Put the intent of a claim and its signed transaction on record; nothing is claimed while a sweep is open.

    So nothing is owed either: no sweep ends before what it allowed is used or taken back.
    """
    proposal, signed, name = command.proposal, command.transaction, account.name
    intent = claims.requested(name, command.venue, proposal, command.policy, command.due, command.now)
    begun = account.claims.get(intent.source) == intent.claim_id
    if begun or account.claim or account.sweep or account.halted or account.live != command.fingerprint:
        return []
    nonce = moves.next_nonce(account.lane, proposal, command.rules)
    if isinstance(nonce, Alarm):
        return [ConversionsHalted(name, nonce.reason)]
    if signed.nonce != nonce or signed.purpose is not Purpose.CLAIM or claims.objection(proposal, command.policy):
        return []
    if short := reservations.gas_shortage(account, signed, proposal.ether, Decimal(0), command.now):
        waiting = claims.Waiting(intent.source, Unclaimed.NO_GAS, short, proposal.rewards)
        news = account.judged.get(rewards_of(intent.source)) != waiting.reason
        return [claims.told(name, waiting, command.policy, command.now)] if news else []
    head = proposal.head.number
    return [intent, TransactionSigned(name, intent.claim_id, signed, (), "", head, command.now)]


def _ready(intents: Sequence[Intent], sweep: Sweep) -> bool:
    """Each leg is asked for once, and for the attempt that is its next."""
    if len({intent.leg_id for intent in intents}) != len(intents):
        return False
    found = ((sweep.legs.get(intent.leg_id), intent.attempt) for intent in intents)
    return all(leg is not None and legs.next_attempt(leg) == attempt for leg, attempt in found)


def _declined(account: Account, sweep: Sweep, leg_id: str, why: Refusal) -> Sequence[AccountFact]:
    return legs.decline(sweep.legs[leg_id], account.name, sweep.opened.sweep_id, why)


def replace(command: ReplaceTransaction, account: Account) -> list[AccountFact]:
    """Put a replacement on record, if nothing has happened to what it replaces."""
    state, signed = account.lane.state, command.transaction
    if account.halted or not isinstance(state, Signed) or state.newest != command.replaced:
        return []
    first = state.attempts[0]
    carried = () if signed.purpose is Purpose.CANCEL else first.legs
    fact = TransactionSigned(
        account=account.name,
        sweep_id=first.sweep_id,
        transaction=signed,
        legs=carried,
        replaces=first.transaction.tx_hash,
        head=account.lane.head,
        signed_at=command.now,
    )
    return [fact] if lanes.replaces(fact, account.lane) else []


def observe(command: ObserveLane, account: Account) -> list[AccountFact]:
    """Record what a sight of the account means; what only calls for sending records nothing."""
    lane = account.lane
    if isinstance(lane.state, Idle) or lane.turn != command.turn:
        return []
    move = moves.next_move(lane, command.sight, command.now, command.rules, bool(account.halted))
    return _noted(move, account, lane.state.attempts[0], command)


def _noted(move: Move, account: Account, first: TransactionSigned, command: ObserveLane) -> list[AccountFact]:
    name, sweep_id = account.name, first.sweep_id
    match move:
        case NoteIncluded(receipt):
            return [TransactionIncluded(name, sweep_id, receipt.tx_hash, receipt.block, receipt.succeeded)]
        case NoteReorged(seen, detail):
            return [TransactionReorged(name, sweep_id, seen.tx_hash, seen.block, detail)]
        case Alarm(reason, displaced):
            nonce = first.transaction.nonce
            noted: list[AccountFact] = [TransactionDisplaced(name, sweep_id, nonce, reason)] if displaced else []
            return [*noted, *_halted(account, reason)]
        case Settle():
            return _settled(move, account, first, command)
        case _:
            return []


def _settled(move: Settle, account: Account, first: TransactionSigned, command: ObserveLane) -> list[AccountFact]:
    carried, receipt = carried_by(move, account.sweep), move.receipt
    told = answers(move, carried, command.moved.legs)
    answered = [
        fact
        for leg in carried
        if leg.plan.leg_id in told
        for fact in legs.conclude(leg, account.name, first.sweep_id, told[leg.plan.leg_id])
    ]
    won = next((each for each in move.attempts if receipt and each.transaction.tx_hash == receipt.tx_hash), first)
    settled = TransactionSettled(
        account=account.name,
        sweep_id=first.sweep_id,
        tx_hash=won.transaction.tx_hash,
        purpose=won.transaction.purpose,
        outcome=move.outcome,
        block=receipt.block if receipt else None,
        gas_used=receipt.gas_used if receipt else 0,
        fee=receipt.fee if receipt else None,
        shared=any(isinstance(fact, LegFilled) for fact in answered),
        confirmations=move.confirmations,
        next_nonce=move.next_nonce,
    )
    refused = _unapproved(account, won.transaction, move.outcome)
    ended = _claim_ended(account.claim, settled, command) if account.claim else []
    alarm = move.alarm or _doubted(command.moved, won.transaction.tx_hash)
    return [settled, *answered, *refused, *ended, *_halted(account, alarm)]


def _unapproved(account: Account, won: SignedTransaction, outcome: Outcome) -> list[AccountFact]:
    """Decline what sells a token that took no approval: it worked when it was tried, and would be paid for each time.

    An allowance that could not be taken back is told to the owner instead.
    """
    sweep, wanted = account.sweep, won.allowance
    reverted = won.purpose is Purpose.APPROVE and outcome is Outcome.REVERTED
    if sweep is None or not reverted or wanted is None or not wanted.quantity:
        return []
    why = Refusal(RefusalCode.OTHER, f"the approval of {wanted} reverted in {won.tx_hash}")
    sells = [leg_id for leg_id, leg in sweep.legs.items() if leg.plan.spend == wanted.asset]
    return [no for leg_id in sells for no in _declined(account, sweep, leg_id, why)]


def _doubted(moved: Moved, tx_hash: str) -> str:
    """Say what the owner has to look at where a transaction moved something else than its legs."""
    if not moved.doubt:
        return ""
    told = f"{tx_hash} moved something else than was asked: {moved.doubt}"
    return f"{told}. Compare what the wallet has with what is on record; then `dustman resume`"


def _claim_ended(request: RewardClaimRequested, settled: TransactionSettled, command: ObserveLane) -> list[AccountFact]:
    if request.claim_id != settled.sweep_id:
        return []
    outcome = settled.outcome if settled.purpose is Purpose.CLAIM else Outcome.CANCELLED
    return [claims.concluded(request, outcome, settled.tx_hash, settled.block, command.claimed)]


def _halted(account: Account, reason: str) -> list[AccountFact]:
    return [] if account.halted or not reason else [ConversionsHalted(account.name, reason)]
