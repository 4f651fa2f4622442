"""`dustman log`: makes the log in PostgreSQL, where a worker may not make it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from dustman.forms import PostgresDatabase
    from dustman.settings import Settings

# In the environment or .env, since other users of the machine can read a command line.
OWNER = "DUSTMAN_LOG_OWNER_URL"

log = typer.Typer(no_args_is_help=True, help="Make the log in PostgreSQL; a file is made by itself.")


@log.callback()
def place() -> None:
    """Make the log in PostgreSQL; a file is made by itself."""


@log.command()
def create(context: typer.Context, as_json: Json = False) -> Exit:
    """Make the log that log.url names, as the owner of its database in DUSTMAN_LOG_OWNER_URL; repeat it as you like."""
    from dustman.wiring import open_log
    from events.postgres_install import install

    settings = Invocation.of(context).settings
    user, password = _writer(settings)
    writer, reader = install(_owner(settings).text, {user: password})
    log = open_log(settings)
    made = {"url": str(settings.log.url), "identity": log.identity, "writer": writer, "reader": reader}
    log.close()
    Screen(as_json=as_json).show(made, f"{settings.log.url} holds the log. {user} writes it; its readers are {reader}.")
    return Exit.DONE


def _writer(settings: Settings) -> tuple[str, str]:
    from dustman.forms import PostgresDatabase

    if not isinstance(settings.log.url, PostgresDatabase):
        raise ConfigurationError(f"log.url: {settings.log.url} is a file, which is made by itself")
    user, password = settings.log.url.login
    if not user or not password:
        raise ConfigurationError("log.url: has no user or no password; name the user that workers connect as")
    return user, password


def _owner(settings: Settings) -> PostgresDatabase:
    from pydantic import TypeAdapter, ValidationError

    from dustman.forms import DatabaseUrl

    if not (url := settings.secret(OWNER)):
        raise ConfigurationError(f"{OWNER}: is missing; give the database as its owner connects to it, in .env")
    try:
        owner: PostgresDatabase = TypeAdapter(DatabaseUrl).validate_python(url)
    except ValidationError:
        raise ConfigurationError(f"{OWNER}: is not postgresql://user:password@host:port/database (not shown)") from None
    return owner
