"""`dustman resume`: end a halt."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.declaring import declare
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def resume(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account; all when none is named.")] = "",
    as_json: Json = False,
) -> None:
    """Go on converting after a halt."""
    from events.facts import ConversionsResumed

    declare(Invocation.of(context), Screen(as_json=as_json), account, ConversionsResumed, ("goes on", "was not halted"))
