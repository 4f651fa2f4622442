"""What follows from what a node says: the next nonce of an idle lane, the next move for what is in flight.

A node that is behind what was seen before is no evidence, and only what has its confirmations is final. That others
used a nonce is told only by the block that used it; a receipt that is missing may be late. A nonce that was signed is
behind only once it is used for good, so no two nonces wait for the same money.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from domain.chain import Code, Proposal, Receipt, Rules, Sight, Standing
from domain.lane import Idle, Included, InFlight, Lane, Signed, raised
from events.facts import TransactionIncluded, TransactionSigned
from events.values import GasPrice, Outcome, Purpose, SignedTransaction


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do but to look again later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send the very bytes that are on record."""

    raw: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Sign the same nonce for a higher price: the same calls again, or for `CANCEL` none. Record it, then send it."""

    signed: TransactionSigned
    purpose: Purpose
    gas_price: GasPrice


@dataclass(frozen=True, slots=True)
class NoteIncluded:
    """A block holds a transaction of ours."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class NoteReorged:
    """That block is no longer part of the chain."""

    seen: TransactionIncluded
    detail: str


@dataclass(frozen=True, slots=True)
class Settle:
    """What became of the nonce is final. `receipt` is None when it was displaced; `alarm` is said with it."""

    attempts: tuple[TransactionSigned, ...]
    outcome: Outcome
    receipt: Receipt | None
    confirmations: int
    next_nonce: int
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Stop the account; with `displaced` because of the nonce in flight."""

    reason: str
    displaced: bool = False


Move = Wait | Broadcast | Replace | NoteIncluded | NoteReorged | Settle | Alarm


def purpose_for(proposal: Proposal, rules: Rules) -> Purpose:
    """Say what has to be signed first: a batch into an account without code would move nothing."""
    if rules.delegated:
        return Purpose.SWEEP if proposal.code is Code.OURS else Purpose.DELEGATE
    return Purpose.SWEEP if proposal.approval is None else Purpose.APPROVE


def next_nonce(lane: Lane, proposal: Standing, rules: Rules) -> int | Wait | Alarm:
    """Say which nonce an idle lane signs next, if the chain agrees."""
    if not isinstance(lane.state, Idle):
        return Wait("a transaction is in flight")
    if proposal.head.number < lane.head:
        return Wait(_behind(proposal.head.number, lane))
    if alarm := _strange_code(proposal.code, rules):
        return Alarm(alarm)
    if lane.delegated and rules.delegated and proposal.code is Code.EMPTY:
        return Alarm(_empty_code("the account's delegation is gone"))
    expected = lane.nonce or 0
    if proposal.nonce < expected:
        return Wait(f"the node counts {proposal.nonce} transactions of the account, {expected} are final")
    if proposal.nonce > expected and not lane.anew:
        return Alarm(
            f"the account's next nonce is {proposal.nonce}, ours was {expected}: somebody else sends with its key. "
            "Find out who; `dustman resume` goes on from the chain's nonce"
        )
    return proposal.nonce


def next_move(lane: Lane, sight: Sight, now: datetime, rules: Rules, halted: bool = False) -> Move:
    """Say what follows from what a node says; while halted nothing is sent or signed, and answers are still taken."""
    if sight.head.number < lane.head:
        return Wait(_behind(sight.head.number, lane))
    match lane.state:
        case Idle():
            return Wait("nothing is in flight")
        case Signed() as state:
            return _while_signed(state, sight, now, rules, halted)
        case Included() as state:
            return _while_included(state, sight, rules)
        case _:
            assert_never(lane.state)


def _while_signed(state: Signed, sight: Sight, now: datetime, rules: Rules, halted: bool) -> Move:
    nonce = state.newest.transaction.nonce
    if receipt := _receipt(state, sight):
        return NoteIncluded(receipt)
    foreign = all(each.transaction.tx_hash in sight.absent for each in state.attempts)
    if foreign and sight.final_nonce > nonce:
        return _while_displaced(state, nonce, sight, halted)
    if foreign and sight.early_nonce > nonce and not halted:
        return Alarm(
            f"nonce {nonce} is used by a transaction that is not ours, in {_block(sight)}, which is not final yet: "
            "somebody else sends with the account's key. Find out who; `dustman resume` goes on once that is final"
        )
    if sight.nonce > nonce:
        return Wait(f"nonce {nonce} was used, but the node names no transaction of ours, nor a block without one")
    if sight.nonce < nonce:
        return _while_left_behind(state.newest, sight, rules, halted)
    if halted:
        return Wait("the account is halted, nothing is sent")
    if not _expired(state.newest, now) and (alarm := _unfit_code(state, sight, rules)):
        return Alarm(alarm)
    return _while_unseen(state, sight, now, rules)


def _block(sight: Sight) -> str:
    return "a block" if sight.used_in is None else f"block {sight.used_in}"


def _while_left_behind(newest: TransactionSigned, sight: Sight, rules: Rules, halted: bool) -> Wait | Alarm:
    """Fewer transactions are counted than when this was signed: a reorganisation dropped what was before it.

    Nothing is signed in their place, since what waits for its nonce could be mined after that, whatever its purpose.
    """
    nonce, counted = newest.transaction.nonce, sight.nonce
    lagging = sight.head.number < newest.head + rules.confirmations or sight.final_nonce != counted
    if lagging or halted:
        return Wait(f"the node counts {counted} transactions of the account, {nonce} were counted before")
    missing = f"nonce {counted}" if counted == nonce - 1 else f"nonces {counted} to {nonce - 1}"
    return Alarm(
        f"the chain counts {counted} transactions of the account, it counted {nonce} when {newest.transaction.tx_hash} "
        f"was signed: a reorganisation dropped what used {missing}. Have that sent again, or send nothing to the "
        f"account itself under {missing}; then `dustman resume`"
    )


def _while_displaced(state: Signed, nonce: int, sight: Sight, halted: bool) -> Move:
    """The nonce is given up only once the owner has looked and resumed."""
    if not state.displaced:
        deep = "; its block lies deeper than nodes tell, and they know none of ours"
        where = deep if sight.used_in is None else f", in block {sight.used_in}"
        reason = (
            f"nonce {nonce} was used by a transaction that is not ours{where}: somebody else sends with the account's "
            "key. Find out who; `dustman resume` goes on from the chain's nonce"
        )
        return Alarm(reason, displaced=True)
    if halted:
        return Wait("a transaction that is not ours used the nonce; the owner has to look")
    return Settle(state.attempts, Outcome.DISPLACED, None, 0, nonce + 1)


def _while_unseen(state: Signed, sight: Sight, now: datetime, rules: Rules) -> Move:
    newest = state.newest
    signed = newest.transaction
    expired = _expired(newest, now)
    purpose = Purpose.CANCEL if expired else signed.purpose
    waited = now - newest.signed_at >= rules.patience
    if expired or waited:
        price = _higher(signed.gas_price, sight.gas_price, rules)
        if expired or price.fee <= rules.ceiling:
            return Replace(newest, purpose, price)
    if signed.tx_hash not in sight.pooled:
        return Broadcast(signed.raw)
    return Wait("it waits in the pool")


def _expired(newest: TransactionSigned, now: datetime) -> bool:
    """After its deadline a sweep could only revert; what cancels it has none."""
    signed = newest.transaction
    return signed.purpose is not Purpose.CANCEL and signed.deadline is not None and now >= signed.deadline


def _higher(price: GasPrice, market: GasPrice, rules: Rules) -> GasPrice:
    """Raise by the least, or to the market's price where that is higher and not above the ceiling."""
    least = raised(price)
    fee = max(least.fee, min(market.fee, rules.ceiling))
    return GasPrice(fee, min(fee, max(least.tip, market.tip)))


def _while_included(state: Included, sight: Sight, rules: Rules) -> Move:
    seen, receipt = state.seen, _receipt(state, sight)
    number = seen.block.number
    if receipt is not None and receipt.block != seen.block:
        result = "" if receipt.succeeded == seen.succeeded else ", with another result"
        return NoteReorged(seen, f"it is in block {receipt.block.number} {receipt.block.block_hash} instead{result}")
    if sight.block_hash is None:
        return Wait(f"the node did not say which block stands at {number}")
    if sight.block_hash != seen.block.block_hash:
        if receipt is not None:
            return Wait("the chain changed while it was read")
        return NoteReorged(seen, f"block {sight.block_hash} stands at {number} instead, without it")
    if receipt is None:
        return Wait("its block stands, but the node does not name the receipt")
    confirmations = sight.head.number - number + 1
    if confirmations < rules.confirmations:
        return Wait(f"{confirmations} of {rules.confirmations} blocks confirm it")
    return _settled(state, receipt, confirmations, sight, rules)


def _settled(state: Included, receipt: Receipt, confirmations: int, sight: Sight, rules: Rules) -> Settle:
    won = _named(state, receipt.tx_hash)
    outcome = Outcome.SUCCEEDED if receipt.succeeded else Outcome.REVERTED
    if won.purpose is Purpose.CANCEL:
        outcome = Outcome.CANCELLED
    alarm = _unfit_code(state, sight, rules) or _left_allowed(won, outcome, sight, rules)
    return Settle(state.attempts, outcome, receipt, confirmations, _nonce_after(won.nonce, won.purpose, sight), alarm)


def _nonce_after(nonce: int, purpose: Purpose, sight: Sight) -> int:
    """A delegation sent by the account itself uses two nonces, also when it reverts; skipped it uses one (EIP-7702)."""
    return nonce + (2 if purpose is Purpose.DELEGATE and sight.final_nonce >= nonce + 2 else 1)


def _named(state: Included, tx_hash: str) -> SignedTransaction:
    return next(each.transaction for each in state.attempts if each.transaction.tx_hash == tx_hash)


def _is_cancelled(state: Included) -> bool:
    """Say whether what cancels was mined: a delegation that it took the place of was never made."""
    return _named(state, state.seen.tx_hash).purpose is Purpose.CANCEL


def _receipt(state: InFlight, sight: Sight) -> Receipt | None:
    """Return the receipt of any of our transactions of this nonce; a chain holds at most one."""
    hashes = (each.transaction.tx_hash for each in state.attempts)
    return next((sight.receipts[tx_hash] for tx_hash in hashes if tx_hash in sight.receipts), None)


def _unfit_code(state: InFlight, sight: Sight, rules: Rules) -> str:
    """Say why the account's code does not allow what is in flight, or what comes after it; empty when it does."""
    if alarm := _strange_code(sight.code, rules):
        return alarm
    if sight.code is Code.OURS or not rules.delegated:
        return ""
    first = state.attempts[0].transaction.purpose
    if first is Purpose.CLAIM:
        return ""  # it is a call of somebody else's contract, for which the account needs no code
    if first is Purpose.DELEGATE and (isinstance(state, Signed) or _is_cancelled(state)):
        return ""
    if first is Purpose.DELEGATE:
        return _empty_code("the delegation did not take effect although its transaction is final")
    return _empty_code("the account's delegation is gone")


def _takes_back(signed: SignedTransaction) -> bool:
    return signed.allowance is not None and not signed.allowance.quantity


def _empty_code(why: str) -> str:
    return f"{why}: its code is empty, a batch would move nothing. Find out why; `dustman resume` delegates anew"


def _strange_code(code: Code, rules: Rules) -> str:
    if code is not Code.UNKNOWN or not rules.delegated:
        return ""
    return (
        "the account's code is neither empty nor our delegation: whoever holds its key has delegated it elsewhere. "
        "Move what it holds, or undo that delegation; then `dustman resume`"
    )


def _left_allowed(won: SignedTransaction, outcome: Outcome, sight: Sight, rules: Rules) -> str:
    """Say what may still be taken although it should not.

    A swap by itself that was not made leaves the allowance that it was to use: that is used or taken back next.
    """
    if won.purpose is Purpose.APPROVE and outcome is Outcome.REVERTED and _takes_back(won):
        return f"its allowance of {won.allowance} could not be taken back. Revoke it; then `dustman resume`"
    waits = not rules.delegated and outcome is not Outcome.SUCCEEDED
    if not sight.allowances or waits:
        return ""
    allowed = ", ".join(sight.allowances)
    return f"allowances that should be zero are not: {allowed}. Revoke them; then `dustman resume`"


def _behind(head: int, lane: Lane) -> str:
    return f"the node is at block {head}, {lane.head} was seen before"
