"""`dustman halt`: ask nothing new of any venue; open legs are still settled."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.declaring import declare
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def halt(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account; all when none is named.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept in the log.")] = "by the owner",
    as_json: Json = False,
) -> None:
    """Stop converting, at once and until `dustman resume`."""
    from events.facts import ConversionsHalted

    words = ("is halted", "was halted already")
    screen = Screen(as_json=as_json)
    declare(Invocation.of(context), screen, account, lambda name: ConversionsHalted(name, reason), words)
