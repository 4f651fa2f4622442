"""The making of a log in PostgreSQL, with its roles and its writers: once, by the owner of the database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

import psycopg
from psycopg import errors, sql

from events.log import StoreMisconfigured
from events.postgres_schema import LOCK, RIGHTS, SCHEMA, SCHEMA_VERSION


def install(
    url: str, logins: Mapping[str, str], new_identity: Callable[[], str] = lambda: str(uuid.uuid4())
) -> tuple[str, str]:
    """Make the log in the database at `url`, once, and return the names of its roles for writers and for readers.

    `logins` are users with their passwords who become writers; missing ones are made, of the others the password is
    set. Repeated it leaves the log as it is. The user of `url` owns the database and may create roles; else
    `StoreMisconfigured` says what the server refused.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as link:
            if link.execute("SHOW server_encoding").fetchone() != ("UTF8",):
                raise StoreMisconfigured(f"the database {link.info.dbname} is not encoded in UTF8; make one that is")
            link.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            writer, reader = roles_of(link.info.dbname)
            if link.execute("SELECT to_regnamespace('dustman') IS NULL").fetchone() == (True,):
                _make(link, writer, reader, new_identity())
            for user, password in logins.items():
                _admit(link, user, password, writer)
    except (errors.OperationalError, errors.InsufficientPrivilege) as error:
        raise StoreMisconfigured(f"the log cannot be made: {' '.join(str(error).split())}") from error
    return writer, reader


def roles_of(database: str) -> tuple[str, str]:
    """Return the names of the roles for writers and for readers: a server knows roles, not databases, apart."""
    return f"{database}_writer", f"{database}_reader"


def _make(link: psycopg.Connection, writer: str, reader: str, identity: str) -> None:
    link.execute(SCHEMA)
    link.execute("INSERT INTO dustman.meta VALUES ('identity', %s), ('schema', %s)", (identity, str(SCHEMA_VERSION)))
    for role in (writer, reader):
        if not _known(link, role):
            link.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    link.execute(sql.SQL(RIGHTS).format(writer=sql.Identifier(writer), reader=sql.Identifier(reader)))


def _admit(link: psycopg.Connection, user: str, password: str, writer: str) -> None:
    """Let a user write. The server gets a hash of the password, so that its own log never shows it."""
    if user == link.info.user:
        raise StoreMisconfigured(f"{user} makes the log and so may not be its writer; name another user in log.url")
    verb = sql.SQL("ALTER" if _known(link, user) else "CREATE")
    hashed = link.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()
    link.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(user), sql.Literal(hashed)))
    link.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(writer), sql.Identifier(user)))


def _known(link: psycopg.Connection, role: str) -> bool:
    return link.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None
