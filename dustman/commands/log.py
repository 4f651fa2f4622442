"""`dustman log`: makes the log in PostgreSQL, where a worker may not make it by itself, and seals that of a file."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

log = typer.Typer(no_args_is_help=True, help="Make the log in PostgreSQL, or seal old events of one in a file.")


@log.callback()
def place() -> None:
    """Make the log in PostgreSQL, or seal old events of one in a file."""


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


@log.command()
def seal(
    context: typer.Context,
    until: Annotated[str, typer.Option("--until", help="Up to this position, or before this time.")],
    compact: Annotated[
        bool, typer.Option("--compact", help="Then give the room back to the disk; nobody can write meanwhile.")
    ] = False,
    as_json: Json = False,
) -> Exit:
    """Pack old events into files beside the log, ten thousand each; they stay a part of it."""
    from dustman.period import period
    from dustman.wiring import open_log
    from events.sealing import seal as sealing
    from events.sqlite import SQLiteLog

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    found = open_log(settings)
    if not isinstance(found, SQLiteLog):
        raise ConfigurationError(f"log.url: {settings.log.url} is a server's; only a log in a file is sealed")
    _, last = period(found, "", until).bounds(found)
    count = size = 0
    for segment in sealing(found, last):
        count, size = count + segment.index.last - segment.index.first + 1, size + segment.path.stat().st_size
    if compact:
        found.compact()
    done = {"events": count, "bytes": size, "sealed_until": found.sealed_until(), "directory": found.segments_directory}
    found.close()
    screen.show(done, f"{count} events sealed in {size} bytes; sealed up to position {done['sealed_until']}")
    return Exit.DONE if count or compact else Exit.NOTHING_TO_DO
