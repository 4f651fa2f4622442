"""`dustman sweep`: one round of converting, here and now; with `--dry-run` everything but the selling."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import NOT_ASKED, RefusedByPolicy
from dustman.exits import Exit, exit_for
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from dustman.settings import Settings
    from workers.desk import Desk

# One round is a few seconds a leg; an hour bounds the largest account on the slowest day.
ROUND = timedelta(hours=1)
WAIT = timedelta(minutes=20)
ASK_EVERY = 5.0
# How a run over several accounts ends: as the one that most needs somebody to look.
WORST_FIRST = (
    Exit.OUTCOME_UNKNOWN,
    Exit.CONFIGURATION,
    Exit.REFUSED_BY_POLICY,
    Exit.VENUE_UNAVAILABLE,
    Exit.DONE,
    Exit.NOTHING_TO_DO,
)


def sweep(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account; all when none is named.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Price every leg, sell nothing.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until lost answers are settled, 20 minutes at most.")
    ] = False,
    as_json: Json = False,
) -> Exit:
    """Convert an account's dust now, in this process; made for cron.

    Without a terminal nobody watches, and only what the policy admits is sold.
    """
    from dustman.desk import command_desk

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    desk = command_desk(settings, screen.note)
    run = partial(_rehearse if dry_run else _sweep, settings)
    names = settings.chosen(account)
    if len(names) == 1:
        return run(desk, screen, names[0], wait)
    ends = {_ended(run, desk, screen, name, wait) for name in names}
    return next(end for end in WORST_FIRST if end in ends)


def _ended(run: Callable[[Desk, Screen, str, bool], Exit], desk: Desk, screen: Screen, name: str, wait: bool) -> Exit:
    """Run for one account of several: what keeps it from ending well keeps none of the others."""
    try:
        return run(desk, screen, name, wait)
    except (RefusedByPolicy, *NOT_ASKED) as error:
        screen.note(str(error))
        return exit_for(error)


def _rehearse(settings: Settings, desk: Desk, screen: Screen, account: str, _: bool) -> Exit:
    from dustman import drawings
    from workers.rehearsing import rehearse

    run = rehearse(desk, account, desk.clock(), str(uuid.uuid4()), automatic=not sys.stdin.isatty())
    labels = settings.labels(account)
    waiting = f"; carried over: {drawings.amounts(run.waiting)}" if run.waiting else ""
    summary = (
        f"{account}: net of fees {drawings.readable(f'{run.net} would arrive{waiting}', labels)}. "
        f"Nothing was sold. {_next(settings, desk, account)}"
    )
    value = {"account": account, "legs": run.legs, "net": run.net, "waiting": run.waiting, "refused": run.refused}
    screen.show(value, *([drawings.rehearsal(account, run, labels)] if run.legs else []), summary)
    return Exit.DONE if run.findings.lots else Exit.NOTHING_TO_DO


def _next(settings: Settings, desk: Desk, account: str) -> str:
    """Say what would let the sale be made."""
    from domain.decision import fingerprint

    if (wallet := settings.wallets.get(account)) and wallet.selling is None:
        return f"{account} is only watched; accounts.{account}.selling in the settings lets it sell."
    known = desk.streams.load(account).state
    if known.live == fingerprint(desk.mandates[account].policy):
        return f"{account} is live: `dustman sweep {account}` sells."
    return f"`dustman go-live {account}` allows it."


def _sweep(settings: Settings, desk: Desk, screen: Screen, account: str, wait: bool) -> Exit:
    from dustman import drawings
    from views.lots import lots_of
    from workers.conducting import Ended
    from workers.measuring import scan_or_measure

    _refuse_unless_allowed(desk, account)
    head = desk.log.head()
    due, deadline = desk.clock(), desk.clock() + WAIT
    automatic = not sys.stdin.isatty()
    if desk.streams.load(account).state.sweep is None:
        scan_or_measure(desk, account, due, automatic)
        # Rewards are claimed before the scan; that is made when the claim has its end.
        while desk.streams.load(account).state.claim and _conducted(desk, account, wait, deadline):
            scan_or_measure(desk, account, due, automatic)
    opened = desk.streams.load(account).state.sweep
    ended = Ended.RESTING if _conducted(desk, account, wait, deadline) else Ended.WAITING
    told = lots_of(desk.log.read())
    changed = [row for row in told.rows.values() if row.account == account and row.positions[-1] > head]
    summary = f"{account}: {_summary(len(changed), ended is Ended.WAITING)}{_awaited(desk, account)}"
    value = {
        "account": account,
        "sweep_id": opened.opened.sweep_id if opened else None,
        "ended": ended,
        "lots": changed,
    }
    labels = settings.labels(account)
    screen.show(value, *([drawings.lots(f"{account}: this sweep", changed, labels)] if changed else []), summary)
    if ended is Ended.WAITING:
        return Exit.OUTCOME_UNKNOWN
    return Exit.DONE if opened else Exit.NOTHING_TO_DO


def _conducted(desk: Desk, account: str, wait: bool, deadline: datetime) -> bool:
    """Take what is open as far as it goes, when asked to until lost answers are settled; say whether it has its end."""
    from workers.conducting import Ended, conduct

    ended = conduct(desk, account, desk.clock() + ROUND)
    while wait and ended is Ended.WAITING and desk.clock() < deadline:
        desk.sleep(ASK_EVERY)
        ended = conduct(desk, account, deadline)
    return ended is Ended.RESTING


def _awaited(desk: Desk, account: str) -> str:
    """Say what of the account's strategies waits for approval."""
    names = [name for name in desk.mandates[account].strategies if desk.strategies.load(name).state.waiting]
    return "".join(f"; what {name} instructed waits for `dustman approve {name}`" for name in names)


def _summary(lots: int, waiting: bool) -> str:
    if waiting:
        return "an order's answer is not known yet; run `dustman sweep --wait` or leave it to the reconciler"
    return f"{lots} lots have their answer" if lots else "no dust that can be converted today"


def _refuse_unless_allowed(desk: Desk, account: str) -> None:
    from domain.decision import fingerprint

    known, mark = desk.streams.load(account).state, fingerprint(desk.mandates[account].policy)
    if known.halted:
        raise RefusedByPolicy(f"{account} is halted ({known.halted}); `dustman resume {account}` ends that")
    if known.live != mark:
        why = "its policy changed since it went live" if known.live else "it is not live"
        raise RefusedByPolicy(
            f"{account}: {why}; run `dustman sweep {account} --dry-run`, then `dustman go-live {account}`"
        )
