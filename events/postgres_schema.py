"""What a log in PostgreSQL is made of, and who may do what with it.

Its functions are the only way to write. Writers may call them and read, readers may read, and the tables themselves
refuse whatever is not an addition, even from their owner.
"""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 2
# Who listens here is told the new head at each commit: `LISTEN dustman`.
CHANNEL: Final = "dustman"
# The advisory lock under which positions, and the numbers of signed heads, are assigned: "DUST".
LOCK: Final = 0x44555354

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
    hashes bytea NOT NULL,
    UNIQUE (stream, version)
);
CREATE TABLE dustman.checkpoints (subscriber text PRIMARY KEY, position bigint NOT NULL);
"""
SIGNED_HEADS: Final = "CREATE TABLE dustman.signed_heads (number bigint PRIMARY KEY, note bytea NOT NULL);"

# A leaf as `events.leaf` writes it, hashed. It is made here, of what is kept: a writer cannot give another.
LEAF_HASH: Final = """
CREATE FUNCTION dustman.leaf_hash(
    "position" bigint, stream text, version bigint, event_id text, type text, type_version integer, data bytea,
    occurred_at timestamptz, recorded_at timestamptz, correlation_id text, causation_id text
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256('\\x00' || convert_to(
        '{"causation_id":' || coalesce(to_json(causation_id)::text, 'null')
        || ',"correlation_id":' || to_json(correlation_id)
        || ',"data":', 'UTF8') || data || convert_to(
        ',"event_id":' || to_json(event_id)
        || ',"occurred_at":' || to_char(occurred_at AT TIME ZONE 'UTC', '"\\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\\""')
        || ',"position":' || "position"
        || ',"recorded_at":' || to_char(recorded_at AT TIME ZONE 'UTC', '"\\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\\""')
        || ',"stream":' || to_json(stream)
        || ',"type":' || to_json(type)
        || ',"type_version":' || type_version
        || ',"version":' || version || '}', 'UTF8'))
$$;
"""
# The rows that `events.tree.Frontier` gives for leaves after the first `size`.
GROWN: Final = """
CREATE FUNCTION dustman.grown(size bigint, leaves bytea[]) RETURNS bytea[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old CONSTANT bigint := size;
    grown bytea[] := '{}';
    node bytea;
    completed bytea;
    kept bytea;
    level integer;
    sibling bigint;
BEGIN
    FOREACH node IN ARRAY leaves LOOP
        completed := node;
        level := 0;
        WHILE size >> level & 1 = 1 LOOP
            sibling := size >> level << level;
            IF sibling > old THEN
                kept := grown[sibling - old];
            ELSE
                SELECT hashes INTO kept FROM dustman.events WHERE position = sibling;
            END IF;
            kept := substr(kept, level * 32 + 1, 32);
            IF length(kept) IS DISTINCT FROM 32 THEN
                RAISE 'the tree''s node of level % at position % is missing', level, sibling
                    USING ERRCODE = 'data_corrupted';
            END IF;
            node := sha256('\\x01' || kept || node);
            completed := completed || node;
            level := level + 1;
        END LOOP;
        size := size + 1;
        grown := grown || completed;
    END LOOP;
    RETURN grown;
END $$;
"""

# The lock is held until the commit, so positions and times of record are assigned in the order of commits. What is
# read after it is read anew, which only `read committed` does.
APPEND: Final = f"""
CREATE OR REPLACE FUNCTION dustman.append(
    into_stream text, expected bigint, now timestamptz, ids text[], types text[], type_versions integer[],
    contents bytea[], occurred timestamptz[], correlations text[], causations text[],
    OUT version bigint, OUT head bigint, OUT at timestamptz
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    ours integer;
    rows bytea[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'append needs a transaction of isolation read committed' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock({LOCK});
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
    rows := dustman.grown(append.head, (
        SELECT array_agg(
            dustman.leaf_hash(append.head + n, into_stream, append.version + n, id, type, type_version, content,
                occurred_at, append.at + (n - 1) * interval '1 microsecond', correlation_id, causation_id)
            ORDER BY n)
        FROM unnest(ids, types, type_versions, contents, occurred, correlations, causations) WITH ORDINALITY
            AS new (id, type, type_version, content, occurred_at, correlation_id, causation_id, n)));
    INSERT INTO dustman.events
        SELECT append.head + n, ours, append.version + n, id, type, type_version, content, occurred_at,
            append.at + (n - 1) * interval '1 microsecond', correlation_id, causation_id, hashes
        FROM unnest(ids, types, type_versions, contents, occurred, correlations, causations, rows) WITH ORDINALITY
            AS new (id, type, type_version, content, occurred_at, correlation_id, causation_id, hashes, n);
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

KEEP_SIGNED_HEAD: Final = f"""
CREATE FUNCTION dustman.keep_signed_head(signed bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({LOCK});
    INSERT INTO dustman.signed_heads SELECT coalesce(max(number), 0) + 1, signed FROM dustman.signed_heads;
END $$;
"""

REFUSE: Final = """
CREATE FUNCTION dustman.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'the log is append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""


def _frozen(*tables: str) -> str:
    return "".join(
        f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dustman.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION dustman.refuse();
ALTER TABLE dustman.{table} ENABLE ALWAYS TRIGGER append_only;
"""
        for table in tables
    )


PROOFS: Final = "".join((SIGNED_HEADS, LEAF_HASH, GROWN, APPEND, KEEP_SIGNED_HEAD))
SCHEMA: Final = "".join((TABLES, PROOFS, SAVE_CHECKPOINT, REFUSE, _frozen("events", "streams", "meta", "signed_heads")))

# A log of schema 1 becomes one of schema 2 by the first, the rows of its tree, and the second. An append that was
# waiting meanwhile brings no row of the tree, and so is refused.
SCHEMA_2: Final = f"""
ALTER TABLE dustman.events ADD hashes bytea;
{PROOFS}
{_frozen("signed_heads")}
ALTER TABLE dustman.events DISABLE TRIGGER append_only;
ALTER TABLE dustman.meta DISABLE TRIGGER append_only;
UPDATE dustman.meta SET value = '2' WHERE name = 'schema';
"""
SCHEMA_2_WHOLE: Final = """
ALTER TABLE dustman.events ALTER hashes SET NOT NULL;
ALTER TABLE dustman.events ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE dustman.meta ENABLE ALWAYS TRIGGER append_only;
"""

RIGHTS: Final = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA dustman FROM PUBLIC;
GRANT USAGE ON SCHEMA dustman TO {writer}, {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA dustman TO {writer}, {reader};
GRANT EXECUTE ON FUNCTION dustman.append, dustman.save_checkpoint, dustman.keep_signed_head TO {writer};
"""
