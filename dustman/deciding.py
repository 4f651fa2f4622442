"""Who decides on a command line: whoever is named, else whoever is logged in."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

By = Annotated[str, typer.Option("--by", help="Who decides; whoever is logged in when nobody is named.")]
Words = Annotated[str, typer.Option("--reason", help="Why; it is kept in the log.")]
MeasureId = Annotated[
    str | None, typer.Argument(help="The measurement that instructed it; what waits when none is named.")
]


def decider(by: str) -> str:
    """Return who decides; a machine that does not know who is logged in needs `--by`."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise typer.BadParameter("--by: name who decides; this machine does not know who is logged in") from None
