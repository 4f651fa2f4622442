"""`dustman events`: the log in words, or as CloudEvents; with `--follow` as it grows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from events.log import EventLog, Recorded

# The log on this machine is asked this often; a read of nothing new is one look-up.
PAUSE = 0.2


def events(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stay and show what is appended.")] = False,
    since: Annotated[
        str, typer.Option("--since", help="Begin at this position, or with what was recorded at this time or later.")
    ] = "",
    account: Annotated[str, typer.Option("--account", help="Only this account's.")] = "",
    strategy: Annotated[
        str, typer.Option("--strategy", help="Only this strategy's, and its dust as accounts announce it.")
    ] = "",
    kind: Annotated[str, typer.Option("--type", help="Only this type, such as dust_converted.")] = "",
    as_json: Json = False,
) -> Exit:
    """Show what is on record."""
    import json

    from dustman.period import period
    from dustman.telling import told
    from dustman.wiring import open_log, recorded_account
    from events.envelope import cloud_event
    from events.facts import account_of, strategy_of

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    if kind:
        _check(kind)
    log = open_log(settings)
    recorded_account(settings, log, account)
    after, _ = period(log, since).bounds(log)
    labels = settings.all_labels()
    for recorded in _recorded(log, after, follow):
        whose, whom = account_of(recorded.fact), strategy_of(recorded.fact)
        if (account and whose != account) or (strategy and whom != strategy) or (kind and recorded.type != kind):
            continue
        line = f"{recorded.position:>6}  {recorded.occurred_at:%Y-%m-%d %H:%M:%S}  {whose or whom:<10}  "
        text = f"{line}{recorded.type:<22}  {told(recorded.fact, labels)}"
        screen.show(json.loads(cloud_event(recorded, log.identity)), text)
    return Exit.DONE


def _check(kind: str) -> None:
    from events.catalogue import UnknownType, known_type

    try:
        known_type(kind)
    except UnknownType as unknown:
        raise typer.BadParameter(str(unknown), param_hint="--type") from None


def _recorded(log: EventLog, after: int, follow: bool) -> Iterator[Recorded]:
    while True:
        for recorded in log.read(after=after):
            after = recorded.position
            yield recorded
        if not follow:
            return
        time.sleep(PAUSE)
