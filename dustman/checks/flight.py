"""What a wallet has in flight: what its nodes say of it now, and what the owner has to do, if anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.account import Account
from domain.chain import watch_of
from domain.identity import stream_of
from domain.lane import Idle, Included
from domain.move import Alarm, Broadcast, Move, NoteIncluded, NoteReorged, Replace, Settle, Wait, next_move
from dustman.checks.finding import Finding, ok, skip, warn
from dustman.settings import Settings
from dustman.wiring import open_log
from events.log import CorruptLog, LogUnavailable, StoreMisconfigured
from venues.evm.keyed import KeyedWallet
from views.accounts import accounts_of
from views.flight import in_flight

# From then on it is no ordinary wait for a block.
LONG: Final = timedelta(minutes=15)
LOOK = "look its nonce up in a block explorer; where a node is wrong, name another one under endpoints"


def check_flight(settings: Settings, name: str, wallet: KeyedWallet) -> Iterator[Finding]:
    """Look at the transaction in flight as a worker would; nothing is recorded, signed or sent."""
    check = f"{name}: in flight"
    try:
        account = accounts_of(open_log(settings).stream(stream_of(name))).get(name, Account(name))
    except (CorruptLog, LogUnavailable, StoreMisconfigured):
        yield skip(check, "the log was not asked")
        return
    state = account.lane.state
    if isinstance(state, Idle):
        yield ok(check, "nothing")
        return
    block = state.seen.block.number if isinstance(state, Included) else None
    sight, now = wallet.sight(watch_of(state.attempts, block, ())), datetime.now(UTC)
    move = next_move(account.lane, sight, now, wallet.rules, bool(account.halted))
    sentence = f"{in_flight(account.lane)}: {_said(move)}"
    if account.halted:
        yield warn(check, sentence, f"the account is halted: {account.halted}")
    elif isinstance(move, Alarm):
        yield warn(check, sentence, "do what it says; the next worker halts the account for it")
    elif isinstance(move, Wait) and now - state.attempts[0].signed_at >= LONG:
        yield warn(check, sentence, LOOK)
    else:
        yield ok(check, sentence)


def _said(move: Move) -> str:
    match move:
        case Wait(reason) | Alarm(reason):
            return reason
        case Broadcast():
            return "no node has it; the next worker sends it"
        case Replace(purpose=purpose):
            return f"it waits too long; the next worker signs the same nonce for more, as a {purpose}"
        case NoteIncluded(receipt):
            return f"block {receipt.block.number} holds it"
        case NoteReorged(detail=detail):
            return f"its block is no longer part of the chain; {detail}"
        case Settle(outcome=outcome):
            return f"it is final: {outcome}"
