"""`dustman balance`: what a wallet has for trades, and the most ETH that one could have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from domain.treasury import Status


def balance(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="A wallet that has `funding` in the settings.")],
    as_json: Json = False,
) -> Exit:
    """Show what a wallet has for trades, and the most ETH that one could have. Nothing is signed."""
    from dustman.desk import command_desk
    from events.money import plain
    from workers.treasury import balance as balance_of

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    settings.account(account)
    found = balance_of(command_desk(settings, screen.note), account)
    summary = (
        f"{account}: a trade could have {plain(found.largest)} ETH after all costs; {plain(found.promised)} ETH is "
        f"promised to others, {plain(found.gas_reserve)} kept for gas. Block {found.block.number}, "
        f"{found.age_seconds} s old."
    )
    screen.show(found, _drawn(found, settings.labels(account)), summary)
    return Exit.DONE


def _drawn(found: Status, labels: Mapping[str, str]) -> Table:
    from dustman.drawings import called, table
    from events.money import plain

    money = ("held", "worth", "reserve", "available")
    drawn = table(f"{found.account}: {found.total:.2f} {found.currency} for trades", "asset", *money, "", numbers=money)
    for each in found.balances:
        worth = "-" if each.value is None else f"{each.value:.2f}"
        values = (f"{each.reserve:.2f}", f"{each.available_value:.2f}")
        drawn.add_row(called(each.asset, labels), plain(each.held), worth, *values, each.doubt)
    return drawn
