"""`dustman status`: where every account stands, from the log alone, and whether deliveries need the owner."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen
from dustman.slider import AsOf, state_as_of


def status(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account; all when none is named.")] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> Exit:
    """Show each account's permission, open sweep, carried proceeds, and what its dust came to."""
    from dustman import drawings
    from dustman.deliveries import troubles
    from dustman.wiring import open_log
    from views.standing import standing_of

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    log = open_log(settings)
    _, state = state_as_of(settings, log, as_of)
    for name in settings.chosen(account):
        row = standing_of(name, state.accounts, state.lots, settings.policy(name))
        drawn, labels = drawings.pairs(name), settings.labels(name)
        for label, value in row.lines():
            drawn.add_row(label, drawings.readable(value, labels))
        stuck = [
            why for (whose, _), why in state.lots.staying.items() if whose == name and why.reason in row.unroutable
        ]
        screen.show(row, drawn, *([drawings.staying(name, stuck, labels)] if stuck else []))
    for sentence in troubles(settings, log):
        screen.note(sentence)
    return Exit.DONE
