"""`dustman cancel`: let what a strategy instructed not be sold."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.deciding import By, MeasureId, Words, decider
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def cancel(
    context: typer.Context,
    strategy: Annotated[str, typer.Argument(help="The strategy's name.")],
    measure_id: MeasureId = None,
    by: By = "",
    reason: Words = "",
    as_json: Json = False,
) -> None:
    """Cancel what a strategy instructed and that waits for approval; the next measurement may instruct anew."""
    from dustman.desk import command_desk
    from dustman.strategy_view import answered
    from workers import approving

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    desk = command_desk(settings, screen.note)
    name = settings.charter(strategy).name
    approving.cancel(desk, name, decider(by), reason, measure_id)
    screen.show(*answered(desk.strategies.load(name).state))
