"""`dustman gate`: may a strategy be rebalanced now, or does its dust come first?"""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def gate(
    context: typer.Context,
    strategy: Annotated[str, typer.Argument(help="The strategy's name.")],
    limit: Annotated[str, typer.Option(help="How long a no may last at most.")] = "15 min",
    as_json: Json = False,
) -> Exit:
    """Say whether a strategy may be rebalanced now: exit code 0 for yes, 6 while its dust is being sold."""
    from datetime import timedelta

    from dustman.gate import DustGate
    from workers.schedule import DURATION, seconds_of

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    name = settings.charter(strategy).name
    try:
        longest = timedelta(seconds=seconds_of(limit))
    except ValueError:
        raise typer.BadParameter(f"--limit: {limit!r} is not {DURATION}") from None
    answer = DustGate.of(settings, longest).ask(name)
    until = f", until {answer.until:%H:%M:%S} UTC at most" if answer.until else ""
    form = {"strategy": name, "may": answer.may, "reason": answer.reason, "until": answer.until}
    screen.show(form, f"{name}: {'yes' if answer.may else 'no'}, {answer.reason}{until}")
    return Exit.DONE if answer.may else Exit.REFUSED_BY_POLICY
