"""`dustman status`: where every account stands, from the log alone."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def status(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account; all when none is named.")] = "",
    as_json: Json = False,
) -> Exit:
    """Show each account's permission, open sweep, carried proceeds, and what its dust came to."""
    from dustman import drawings
    from dustman.wiring import open_log
    from views.accounts import accounts_of
    from views.lots import lots_of
    from views.standing import standing_of

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    log = open_log(settings)
    accounts, lots = accounts_of(log.read()), lots_of(log.read())
    for name in settings.chosen(account):
        row = standing_of(name, accounts, lots, settings.account(name).policy())
        drawn = drawings.table(name, "", "")
        for label, value in row.lines():
            drawn.add_row(label, value)
        stuck = [why for (whose, _), why in lots.staying.items() if whose == name and why.reason in row.unroutable]
        screen.show(row, drawn, *([drawings.staying(name, stuck, settings.labels(name))] if stuck else []))
    return Exit.DONE
