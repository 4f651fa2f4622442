"""Funding a trade: answer at once where ETH is there, else convert what it lacks, as far as the time allows.

The promise is on record before the trade is told of it. Whatever cannot be done now is an answer with its reason, on
record too: the trade goes on with what is there.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain.account import Account, Reservation
from domain.commands import ExpireReservations, ReleaseEth, RequestEth
from domain.conversion import cost_of, is_there
from domain.decision import fingerprint
from domain.errors import RefusedByPolicy, VenueUnavailable
from domain.identity import reservation_id, stream_of
from domain.lane import Included
from domain.leg import Filled
from domain.reservation import expired, held_for
from domain.sweep import Sweep
from domain.treasury import Treasury
from events.facts import Fact, FundingCompleted, FundingDeclined, FundingOpened, LegNeverArrived, LegRefused
from events.money import Amount, exactly_sum, plain
from events.values import Funding, FundingAnswer, Policy, RefusalCode, Release
from workers.conducting import Ended, conduct
from workers.desk import Desk
from workers.handling import Loaded
from workers.treasury import read

logger = logging.getLogger("dustman")

# How long to wait between looks at a conversion whose answer is still to come.
PAUSE: Final = 0.2
LONGEST_NAME: Final = 200
# How often a request is decided anew: once for each token that turns out not to work, and when others were faster.
ROUNDS: Final = 10
# What is wrong with a token itself when its conversion is tried: the next plan is made without it.
OWN_FAULTS: Final = frozenset({RefusalCode.NO_LIQUIDITY, RefusalCode.INSUFFICIENT_BALANCE})


@dataclass(frozen=True, slots=True)
class Funded:
    """What a trade is told. `final` is false while the conversion has not ended: its block may still be replaced, or
    what is left of an allowance is still to be taken back.

    Without a reservation nothing is promised: `reason` says why, `gap` what is missing after all that may be converted,
    `largest` the most that a trade could have; both are None where that is not known now.
    """

    answer: FundingAnswer
    trade: str
    amount: Amount
    reason: str = ""
    reservation_id: str = ""
    expires_at: datetime | None = None
    gap: Amount | None = None
    largest: Amount | None = None
    tx_hash: str = ""
    final: bool = True


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request: who asks for what, under which policy, and until when an answer is of use."""

    account: str
    trade: str
    amount: Amount
    policy: Policy
    funding: Funding
    until: datetime


@dataclass(frozen=True, slots=True)
class _Met:
    """What a request has met so far: tokens that failed by themselves, and what came of conversions that fell short.

    `halfway` says what arrived of them, empty for nothing, and `overrun` what that cost in the policy's currency.
    """

    spoiled: frozenset[str] = frozenset()
    halfway: str = ""
    overrun: Decimal = Decimal(0)

    def told(self, answer: Funded) -> Funded:
        """Tell a trade that gets nothing more what came before."""
        if not self.halfway or answer.answer not in (FundingAnswer.NOT_NOW, FundingAnswer.NOT_POSSIBLE):
            return answer
        return replace(answer, reason=f"{answer.reason}; before, {self.halfway}")


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a sweep ended for a trade: why too little arrived, for good if it is `final`, and what was met on the way."""

    reason: str
    final: bool
    met: _Met


def ensure(desk: Desk, account: str, trade: str, quantity: Decimal, until: datetime) -> Funded:
    """Promise a trade its ETH, converting what is short; a repeated request is answered like the first.

    `RefusedByPolicy` where the trade has a reservation of another amount.
    """
    ask = _asked(desk, account, trade, quantity, until)
    if quantity < ask.funding.smallest:
        least = f"{plain(ask.funding.smallest)} ETH"
        return _declined(desk, ask, f"trades below {least} are not funded; go on with what is there")
    met = _Met()
    for _ in range(ROUNDS):
        current, now = desk.streams.load(account).state, desk.clock()
        held = held_for(current, trade, now)
        if held and (answered := _answer_of(ask, held, current)):
            return answered
        if held is None:
            begun = _request(desk, ask, met)
            if isinstance(begun, Funded):
                return met.told(begun)
        loaded = desk.streams.load(account)
        if loaded.state.sweep is None:
            desk.sleep(PAUSE)  # the node lags behind what was seen, or another worker was faster
        elif not _walked(desk, ask, loaded.state.sweep.opened.sweep_id):
            break
        else:
            ended = _ended(desk, ask, loaded, loaded.state.sweep, met)
            if ended.final:
                return met.told(_declined(desk, ask, ended.reason))
            met = ended.met
        if desk.clock() >= until:
            break
    return met.told(_late(desk, ask))


def finish(desk: Desk, account: str, until: datetime) -> bool:
    """Take a conversion that has brought its ETH to its end, as far as the time allows; return whether it has ended.

    For who has no workers that would; what fails now is theirs, or is done by whoever asks next.
    """
    while desk.clock() < until:
        try:
            if conduct(desk, account, until) is Ended.RESTING:
                break
        except VenueUnavailable as outage:
            logger.warning("%s: the end of a conversion waits: %s", account, outage)
        desk.sleep(PAUSE)
    return desk.streams.load(account).state.sweep is None


def release(desk: Desk, account: str, reservation: str, why: Release = Release.USED) -> bool:
    """End a reservation; return whether it was there."""
    told = ReleaseEth(reservation, why, desk.clock())
    return bool(desk.streams.handle(account, told, reservation))


def expire(desk: Desk, account: str) -> None:
    """Record which reservations have ended by themselves."""
    now = desk.clock()
    if expired(desk.streams.load(account).state, now):
        desk.streams.handle(account, ExpireReservations(now), account)


def named(trade: str) -> str:
    """Read a trade's name; `ValueError` for one that says nothing, since trades of one name share their ETH."""
    if not isinstance(trade, str) or not trade.strip() or len(trade) > LONGEST_NAME or not trade.isprintable():
        told = repr(trade)[:40]
        raise ValueError(f"trade: {told} is not a name, of up to {LONGEST_NAME} characters, all of which can be seen")
    return trade


def _asked(desk: Desk, account: str, trade: str, quantity: Decimal, until: datetime) -> _Ask:
    if not quantity.is_finite() or quantity <= 0:
        raise ValueError(f"required_eth_amount: {quantity} is not a number of ETH above zero")
    policy = desk.mandate(account).policy
    desk.treasurer(account)
    assert policy.funding is not None  # the desk has looked
    return _Ask(account, named(trade), Amount(quantity, policy.funding.coin), policy, policy.funding, until)


def _answer_of(ask: _Ask, held: Reservation, current: Account) -> Funded | None:
    """Say what a reservation means now; None while its conversion is under way."""
    fact = held.fact
    if fact.amount != ask.amount:
        raise RefusedByPolicy(
            f"trade {ask.trade!r} has {fact.amount} reserved until {fact.expires_at:%H:%M:%S} UTC; release that, or "
            f"name the request of {ask.amount} differently"
        )
    told = Funded(fact.answer, fact.trade, fact.amount, "", fact.reservation_id, fact.expires_at, tx_hash=held.tx_hash)
    if current.sweep is None or current.sweep.opened.sweep_id != fact.sweep_id:
        return told
    if not is_there(current.sweep):
        return None
    fills = [leg.fill for leg in current.sweep.legs.values() if isinstance(leg, Filled)]
    if len(fills) == len(current.sweep.legs):
        return replace(told, tx_hash=fills[-1].order_id, final=False)
    lane = current.lane.state
    carries = isinstance(lane, Included) and lane.seen.succeeded and bool(lane.attempts[0].legs)
    return replace(told, tx_hash=lane.seen.tx_hash, final=False) if isinstance(lane, Included) and carries else None


def _request(desk: Desk, ask: _Ask, met: _Met) -> Funded | None:
    """Read and decide; None where the answer is a conversion that was opened, or has to wait for an open sweep."""
    try:
        treasury = read(desk, ask.account, ask.amount.quantity)
    except VenueUnavailable as outage:
        return _declined(desk, ask, str(outage))
    treasury = replace(treasury, tokens=tuple(each for each in treasury.tokens if each.asset not in met.spoiled))
    for fact in _handled(desk, ask, treasury, met.overrun):
        if isinstance(fact, FundingDeclined):
            return _told(fact)
        if isinstance(fact, FundingOpened):
            desk.planned_on[fact.sweep_id] = treasury
    return None


def _handled(desk: Desk, ask: _Ask, treasury: Treasury | str, overrun: Decimal = Decimal(0)) -> list[Fact]:
    command = RequestEth(
        trade=ask.trade,
        amount=ask.amount,
        venue=desk.mandates[ask.account].venue,
        policy=ask.policy,
        fingerprint=fingerprint(ask.policy),
        treasury=treasury,
        worker=desk.worker,
        now=desk.clock(),
        until=ask.until,
        overrun=overrun,
        version=desk.streams.load(ask.account).version,
    )
    correlation = reservation_id(ask.account, ask.trade)
    return [recorded.fact for recorded in desk.streams.handle(ask.account, command, correlation)]


def _declined(desk: Desk, ask: _Ask, reason: str) -> Funded:
    """Put on record that a trade gets nothing now, and why."""
    _handled(desk, ask, reason)
    return Funded(FundingAnswer.NOT_NOW, ask.trade, ask.amount, reason)


def _told(fact: FundingDeclined) -> Funded:
    return Funded(fact.answer, fact.trade, fact.amount, fact.reason, gap=fact.gap, largest=fact.largest)


def _late(desk: Desk, ask: _Ask) -> Funded:
    """Tell a trade that its time is over, unless its answer is there just then.

    Its own conversion goes on, and is there for whoever asks again.
    """
    current = desk.streams.load(ask.account).state
    held, halted = held_for(current, ask.trade, desk.clock()), current.halted
    if held and (answered := _answer_of(ask, held, current)):
        return answered
    if held:
        reason = f"its conversion is under way{f', but halted: {halted}' if halted else ''}; ask again"
        told = Funded(FundingAnswer.NOT_NOW, ask.trade, ask.amount, reason, held.fact.reservation_id)
        return replace(told, expires_at=held.fact.expires_at)
    if halted:
        return _declined(desk, ask, f"conversions are halted: {halted}")
    busy = "another sweep of the account is under way" if current.sweep else "no conversion came to an end in time"
    return _declined(desk, ask, busy)


def _walked(desk: Desk, ask: _Ask, sweep_id: str) -> bool:
    """Take the open sweep on until it has ended, or until a block holds what this trade waits for."""
    while True:
        try:
            conduct(desk, ask.account, ask.until)
        except VenueUnavailable as outage:
            logger.warning("%s: the conversion for trade %s waits: %s", ask.account, ask.trade, outage)
        finally:
            desk.planned_on.pop(sweep_id, None)  # begun or not, what is there is read again from here on
        current = desk.streams.load(ask.account).state
        if current.sweep is None or current.sweep.opened.sweep_id != sweep_id:
            return True
        held = held_for(current, ask.trade, desk.clock())
        if held and _answer_of(ask, held, current):
            return True
        if current.halted or desk.clock() >= ask.until:
            return False
        desk.sleep(PAUSE)


def _ended(desk: Desk, ask: _Ask, before: Loaded[Account], sweep: Sweep, met: _Met) -> _Ended:
    """Say how a sweep that was walked has ended: a token that failed when it was first tried is gone round.

    Later only its price may have moved, which is asked anew, as is what is left when some arrived; else asking again
    would end the same.
    """
    told = [recorded.fact for recorded in desk.log.stream(stream_of(ask.account), after=before.version)]
    again = {fact.leg_id for fact in told if isinstance(fact, LegNeverArrived)}
    refused = [fact for fact in told if isinstance(fact, LegRefused) and fact.leg_id in sweep.legs]
    spoiled = {
        sweep.legs[fact.leg_id].plan.spend
        for fact in refused
        if fact.refusal.code in OWN_FAULTS and fact.refusal.missing is None and fact.leg_id not in again
    }
    mine = (fact for fact in told if isinstance(fact, FundingCompleted) and fact.trade == ask.trade)
    short = next((fact for fact in mine if not fact.covered), None)
    met = replace(met, spoiled=met.spoiled | spoiled)
    if short and short.spent and isinstance(sweep.opened, FundingOpened):
        overrun = exactly_sum(met.overrun, cost_of(sweep.opened, short))
        return _Ended(short.reason, False, replace(met, halfway=short.reason, overrun=overrun))
    reason = short.reason if short else ""
    return _Ended(reason, bool(reason) and not spoiled and not again, met)
