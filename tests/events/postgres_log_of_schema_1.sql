-- The log of schema 1 as its release made it.

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
    PERFORM pg_advisory_xact_lock(1146442580);
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
    PERFORM pg_notify('dustman', (append.head + cardinality(ids))::text);
END $$;

CREATE FUNCTION dustman.save_checkpoint(of_subscriber text, finished bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO dustman.checkpoints AS old VALUES (of_subscriber, finished)
    ON CONFLICT (subscriber) DO UPDATE SET position = greatest(old.position, excluded.position)
$$;

CREATE FUNCTION dustman.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'the log is append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dustman.events
    FOR EACH STATEMENT EXECUTE FUNCTION dustman.refuse();
ALTER TABLE dustman.events ENABLE ALWAYS TRIGGER append_only;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dustman.streams
    FOR EACH STATEMENT EXECUTE FUNCTION dustman.refuse();
ALTER TABLE dustman.streams ENABLE ALWAYS TRIGGER append_only;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dustman.meta
    FOR EACH STATEMENT EXECUTE FUNCTION dustman.refuse();
ALTER TABLE dustman.meta ENABLE ALWAYS TRIGGER append_only;
INSERT INTO dustman.meta VALUES ('identity', '11111111-2222-4333-8444-555555555555'), ('schema', '1');
