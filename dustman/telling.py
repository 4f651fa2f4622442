"""Each fact in a sentence, for people who watch events arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from dustman.drawings import amounts, readable, route
from events.facts import (
    AccountWentLive,
    ConversionsHalted,
    ConversionsResumed,
    DryRunCompleted,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustInstructed,
    DustUnroutable,
    EthReserved,
    Fact,
    FundingCompleted,
    FundingDeclined,
    FundingFact,
    FundingOpened,
    HoldingsKept,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    InstructionsReleased,
    LegFact,
    LegFilled,
    LegNeverArrived,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    PermissionFact,
    ProceedsCarried,
    ReservationReleased,
    RewardClaimFailed,
    RewardClaimRequested,
    RewardFact,
    RewardsClaimed,
    RewardUnclaimed,
    ScanCompleted,
    ScanFact,
    StrategyFact,
    StrategyMeasured,
    StrategyNotMeasured,
    SweepCompleted,
    SweepFact,
    TransactionDisplaced,
    TransactionFact,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
    VenueUnreachable,
)
from events.money import Amount, plain, rounded, ticker


def told(fact: Fact, labels: Mapping[str, str]) -> str:
    """Say a fact to somebody: contracts by what a list of ours calls them, numbers without zeros at their end."""
    return readable(sentence(fact), labels)


def sentence(fact: Fact) -> str:
    """Say a fact in words."""
    if isinstance(fact, ScanFact):
        return _of_scan(fact)
    if isinstance(fact, LegFact):
        return _of_leg(fact)
    if isinstance(fact, TransactionFact):
        return _of_transaction(fact)
    if isinstance(fact, RewardFact):
        return _of_rewards(fact)
    if isinstance(fact, SweepFact):
        return _of_sweep(fact)
    if isinstance(fact, FundingFact):
        return _of_trade(fact)
    if isinstance(fact, PermissionFact):
        return _of_permission(fact)
    return _of_strategy(fact)


def _of_scan(fact: ScanFact) -> str:
    match fact:
        case ScanCompleted():
            return (
                f"{fact.holdings} holdings read in {fact.requests} requests, {fact.dust} lots of dust worth "
                f"{rounded(fact.dust_value)} {fact.currency}"
            )
        case HoldingsKept(kept=kept):
            return f"{len(kept)} holdings stay for a new reason"
        case VenueUnreachable():
            return f"{fact.venue} could not be read ({fact.operation}): {fact.detail}"
        case DustDetected():
            what = f"{len(fact.lots)} lots worth {rounded(fact.total)} {fact.policy.currency}"
            carried = f" and {amounts(fact.carried)} carried" if fact.carried else ""
            whose = f" of {fact.strategy}" if fact.strategy else ""
            return f"{what}{whose}{carried}, {len(fact.plan)} legs planned" + ("" if fact.live else "; watching only")
        case DustUnroutable():
            return f"{plain(fact.quantity)} {ticker(fact.asset)} stays: {fact.sentence}"
        case _:
            assert_never(fact)


def _of_leg(fact: LegFact) -> str:
    match fact:
        case LegRequested():
            again = f" (attempt {fact.attempt})" if fact.attempt > 1 else ""
            return f"{fact.kind} {fact.spend} on {route(fact.product)}, {fact.quote.receive} offered{again}"
        case LegFilled(fill=fill):
            return f"{fill.spent} became {fill.received}, fees {amounts(fill.fees) or 'none'}, order {fill.order_id}"
        case LegRefused(refusal=refusal):
            return refusal.sentence + (f" ({refusal.venue_code})" if refusal.venue_code not in refusal.sentence else "")
        case LegOutcomeUnknown(detail=detail):
            return f"no final answer yet: {detail}"
        case LegNeverArrived():
            return "the venue never got it and can't get it any more"
        case _:
            assert_never(fact)


def _of_transaction(fact: TransactionFact) -> str:
    match fact:
        case TransactionSigned(transaction=signed, legs=legs):
            again = ", in place of an earlier one" if fact.replaces else ""
            carries = f" with {len(legs)} legs" if legs else ""
            allows = f" {signed.allowance}" if signed.allowance and not legs else ""
            return f"{signed.purpose}{allows} signed{carries} under nonce {signed.nonce}{again}: {signed.tx_hash}"
        case TransactionIncluded(block=block):
            done = "succeeded" if fact.succeeded else "reverted"
            return f"{fact.tx_hash} {done} in block {block.number}, not final yet"
        case TransactionReorged(block=block):
            return f"block {block.number} is no longer part of the chain, {fact.tx_hash} is sent again: {fact.detail}"
        case TransactionDisplaced(detail=detail):
            return detail
        case TransactionSettled():
            return f"{fact.purpose} {fact.outcome}, final, gas {fact.fee}: {fact.tx_hash}"
        case _:
            assert_never(fact)


def _of_rewards(fact: RewardFact) -> str:
    match fact:
        case RewardUnclaimed():
            return f"{fact.source} not claimed: {fact.sentence}"
        case RewardClaimRequested(rewards=rewards):
            burnt = f" for {fact.spend}" if fact.spend else ""
            return f"{fact.source}: {amounts([each.amount for each in rewards])}{burnt} expected, gas {fact.fee}"
        case RewardsClaimed(rewards=rewards):
            burnt = f" for {fact.spent}" if fact.spent else ""
            return f"{fact.source} brought {amounts([each.amount for each in rewards])}{burnt}: {fact.tx_hash}"
        case RewardClaimFailed():
            return f"{fact.source}: {fact.sentence}"
        case _:
            assert_never(fact)


def _of_sweep(fact: SweepFact) -> str:
    match fact:
        case DustConverted():
            return f"{plain(fact.quantity)} {ticker(fact.asset)} became {fact.proceeds}, fees {amounts(fact.fees)}"
        case DustConversionFailed():
            where = f"; the money is in {amounts(fact.money)}" if fact.money else ""
            return f"{ticker(fact.asset)}: {fact.refusal.sentence}{where}"
        case ProceedsCarried():
            return f"{fact.amount} of {len(fact.lots)} lots waits: {fact.sentence}"
        case SweepCompleted():
            return f"{fact.converted} converted, {fact.carried} carried, {fact.failed} failed; {fact.proceeds} bought"
        case _:
            assert_never(fact)


def _of_trade(fact: FundingFact) -> str:
    match fact:
        case EthReserved(amount=amount):
            return f"{amount} reserved for trade {fact.trade} until {fact.expires_at:%H:%M:%S} UTC, {fact.answer}"
        case ReservationReleased():
            return f"nothing is reserved for trade {fact.trade} any more: {fact.why}"
        case FundingOpened(shortage=shortage):
            what = amounts(tuple(Amount(lot.quantity, lot.asset) for lot in fact.lots))
            return f"trade {fact.trade} is short of {shortage}; {what} is to become ETH"
        case FundingDeclined(amount=amount):
            most = f"; at most {fact.largest} is possible" if fact.largest else ""
            return f"trade {fact.trade} gets no {amount}, {fact.answer}: {fact.reason}{most}"
        case FundingCompleted(received=received):
            made = f"{amounts(fact.spent) or 'nothing'} became {received} for trade {fact.trade}"
            return made if fact.covered else f"{made}, too little: {fact.reason}"
        case _:
            assert_never(fact)


def _of_permission(fact: PermissionFact) -> str:
    match fact:
        case DryRunCompleted():
            return f"{fact.lots} lots tried, {fact.refused} legs refused, {fact.net} would arrive"
        case AccountWentLive():
            return f"live; at most {plain(fact.sweep_cap)} a sweep and {plain(fact.day_cap)} {fact.currency} a day"
        case ConversionsHalted(reason=reason):
            return f"halted: {reason}"
        case ConversionsResumed():
            return "resumed"
        case _:
            assert_never(fact)


def _of_strategy(fact: StrategyFact) -> str:
    match fact:
        case StrategyMeasured():
            share = f"{rounded(fact.total)} of {rounded(fact.equity)} {fact.currency} is dust in {len(fact.lots)} lots"
            return f"{share}, {plain(fact.ratio)} of equity" + (f": {fact.sentence}" if fact.sentence else "")
        case StrategyNotMeasured():
            return f"not measured: {fact.sentence}"
        case DustInstructed():
            what = f"{len(fact.instructions)} lots worth {rounded(fact.total)} {fact.currency} are to be converted"
            wait = f"; waits for approval until {fact.approval_until:%H:%M:%S} UTC" if fact.approval_until else ""
            return f"{what}, {rounded(fact.net)} {fact.currency} would be left after fees and gas{wait}"
        case InstructionsApproved():
            return f"approved by {fact.by}" + (f": {fact.words}" if fact.words else "")
        case InstructionsCancelled():
            return f"cancelled by {fact.by}" + (f": {fact.words}" if fact.words else "")
        case InstructionsExpired():
            return f"nobody approved it until {fact.expired_at:%H:%M:%S} UTC; nothing of it is sold"
        case InstructionsReleased():
            what = f"{len(fact.instructions)} of the approved lots are announced"
            return what + (f"; not the others: {fact.sentence}" if fact.sentence else "")
        case _:
            assert_never(fact)
