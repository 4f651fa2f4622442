"""`dustman log`: the log in PostgreSQL made by its owner for its writer, and that in a file sealed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dustman.exits import Exit
from events import sealing
from tests.dustman.conftest import Typed, spawned
from tests.postgres_server import PASSWORD, Database

SHORTEST = "accounts: {main: {venue: coinbase}}\n"


@pytest.fixture
def empty(postgres_url: str) -> Iterator[Database]:
    with Database(postgres_url, installed=False) as database:
        yield database


def test_create__in_an_empty_database__makes_a_log_that_commands_use(home: Path, empty: Database) -> None:
    (home / "dustman.yaml").write_text(SHORTEST)
    (home / ".env").write_text(f'DUSTMAN_LOG_URL="{empty.url}"\nDUSTMAN_LOG_OWNER_URL="{empty.owner_url}"\n')
    before = spawned("status", cwd=home)
    assert (before.exit, "does not let this user in" in before.err) == (Exit.CONFIGURATION, True)
    made = spawned("log", "create", "--json", cwd=home)
    assert (made.exit, made.err) == (Exit.DONE, "")
    assert (made.value["writer"], made.value["reader"]) == (f"{empty.name}_writer", f"{empty.name}_reader")
    assert PASSWORD not in made.out
    again = spawned("log", "create", "--json", cwd=home)
    assert again.value["identity"] == made.value["identity"]
    assert spawned("status", cwd=home).exit == Exit.DONE


def test_create__for_a_file__says_that_it_is_made_by_itself(dustman: Typed, home: Path) -> None:
    (home / "dustman.yaml").write_text(SHORTEST)
    ended = dustman("log", "create")
    assert (ended.exit, "is a file, which is made by itself" in ended.err) == (Exit.CONFIGURATION, True)


@pytest.mark.parametrize(
    ("url", "owner", "words"),
    [
        ("postgresql://me:hunter2hunter2@db/dust", "", "DUSTMAN_LOG_OWNER_URL: is missing"),
        ("postgresql://me:hunter2hunter2@db/dust", "mysql://me:hunter2hunter2@db/dust", "(not shown)"),
        (
            "postgresql://me:hunter2hunter2@127.0.0.1:1/dust",
            "postgresql://o:hunter2hunter2@127.0.0.1:1/dust",
            "refused",
        ),
        ("postgresql://me@db/dust", "postgresql://o:hunter2hunter2@db/dust", "has no user or no password"),
    ],
)
def test_create__without_what_it_needs__names_it_and_no_password(
    dustman: Typed, home: Path, monkeypatch: pytest.MonkeyPatch, url: str, owner: str, words: str
) -> None:
    (home / "dustman.yaml").write_text(SHORTEST)
    monkeypatch.setenv("DUSTMAN_LOG_URL", url)
    monkeypatch.setenv("DUSTMAN_LOG_OWNER_URL", owner)
    ended = dustman("log", "create")
    assert (ended.exit, words in ended.err, "hunter2" in ended.err) == (Exit.CONFIGURATION, True, False)


def test_seal__old_events__stay_a_part_of_everything(
    dustman: Typed, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "dustman.yaml").write_text(SHORTEST)
    dustman("halt", "main")
    dustman("resume", "main")
    dustman("halt", "main")
    shown = [dustman(*words, "--json").out for words in (("status",), ("events",), ("replay",))]
    exported = dustman("export", "--format", "jsonl").out
    assert dustman("log", "seal", "--until", "2").exit == Exit.NOTHING_TO_DO
    monkeypatch.setattr(sealing.seal, "__defaults__", (1,))
    sealed = dustman("log", "seal", "--until", "2", "--compact", "--json").value
    assert (sealed["events"], sealed["sealed_until"]) == (2, 2)
    assert [dustman(*words, "--json").out for words in (("status",), ("events",), ("replay",))] == shown
    assert dustman("export", "--format", "jsonl").out == exported
    assert dustman("log", "seal", "--until", "2099-01-01", "--json").exit == Exit.NOTHING_TO_DO
    next(Path(sealed["directory"]).iterdir()).unlink()
    lost = dustman("events")
    assert (lost.exit, ".zst" in lost.err) == (Exit.AUDIT_MISMATCH, True)
    assert ".zst" in dustman("audit", "verify").out


@pytest.mark.parametrize(("until", "words"), [("9", "the log ends at"), ("soon", "--until"), ("-1", "--until")])
def test_seal__until_nonsense__names_what_is_accepted(dustman: Typed, home: Path, until: str, words: str) -> None:
    (home / "dustman.yaml").write_text(SHORTEST)
    ended = dustman("log", "seal", f"--until={until}")
    assert (ended.exit, words in ended.err) == (Exit.CONFIGURATION, True)


def test_seal__on_a_server__says_that_only_a_file_is_sealed(dustman: Typed, home: Path) -> None:
    (home / "dustman.yaml").write_text("log: {url: 'postgresql://me:secretsecret@db/dust'}\n" + SHORTEST)
    ended = dustman("log", "seal", "--until", "1")
    assert (ended.exit, "only a log in a file is sealed" in ended.err) == (Exit.CONFIGURATION, True)
    assert "secretsecret" not in ended.err
