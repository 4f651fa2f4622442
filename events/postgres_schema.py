"""What a log in PostgreSQL is made of, and who may do what with it: installed once, by the owner of the database.

Two functions are the only way to write. Writers may call them and read, readers may read, and the tables themselves
refuse whatever is not an addition, even from their owner.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Final

import psycopg
from psycopg import errors, sql

from events.log import StoreMisconfigured

SCHEMA_VERSION: Final = 1
# Who listens here is told the new head at each commit: `LISTEN dustman`.
CHANNEL: Final = "dustman"

TABLES: Final = """
CREATE SCHEMA dustman;
CREATE TABLE dustman.meta (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE dustman.streams (id integer PRIMARY KEY, name text NOT NULL UNIQUE CHECK (name <> ''));
CREATE TABLE dustman.events (
    position bigint PRIMARY KEY,
    stream integer NOT NULL REFERENCES dustman.streams,
    version bigint NOT NULL,
    event_id text NOT NULL UNIQUE CHECK (event_id <> ''),
    type text NOT NULL,
    type_version integer NOT NULL,
    data bytea NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    correlation_id text NOT NULL CHECK (correlation_id <> ''),
    causation_id text,
    UNIQUE (stream, version)
);
CREATE TABLE dustman.checkpoints (subscriber text PRIMARY KEY, position bigint NOT NULL);
"""

# The lock is held until the commit, so positions and times of record are assigned in the order of commits. What is
# read after it is read anew, which only `read committed` does.
APPEND: Final = f"""
CREATE FUNCTION dustman.append(
    into_stream text, expected bigint, now timestamptz, ids text[], types text[], type_versions integer[],
    contents bytea[], occurred timestamptz[], correlations text[], causations text[],
    OUT version bigint, OUT head bigint, OUT at timestamptz
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    ours integer;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'append needs a transaction of isolation read committed' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock({0x44555354});
    SELECT id INTO ours FROM dustman.streams WHERE name = into_stream;
    append.version := coalesce((SELECT max(version) FROM dustman.events WHERE stream = ours), 0);
    IF append.version <> expected OR cardinality(ids) = 0
        OR EXISTS (SELECT FROM dustman.events WHERE event_id = ANY (ids)) THEN
        RETURN;
    END IF;
    SELECT position, recorded_at INTO append.head, append.at FROM dustman.events ORDER BY position DESC LIMIT 1;
    append.head := coalesce(append.head, 0);
    append.at := greatest(now, coalesce(append.at, 'epoch') + interval '1 microsecond');
    IF ours IS NULL THEN
        ours := coalesce((SELECT max(id) FROM dustman.streams), 0) + 1;
        INSERT INTO dustman.streams VALUES (ours, into_stream);
    END IF;
    INSERT INTO dustman.events
        SELECT append.head + n, ours, append.version + n, id, type, type_version, content, occurred_at,
            append.at + (n - 1) * interval '1 microsecond', correlation_id, causation_id
        FROM unnest(ids, types, type_versions, contents, occurred, correlations, causations) WITH ORDINALITY
            AS new (id, type, type_version, content, occurred_at, correlation_id, causation_id, n);
    PERFORM pg_notify('{CHANNEL}', (append.head + cardinality(ids))::text);
END $$;
"""

SAVE_CHECKPOINT: Final = """
CREATE FUNCTION dustman.save_checkpoint(of_subscriber text, finished bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO dustman.checkpoints AS old VALUES (of_subscriber, finished)
    ON CONFLICT (subscriber) DO UPDATE SET position = greatest(old.position, excluded.position)
$$;
"""

REFUSALS: Final = """
CREATE FUNCTION dustman.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'the log is append-only' USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dustman.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION dustman.refuse();
ALTER TABLE dustman.{table} ENABLE ALWAYS TRIGGER append_only;
"""
    for table in ("events", "streams", "meta")
)

RIGHTS: Final = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA dustman FROM PUBLIC;
GRANT USAGE ON SCHEMA dustman TO {writer}, {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA dustman TO {writer}, {reader};
GRANT EXECUTE ON FUNCTION dustman.append, dustman.save_checkpoint TO {writer};
"""


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
            link.execute("SELECT pg_advisory_xact_lock(%s)", (0x44555354,))
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
    for statements in (TABLES, APPEND, SAVE_CHECKPOINT, REFUSALS):
        link.execute(statements)
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
