"""`dustman replay`: state from nothing but the log, as of any moment."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def replay(
    context: typer.Context,
    as_of: Annotated[
        str, typer.Option("--as-of", help="A position, or a time such as 2026-03-01 or 2026-03-01T02:00:00Z.")
    ] = "",
    account: Annotated[str, typer.Option("--account", help="Only this account's.")] = "",
    as_json: Json = False,
) -> Exit:
    """Fold the log anew and show every lot and what each account's assets moved by."""
    from dustman import drawings
    from dustman.period import position_as_of
    from dustman.wiring import open_log, recorded_account
    from events.money import plain, ticker
    from views.state import state_of

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    log = open_log(settings)
    recorded_account(settings, log, account)
    until = position_as_of(log, as_of)
    state = state_of(log.read(until=until), account)
    rows = list(state.lots.rows.values())
    moved = drawings.table("moved by our legs", "account", "asset", "change", numbers=("change",))
    for name, changes in sorted(state.ledger.items()):
        for asset, change in sorted(changes.items()):
            moved.add_row(name, ticker(asset), plain(change))
    carried = {name: each.purse.money for name, each in state.accounts.items()}
    value = {"position": until, "lots": rows, "ledger": state.ledger, "carried": carried}
    screen.show(value, drawings.lots(f"lots as of position {until}", rows), moved)
    return Exit.DONE
