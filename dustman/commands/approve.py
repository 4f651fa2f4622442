"""`dustman approve`: let what a strategy instructed be sold."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.errors import NOT_ASKED
from dustman.deciding import By, MeasureId, Words, decider
from dustman.exits import Exit, exit_for
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def approve(
    context: typer.Context,
    strategy: Annotated[str, typer.Argument(help="The strategy's name.")],
    measure_id: MeasureId = None,
    by: By = "",
    reason: Words = "",
    as_json: Json = False,
) -> Exit:
    """Approve what a strategy instructed and that waits for it; what still holds is announced to the workers."""
    from dustman.desk import command_desk
    from dustman.strategy_view import answered
    from workers import approving

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    desk = command_desk(settings, screen.note)
    name = settings.charter(strategy).name
    try:
        approving.approve(desk, name, decider(by), reason, measure_id)
    except NOT_ASKED as outage:
        if desk.strategies.load(name).state.unreleased is None:
            raise
        screen.note(f"{outage}; it is approved, and the workers announce it while its time is not up")
        return exit_for(outage)
    known = desk.strategies.load(name).state
    screen.show(*answered(known))
    return Exit.DONE if known.released is None or known.released.instructions else Exit.NOTHING_TO_DO
