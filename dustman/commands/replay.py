"""`dustman replay`: state from nothing but the log, as of any moment."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen
from dustman.slider import AsOf, state_as_of


def replay(
    context: typer.Context,
    as_of: AsOf = "",
    account: Annotated[str, typer.Option("--account", help="Only this account's.")] = "",
    as_json: Json = False,
) -> Exit:
    """Show every lot and what each account's assets moved by, as of now or any earlier moment."""
    from dustman import drawings
    from dustman.wiring import open_log, recorded_account
    from events.money import plain

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    log = open_log(settings)
    recorded_account(settings, log, account)
    until, state = state_as_of(settings, log, as_of)
    if account:
        state = state.only(account)
    rows, labels = list(state.lots), settings.all_labels()
    moved = drawings.table("moved by our legs", "account", "asset", "change", numbers=("change",))
    for name, changes in sorted(state.ledger.items()):
        for asset, change in sorted(changes.items()):
            moved.add_row(name, drawings.called(asset, labels), drawings.readable(plain(change)))
    carried = {name: each.purse.money for name, each in state.accounts.items()}
    value = {"position": until, "lots": rows, "ledger": state.ledger, "carried": carried}
    screen.show(value, drawings.lots(f"lots as of position {until}", rows, labels), moved)
    return Exit.DONE
