"""Sending a bundle as one transaction and following it until it is final: the converter's work and the reconciler's.

Each step starts from the log and ends in it, so a worker that dies anywhere is continued by any other: what was signed
is sent again byte by byte, and what was not recorded was sent to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import assert_never

from domain.account import Account
from domain.bundle import carried_by, intents
from domain.chain import Moved, Proposal, watch_of
from domain.claim import Claimed
from domain.commands import (
    Declare,
    DeclineLeg,
    ObserveLane,
    ReplaceTransaction,
    RequestBundle,
    RequestRetraction,
)
from domain.conversion import enough
from domain.decision import fingerprint
from domain.errors import OutcomeUnknown
from domain.lane import Idle, Included, Signed
from domain.leg import Requested, Unknown, draft
from domain.move import (
    Alarm,
    Broadcast,
    NoteIncluded,
    NoteReorged,
    Replace,
    Settle,
    Wait,
    next_move,
    next_nonce,
    purpose_for,
)
from domain.sweep import Bundle, Retract, Sweep, expected, size
from domain.transaction import objections
from domain.treasury import available
from domain.venue import Holding
from events.facts import (
    ConversionsHalted,
    FundingOpened,
    RewardClaimFailed,
    RewardsClaimed,
    TransactionFact,
    TransactionSigned,
)
from events.log import Recorded
from events.money import Amount, plain
from events.values import Outcome, Purpose, Refusal, RefusalCode
from workers.desk import Desk
from workers.outages import outage_recorded


def request(desk: Desk, account: str, sweep: Sweep, step: Bundle) -> bool:
    """Record what the simulation of the whole bundle allows, then send it; else record why not.

    Returns whether going on at once is worth while; not so when it was just sent, since no chain holds it yet, nor
    while the chain's nodes are behind what was seen before.
    """
    spends = _sized(desk, account, sweep, step)
    if isinstance(sweep.opened, FundingOpened) and len(spends) < len(step.tries):
        return True
    if not spends:
        return True
    chain, about = desk.chain(account), sweep.opened.sweep_id
    with outage_recorded(desk, account, about):
        drafts = [draft(each.leg.plan, spends[id_]) for each in step.tries if (id_ := each.leg.plan.leg_id) in spends]
        proposal = chain.propose(drafts)
    keys = {order.key: leg_id for leg_id, order in zip(spends, drafts, strict=True)}
    dropped = {keys[key]: refusal for key, refusal in proposal.dropped.items()}
    _decline(desk, account, sweep, _all_or_none(sweep, keys.values(), dropped))
    return not proposal.offers or _offered(desk, account, sweep, spends, proposal)


def _sized(desk: Desk, account: str, sweep: Sweep, step: Bundle) -> dict[str, Amount]:
    """Size every leg by balances read now, all in one reading."""
    if isinstance(sweep.opened, FundingOpened):
        return _planned(desk, account, sweep, step)
    likely = [draft(each.leg.plan, expected(each)) for each in step.tries]
    with outage_recorded(desk, account, sweep.opened.sweep_id):
        held = {holding.asset: holding for holding in desk.chain(account).rehearse(likely)}
    sizes = {
        each.leg.plan.leg_id: size(each, held.get(each.leg.plan.spend, _none(each.leg.plan.spend)), sweep.opened.policy)
        for each in step.tries
    }
    _decline(desk, account, sweep, {leg_id: no for leg_id, no in sizes.items() if isinstance(no, Refusal)})
    return {leg_id: spend for leg_id, spend in sizes.items() if isinstance(spend, Amount)}


def _planned(desk: Desk, account: str, sweep: Sweep, step: Bundle) -> dict[str, Amount]:
    """Take the most that was planned for each leg, if it is still needed and what the account has allows all of it."""
    policy, treasury = sweep.opened.policy, desk.planned_on.pop(sweep.opened.sweep_id, None)
    assert policy.funding is not None  # without it no conversion for a trade is opened
    if treasury is None:
        with outage_recorded(desk, account, sweep.opened.sweep_id):
            treasury = desk.treasurer(account).treasury(policy.funding, Decimal(0))
    current = desk.streams.load(account).state
    if no_more := enough(sweep, current, treasury, desk.clock()):
        _decline(desk, account, sweep, {each.leg.plan.leg_id: no_more for each in step.tries})
        return {}
    there = available(treasury, policy)
    refusals = {
        each.leg.plan.leg_id: Refusal(
            RefusalCode.INSUFFICIENT_BALANCE,
            f"{each.wanted} was planned, {plain(there.get(each.wanted.asset, Decimal(0)))} is free beyond the reserve",
        )
        for each in step.tries
        if each.wanted.quantity > there.get(each.wanted.asset, Decimal(0))
    }
    _decline(desk, account, sweep, _all_or_none(sweep, [each.leg.plan.leg_id for each in step.tries], refusals))
    return {} if refusals else {each.leg.plan.leg_id: each.wanted for each in step.tries}


def _all_or_none(sweep: Sweep, legs: Iterable[str], refusals: Mapping[str, Refusal]) -> Mapping[str, Refusal]:
    """Have one refusal of a conversion for a trade end all of it; lots of dust go without each other."""
    if not refusals or not isinstance(sweep.opened, FundingOpened):
        return refusals
    why = next(iter(refusals.values())).sentence
    beside = Refusal(RefusalCode.OTHER, f"nothing is converted unless all is: {why}")
    return {leg_id: refusals.get(leg_id, beside) for leg_id in legs}


def _offered(desk: Desk, account: str, sweep: Sweep, spends: Mapping[str, Amount], proposal: Proposal) -> bool:
    current, chain, now = desk.streams.load(account).state, desk.chain(account), desk.clock()
    offered, mark = intents(spends, sweep.legs, proposal), fingerprint(desk.mandates[account].policy)
    nonce = next_nonce(current.lane, proposal, chain.rules)
    if isinstance(nonce, Wait):
        return False
    if isinstance(nonce, Alarm):
        return _halt(desk, account, sweep, nonce.reason)
    if found := objections(offered, proposal, current, sweep, mark, now.date()):
        _decline(desk, account, sweep, found)
        return True
    signed = chain.sign(proposal, purpose_for(proposal, chain.rules), nonce)
    command = RequestBundle(offered, signed, proposal, chain.rules, mark, desk.worker, now)
    return _recorded(desk, account, sweep, command)


def retract(desk: Desk, account: str, sweep: Sweep, step: Retract) -> bool:
    """Record what takes an allowance back, then send it; returns as `request` does."""
    chain = desk.chain(account)
    with outage_recorded(desk, account, sweep.opened.sweep_id):
        proposal = chain.retract(step.asset)
    if isinstance(proposal, Refusal):
        waits = proposal.code is RefusalCode.NO_NET_GAIN
        return False if waits else _halt(desk, account, sweep, proposal.sentence)
    nonce = next_nonce(desk.streams.load(account).state.lane, proposal, chain.rules)
    if isinstance(nonce, Wait):
        return False
    if isinstance(nonce, Alarm):
        return _halt(desk, account, sweep, nonce.reason)
    signed = chain.sign(proposal, Purpose.APPROVE, nonce)
    command = RequestRetraction(step.asset, signed, proposal, chain.rules, desk.worker, desk.clock())
    return _recorded(desk, account, sweep, command)


def _halt(desk: Desk, account: str, sweep: Sweep, reason: str) -> bool:
    cause = f"{sweep.opened.sweep_id}/lane/{desk.clock().isoformat()}"
    desk.streams.handle(account, Declare(ConversionsHalted(account, reason), cause), sweep.opened.sweep_id)
    return True


def _recorded(desk: Desk, account: str, sweep: Sweep, command: RequestBundle | RequestRetraction) -> bool:
    """Record what was signed, and send it if that was recorded; returns whether going on at once is worth while."""
    recorded = desk.streams.handle(account, command, sweep.opened.sweep_id)
    send_recorded(desk, account, sweep.opened.sweep_id, recorded)
    return not recorded


def observe(desk: Desk, account: str) -> bool:
    """Look what became of the transaction in flight, record all that is news, or send again what is on record.

    Returns whether anything is news, so that looking again at once is worth while. What was seen is for the lane that
    was looked at: where another worker has moved it meanwhile, it may be of another transaction.
    """
    current, chain = desk.streams.load(account).state, desk.chain(account)
    lane, sweep = current.lane, current.sweep
    if isinstance(lane.state, Idle):
        return True
    about = lane.state.attempts[0].sweep_id
    with outage_recorded(desk, account, about):
        block = lane.state.seen.block.number if isinstance(lane.state, Included) else None
        sight = chain.sight(watch_of(lane.state.attempts, block, _ended(lane.state, sweep)))
    news, turn = False, lane.turn
    while True:
        now, current = desk.clock(), desk.streams.load(account).state
        if current.lane.turn != turn:
            return True
        move = next_move(current.lane, sight, now, chain.rules, bool(current.halted))
        match move:
            case Wait():
                return news
            case Broadcast(raw):
                _send(desk, account, about, raw)
                return news
            case Replace():
                _replace(desk, account, about, move)
                return news
            case NoteIncluded() | NoteReorged() | Alarm() | Settle():
                moved = _moved(desk, account, current, move) if isinstance(move, Settle) else Moved({})
                claimed = _claimed(desk, account, current, move) if isinstance(move, Settle) else None
                noted = ObserveLane(sight, chain.rules, moved, turn, desk.worker, now, claimed)
                recorded = desk.streams.handle(account, noted, about)
                if not recorded:
                    return True
                _look_again(desk, account, recorded)
                news, turn = True, turn + sum(isinstance(each.fact, TransactionFact) for each in recorded)
            case _:
                assert_never(move)


def _look_again(desk: Desk, account: str, recorded: Sequence[Recorded]) -> None:
    """Have an account read that was not while a claim was under way, or the strategies measured that it is of."""
    if not any(isinstance(each.fact, RewardsClaimed | RewardClaimFailed) for each in recorded):
        return
    strategies = desk.mandates[account].strategies
    for strategy in strategies:
        desk.nudge("measure", strategy)
    if not strategies:
        desk.nudge("scan", account)


def _ended(state: Signed | Included, sweep: Sweep | None) -> list[str]:
    """Name the assets of which nobody may take anything once the transaction in flight has succeeded."""
    first, legs = state.attempts[0], sweep.legs if sweep else {}
    made = first.transaction.allowance
    if made is not None:
        return [] if made.quantity else [made.asset]
    return [legs[leg_id].plan.spend for leg_id in first.legs if leg_id in legs]


def _moved(desk: Desk, account: str, current: Account, settle: Settle) -> Moved:
    if settle.receipt is None or current.sweep is None:
        return Moved({})
    intended = [leg.intent for leg in carried_by(settle, current.sweep) if isinstance(leg, Requested | Unknown)]
    with outage_recorded(desk, account, current.sweep.opened.sweep_id):
        return desk.chain(account).fills(settle.receipt, intended)


def _claimed(desk: Desk, account: str, current: Account, settle: Settle) -> Claimed | None:
    """Read what a claim moved, if it is a claim that this receipt is of."""
    claim = current.claim
    if claim is None or claim.claim_id != settle.attempts[0].sweep_id:
        return None
    if settle.receipt is None or settle.outcome is not Outcome.SUCCEEDED:
        return None
    with outage_recorded(desk, account, claim.claim_id):
        return desk.claim_signer(account).claimed(settle.receipt, claim)


def _replace(desk: Desk, account: str, about: str, move: Replace) -> None:
    signed = desk.chain(account).replace(move.signed.transaction, move.purpose, move.gas_price)
    command = ReplaceTransaction(signed, move.signed, desk.worker, desk.clock())
    send_recorded(desk, account, about, desk.streams.handle(account, command, about))


def send_recorded(desk: Desk, account: str, about: str, recorded: Sequence[Recorded]) -> None:
    """Send what was just recorded as signed, for the sweep or claim `about`."""
    for each in recorded:
        if isinstance(each.fact, TransactionSigned):
            _send(desk, account, about, each.fact.transaction.raw)


def _send(desk: Desk, account: str, about: str, raw: str) -> None:
    """Send bytes that are on record; whether a lost answer was a yes is seen on the chain, as for every other."""
    with outage_recorded(desk, account, about), suppress(OutcomeUnknown):
        desk.chain(account).broadcast(raw)


def _decline(desk: Desk, account: str, sweep: Sweep, refusals: Mapping[str, Refusal]) -> None:
    for leg_id, refusal in refusals.items():
        desk.streams.handle(account, DeclineLeg(leg_id, refusal), sweep.opened.sweep_id)


def _none(asset: str) -> Holding:
    return Holding(asset, Decimal(0), Decimal(0))
