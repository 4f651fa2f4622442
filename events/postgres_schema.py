"""What a log in PostgreSQL is made of, and who may do what with it.

Its functions are the only way to write. Writers may call them and read, readers may read, and the tables themselves
refuse whatever is not an addition, even from their owner.
"""

from __future__ import annotations

from typing import Final

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
