"""Who makes the log in PostgreSQL, and who writes it: two users, so that no worker can change what is recorded."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from domain.errors import ConfigurationError
from dustman.addresses import PostgresDatabase
from dustman.forms import DatabaseUrl
from dustman.settings import Settings

# In the environment or .env, since other users of the machine can read a command line.
OWNER = "DUSTMAN_LOG_OWNER_URL"


def writer_login(settings: Settings) -> tuple[str, str]:
    """Return user and password of whom workers connect as; `ConfigurationError` when log.url does not say."""
    if not isinstance(settings.log.url, PostgresDatabase):
        raise ConfigurationError(f"log.url: {settings.log.url} is a file, which is made by itself")
    user, password = settings.log.url.login
    if not user or not password:
        raise ConfigurationError("log.url: has no user or no password; name the user that workers connect as")
    return user, password


def owner_url(settings: Settings) -> str:
    """Return the URL of the database's owner; `ConfigurationError` when there is none."""
    if not (url := settings.secret(OWNER)):
        raise ConfigurationError(f"{OWNER}: is missing; give the database as its owner connects to it, in .env")
    try:
        owner: PostgresDatabase = TypeAdapter(DatabaseUrl).validate_python(url)
    except ValidationError:
        raise ConfigurationError(f"{OWNER}: is not postgresql://user:password@host:port/database (not shown)") from None
    return owner.text
