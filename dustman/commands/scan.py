"""`dustman scan`: look at an account; nothing is announced and nothing is sold."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def scan(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account; all when none is named.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Say of everything that stays why.")] = False,
    as_json: Json = False,
) -> Exit:
    """Show the dust of an account, and what stays and why. Nothing is sold."""
    from dustman import scan_view
    from dustman.desk import command_desk
    from workers import claiming
    from workers.scanning import look

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    desk = command_desk(settings, screen.note)
    found_any = False
    for name in settings.chosen(account):
        reading, found = look(desk, name)
        found_any = found_any or bool(found.lots)
        rewards = claiming.look(desk, name) if explain else []
        strategies = settings.strategies_with(name)
        screen.show(
            scan_view.form(name, strategies, reading, found, rewards, explain=explain),
            *scan_view.drawn(name, found, rewards, settings.labels(name), explain=explain),
            scan_view.summary(name, strategies, reading, found),
        )
    return Exit.DONE if found_any else Exit.NOTHING_TO_DO
