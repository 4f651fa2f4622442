"""A log in PostgreSQL as its owner uses it: moved there and back, proven, checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dustman.exits import Exit
from events.sqlite import SQLiteLog
from tests.dustman.conftest import Typed
from tests.events.clocks import utc_now
from tests.events.samples import SAMPLES, new
from tests.postgres_server import Database

SHORTEST = "accounts: {main: {venue: coinbase}}\n"


@pytest.fixture
def empty(postgres_url: str) -> Iterator[Database]:
    with Database(postgres_url, installed=False) as database:
        yield database


@pytest.fixture
def moved(home: Path, empty: Database, dustman: Typed, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A log of every type of event, made in a file and moved to PostgreSQL."""
    (home / "dustman.yaml").write_text(SHORTEST)
    (home / "var").mkdir()
    log = SQLiteLog(home / "var/dustman.db", utc_now)
    log.append("account-main", 0, [new(f"e{number}", fact) for number, fact in enumerate(SAMPLES)])
    log.close()
    assert dustman("export", "--format", "jsonl", "-o", "log.jsonl").exit == Exit.DONE
    (home / "file.root").write_text(dustman("audit", "verify", "--json").value["root"])
    monkeypatch.setenv("DUSTMAN_LOG_URL", empty.url)
    assert "DUSTMAN_LOG_OWNER_URL: is missing" in dustman("import", "log.jsonl").err
    monkeypatch.setenv("DUSTMAN_LOG_OWNER_URL", empty.owner_url)
    taken = dustman("import", "log.jsonl", "--json")
    assert (taken.exit, taken.value["events"]) == (Exit.DONE, len(SAMPLES))
    assert empty.url not in taken.out
    monkeypatch.delenv("DUSTMAN_LOG_OWNER_URL")
    return empty


def test_import__from_a_file_to_postgresql_and_back__has_the_same_root_each_time(
    moved: Database, home: Path, dustman: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (home / "file.root").read_text()
    assert dustman("audit", "verify", "--json").value["root"] == there
    assert dustman("export", "--format", "jsonl").out == (home / "log.jsonl").read_text("utf-8")
    monkeypatch.setenv("DUSTMAN_LOG_URL", "sqlite:///back/dustman.db")
    assert dustman("import", "log.jsonl").exit == Exit.DONE
    assert dustman("audit", "verify", "--json").value["root"] == there


def test_import__where_a_log_is__is_refused_with_what_to_do(
    moved: Database, dustman: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUSTMAN_LOG_OWNER_URL", moved.owner_url)
    refused = dustman("import", "log.jsonl")
    assert (refused.exit, "name an empty database" in refused.err) == (Exit.CONFIGURATION, True)


def test_audit__of_a_log_in_postgresql__signs_proves_and_finds_what_was_changed(
    moved: Database, dustman: Typed
) -> None:
    signed = dustman("audit", "checkpoint")
    assert signed.exit == Exit.DONE
    assert dustman("audit", "checkpoint").out == signed.out
    assert dustman("audit", "prove", "3").exit == Exit.DONE
    assert dustman("audit", "witness", "--file", "witness").exit == Exit.DONE
    whole = dustman("audit", "verify", "--witness", "witness", "--json")
    assert (whole.exit, whole.value["verdict"], whole.value["vouched"]) == (Exit.DONE, "intact", len(SAMPLES))
    with moved.owner() as link:
        link.execute("DROP TRIGGER append_only ON dustman.events")
        link.execute("UPDATE dustman.events SET correlation_id = 'forged' WHERE position = 3")
    broken = dustman("audit", "verify", "--json")
    assert broken.exit == Exit.AUDIT_MISMATCH
    assert broken.value["broken"][0] == "position 3: the event is not what the tree has of it"
