"""The making of a log in PostgreSQL, with its roles and its writers: once, by the owner of the database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import errors, sql

from events.leaf import leaf
from events.log import CorruptLog, EventIdConflict, Recorded, StoreMisconfigured
from events.postgres_rows import SELECT, recorded
from events.postgres_schema import LOCK, RIGHTS, SCHEMA, SCHEMA_2, SCHEMA_2_WHOLE, SCHEMA_VERSION
from events.tree import Frontier

Owner = psycopg.Connection[tuple[Any, ...]]
PAGE: Final = 500


def install(
    url: str, logins: Mapping[str, str], new_identity: Callable[[], str] = lambda: str(uuid.uuid4())
) -> tuple[str, str]:
    """Make the log in the database at `url`, once, and return the names of its roles for writers and for readers.

    `logins` are users with their passwords who become writers; missing ones are made, of the others the password is
    set. Repeated it leaves the log as it is, and makes one of an earlier release one of this. The user of `url` owns
    the database and may create roles; else `StoreMisconfigured` says what the server refused.
    """
    with _owned(url) as link:
        if not _begun(link):
            _make(link, new_identity())
        elif _version(link) < SCHEMA_VERSION:
            _upgrade(link)
        return _open_to(link, logins)


def restore(url: str, logins: Mapping[str, str], identity: str, records: Iterable[Recorded]) -> int:
    """Make the log `identity` in the database at `url`, with these records, and return how many events it has.

    `StoreMisconfigured` where a log is, even an empty one: it has its identity for ever. The log appears whole or not
    at all. See `install` for the rest.
    """
    with _owned(url) as link:
        if _begun(link):
            [(head,)] = link.execute("SELECT coalesce(max(position), 0) FROM dustman.events")
            has = f"has {head} events" if head else "was begun, without events yet"
            raise StoreMisconfigured(
                f"the log in {link.info.dbname} {has}; an import makes a log where there is none, so name an empty "
                "database, or stop what uses this one and drop its schema dustman"
            )
        _make(link, identity)
        try:
            count = _fill(link, records)
        except psycopg.DataError as error:
            raise CorruptLog(f"PostgreSQL cannot keep it: {' '.join(str(error).split())}") from error
        _open_to(link, logins)
        return count


def roles_of(database: str) -> tuple[str, str]:
    """Return the names of the roles for writers and for readers: a server knows roles, not databases, apart."""
    return f"{database}_writer", f"{database}_reader"


@contextmanager
def _owned(url: str) -> Iterator[Owner]:
    """Hold one transaction and the lock of the log, committed when the block ends without an error."""
    try:
        with psycopg.connect(url, connect_timeout=5) as link:
            if link.execute("SHOW server_encoding").fetchone() != ("UTF8",):
                raise StoreMisconfigured(f"the database {link.info.dbname} is not encoded in UTF8; make one that is")
            link.execute("SET LOCAL timezone = 'UTC'; SET LOCAL enable_seqscan = off")
            link.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            yield link
    except (errors.OperationalError, errors.InsufficientPrivilege) as error:
        raise StoreMisconfigured(f"the log cannot be made: {' '.join(str(error).split())}") from error


def _begun(link: Owner) -> bool:
    return link.execute("SELECT to_regnamespace('dustman') IS NOT NULL").fetchone() == (True,)


def _version(link: Owner) -> int:
    [(version,)] = link.execute("SELECT value FROM dustman.meta WHERE name = 'schema'")
    return int(version)


def _make(link: Owner, identity: str) -> None:
    link.execute(SCHEMA)
    link.execute("INSERT INTO dustman.meta VALUES ('identity', %s), ('schema', %s)", (identity, str(SCHEMA_VERSION)))


def _upgrade(link: Owner) -> None:
    """Give a log of schema 1, which had no tree, the rows of its events; `CorruptLog` leaves it as it was."""
    link.execute(SCHEMA_2)
    tree = Frontier(0, [])
    with link.cursor("events") as events:
        events.execute(f"{SELECT} ORDER BY position")
        while rows := events.fetchmany(PAGE):
            records = [recorded(row, link.info.dbname) for row in rows]
            link.execute(
                "UPDATE dustman.events SET hashes = fresh.hashes FROM unnest(%s::bigint[], %s::bytea[]) "
                "AS fresh (position, hashes) WHERE events.position = fresh.position",
                ([record.position for record in records], [tree.add(leaf(record)) for record in records]),
            )
    link.execute(SCHEMA_2_WHOLE)


def _fill(link: Owner, records: Iterable[Recorded]) -> int:
    """Write records as they stand, times and all; their order is their reader's to check."""
    tree, streams, records = Frontier(0, []), dict[str, int](), iter(records)
    while page := list(islice(records, PAGE)):
        _refuse_taken(link, page)
        for name in dict.fromkeys(record.stream for record in page if record.stream not in streams):
            streams[name] = len(streams) + 1
            link.execute("INSERT INTO dustman.streams VALUES (%s, %s)", (streams[name], name))
        with link.cursor().copy("COPY dustman.events FROM STDIN") as events:
            for record in page:
                events.write_row(_row(record, streams[record.stream], tree.add(leaf(record))))
    return tree.size


def _refuse_taken(link: Owner, page: Sequence[Recorded]) -> None:
    query = "SELECT event_id, position FROM dustman.events WHERE event_id = ANY (%s)"
    taken: dict[str, int] = dict(link.execute(query, ([record.event_id for record in page],)).fetchall())
    for record in page:
        if other := taken.setdefault(record.event_id, record.position) - record.position:
            raise EventIdConflict(
                f"event id {record.event_id} is that of positions {record.position + other} and {record.position}"
            )


def _row(record: Recorded, stream: int, hashes: bytes) -> tuple[object, ...]:
    return (
        record.position,
        stream,
        record.version,
        record.event_id,
        record.type,
        record.type_version,
        record.data,
        record.occurred_at,
        record.recorded_at,
        record.correlation_id,
        record.causation_id,
        hashes,
    )


def _open_to(link: Owner, logins: Mapping[str, str]) -> tuple[str, str]:
    """Make the log's roles, and the users of `logins` its writers; return the roles' names."""
    writer, reader = roles_of(link.info.dbname)
    for role in (writer, reader):
        if not _known(link, role):
            link.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    link.execute(sql.SQL(RIGHTS).format(writer=sql.Identifier(writer), reader=sql.Identifier(reader)))
    for user, password in logins.items():
        _admit(link, user, password, writer)
    return writer, reader


def _admit(link: Owner, user: str, password: str, writer: str) -> None:
    """Let a user write. The server gets a hash of the password, so that its own log never shows it."""
    if user == link.info.user:
        raise StoreMisconfigured(f"{user} makes the log and so may not be its writer; name another user in log.url")
    verb = sql.SQL("ALTER" if _known(link, user) else "CREATE")
    hashed = link.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()
    link.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(user), sql.Literal(hashed)))
    link.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(writer), sql.Identifier(user)))


def _known(link: Owner, role: str) -> bool:
    return link.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None
