"""The command line. Every module in `dustman.commands` is a command: its function, or its Typer, of the same name.

Commands return how they ended (`Exit`, or None for done) and raise everything else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated

import typer

from dustman import VERSION, commands
from dustman.exits import Exit, ended
from dustman.invocation import Invocation

# The order in which a new owner meets them; others follow by name.
JOURNEY = (
    "init",
    "doctor",
    "scan",
    "sweep",
    "go_live",
    "up",
    "status",
    "strategy",
    "show",
    "gate",
    "wallet",
    "balance",
    "fund",
    "events",
    "replay",
    "export",
    "import_",
    "audit",
    "parked",
    "webhooks",
    "alerts",
    "halt",
    "resume",
    "log",
    "simulate",
)


def _leave(end: Exit | None, **_: object) -> None:
    raise typer.Exit(int(end or Exit.DONE))


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dustman {VERSION}")
        raise typer.Exit


def _begin(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", envvar="DUSTMAN_CONFIG", help="The settings file.", show_default=True)
    ] = Path("dustman.yaml"),
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an unexpected error.")] = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find dust on exchanges, convert it, and prove afterwards what was done."""
    invocation = Invocation.of(context)
    invocation.config, invocation.debug = config, debug


def assembled() -> typer.Typer:
    """Build the command line from the modules that are there."""
    app = typer.Typer(
        name="dustman",
        callback=_begin,
        result_callback=_leave,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in sorted((module.name for module in iter_modules(commands.__path__)), key=_place):
        part = getattr(import_module(f"{commands.__name__}.{name}"), name)
        word = word_of(name)
        if isinstance(part, typer.Typer):
            app.add_typer(part, name=word)
        else:
            app.command(word)(part)
    return app


def word_of(module: str) -> str:
    """Return how a command's module is typed; a module whose word is a keyword of Python ends in `_`."""
    return module.rstrip("_").replace("_", "-")


def _place(name: str) -> tuple[int, str]:
    return (JOURNEY.index(name) if name in JOURNEY else len(JOURNEY), name)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its number."""
    invocation = Invocation()
    return ended(lambda: assembled()(arguments, "dustman", obj=invocation), lambda: invocation.debug)


def main() -> None:
    """Run this process's command line and exit with its number."""
    sys.exit(run(sys.argv[1:]))
