"""`dustman log`: makes the log in PostgreSQL, where a worker may not make it by itself."""

from __future__ import annotations

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

log = typer.Typer(no_args_is_help=True, help="Make the log in PostgreSQL; a file is made by itself.")


@log.callback()
def place() -> None:
    """Make the log in PostgreSQL; a file is made by itself."""


@log.command()
def create(context: typer.Context, as_json: Json = False) -> Exit:
    """Make the log that log.url names, as the owner of its database in DUSTMAN_LOG_OWNER_URL; repeat it as you like."""
    from dustman.database import owner_url, writer_login
    from dustman.wiring import open_log
    from events.postgres_install import install

    settings = Invocation.of(context).settings
    user, password = writer_login(settings)
    writer, reader = install(owner_url(settings), {user: password})
    log = open_log(settings)
    made = {"url": str(settings.log.url), "identity": log.identity, "writer": writer, "reader": reader}
    log.close()
    Screen(as_json=as_json).show(made, f"{settings.log.url} holds the log. {user} writes it; its readers are {reader}.")
    return Exit.DONE
