"""`dustman strategy`: how each strategy's dust stands against its equity, from the log, or measured now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import NOT_ASKED
from dustman.exits import Exit, exit_for
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from domain.charter import Charter
    from dustman.settings import Settings


def strategy(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The strategy; all when none is named.")] = "",
    now: Annotated[bool, typer.Option("--now", help="Measure it now; nothing is announced and nothing sold.")] = False,
    as_json: Json = False,
) -> Exit:
    """Show each strategy's latest snapshot: dust, equity, how far below, what is unexpected, what was instructed."""
    from dustman.strategy_view import drawn, form

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    chosen = [settings.charter(name)] if name else list(settings.charters.values())
    if not chosen:
        screen.note("the settings name no strategies; `strategies: FOLDER` in dustman.yaml does")
        return Exit.NOTHING_TO_DO
    ends = [_measured(settings, screen, charter) for charter in chosen] if now else []
    if not now:
        from dustman.wiring import open_log
        from views.state import state_of

        strategies = state_of(open_log(settings).read()).strategies
        labels = settings.all_labels()
        for charter in chosen:
            known = strategies.get(charter.name)
            screen.show(form(charter, known), *drawn(charter, known, labels))
    return next((end for end in ends if end is not Exit.DONE), Exit.DONE)


def _measured(settings: Settings, screen: Screen, charter: Charter) -> Exit:
    """Measure one strategy; what keeps it from being measured keeps none of the others."""
    from domain.strategy import Strategy, decide, evolve
    from dustman.desk import command_desk
    from dustman.strategy_view import drawn, form
    from workers.measuring import look

    desk = command_desk(settings, screen.note)
    try:
        verdict = look(desk, charter.name)
    except NOT_ASKED as error:
        screen.note(str(error))
        return exit_for(error)
    known = Strategy(charter.name)
    for fact in decide(verdict.command, known):
        known = evolve(known, fact)
    approval = charter.name in settings.approval
    screen.show(form(charter, known), *drawn(charter, known, settings.all_labels(), approval))
    return Exit.DONE
