"""`dustman replay`: state from nothing but the log, as of any moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from events.log import EventLog


def replay(
    context: typer.Context,
    as_of: Annotated[
        str, typer.Option("--as-of", help="A position, or a time such as 2026-03-01 or 2026-03-01T02:00:00Z.")
    ] = "",
    as_json: Json = False,
) -> Exit:
    """Fold the log anew and show every lot and what each account's assets moved by."""
    from dustman import drawings
    from dustman.wiring import open_log
    from events.money import plain, ticker
    from views.accounts import accounts_of
    from views.ledger import ledger_of
    from views.lots import lots_of

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    log = open_log(settings)
    until = _position(log, as_of)
    lots, ledger = lots_of(log.read(until=until)), ledger_of(log.read(until=until))
    accounts = accounts_of(log.read(until=until))
    rows = list(lots.rows.values())
    moved = drawings.table("moved by our legs", "account", "asset", "change", numbers=("change",))
    for account, changes in sorted(ledger.items()):
        for asset, change in sorted(changes.items()):
            moved.add_row(account, ticker(asset), plain(change))
    carried = {name: account.purse.money for name, account in accounts.items()}
    value = {"position": until, "lots": rows, "ledger": ledger, "carried": carried}
    screen.show(value, drawings.lots(f"lots as of position {until}", rows), moved)
    return Exit.DONE


def _position(log: EventLog, as_of: str) -> int:
    head = log.head()
    if not as_of:
        return head
    if as_of.isdecimal() and as_of.isascii():
        if int(as_of) > head:
            raise ConfigurationError(f"--as-of {as_of}: the log ends at position {head}")
        return int(as_of)
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError:
        raise ConfigurationError(
            f"--as-of {as_of!r}: neither a position nor a time such as 2026-03-01T02:00:00Z"
        ) from None
    return log.position_at(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
