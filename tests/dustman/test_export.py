"""`dustman export`, `import`, and the periods that `events` and `replay` take, on a log that has a history."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from domain.identity import stream_of
from dustman.commands.export import FORMS
from dustman.exits import Exit
from dustman.exports.forms import Form
from dustman.exports.whole_file import whole_file
from events.archive import lines
from events.facts import ConversionsHalted, account_of
from events.log import Recorded
from events.sqlite import SQLiteLog
from tests.dustman.conftest import COMMAND, Typed
from tests.events.clocks import SetClock
from tests.events.samples import new
from tests.exports.stories import record, swept_account

TICK = timedelta(microseconds=1)


def configure(home: Path, *accounts: str) -> None:
    lines = "".join(f"  {name}: {{venue: coinbase}}\n" for name in accounts)
    (home / "dustman.yaml").write_text(f"accounts:\n{lines}")


@pytest.fixture
def log(home: Path) -> Iterator[SQLiteLog]:
    """A log with two accounts, one of which is in the settings no more."""
    configure(home, "main")
    (home / "var").mkdir()
    clock = SetClock()
    log = SQLiteLog(home / "var/dustman.db", clock)
    record(
        log, clock, [swept_account("main", [(120, 490, 0, [])]), swept_account("old", [(119, 480, 0, [])])], Random(5)
    )
    yield log
    log.close()


def positions(out: str) -> list[int]:
    return [int(json.loads(line)["position"]) for line in out.splitlines()]


def at(recorded: Recorded) -> str:
    return recorded.recorded_at.isoformat()


def test_events__since_a_position_or_a_time__begin_with_it(log: SQLiteLog, dustman: Typed) -> None:
    records = list(log.read())
    everything = [recorded.position for recorded in records]
    assert positions(dustman("events", "--json").out) == everything
    assert positions(dustman("events", "--json", "--since", "7").out) == everything[6:]
    assert positions(dustman("events", "--json", "--since", at(records[6])).out) == everything[6:]
    late = (records[6].recorded_at + TICK).astimezone(UTC).replace(tzinfo=None).isoformat()
    assert positions(dustman("events", "--json", "--since", late).out) == everything[7:]
    assert dustman("events", "--since", "9999-01-01").out == ""
    assert dustman("events", "--since", "999999").out == ""
    assert positions(dustman("events", "--json", "--since", "0001-01-01").out) == everything


def test_events__of_an_account_and_type_since__are_those(log: SQLiteLog, dustman: Typed) -> None:
    wanted = [r.position for r in log.read(after=4) if (r.type, account_of(r.fact)) == ("leg_filled", "old")]
    asked = dustman("events", "--json", "--since", "5", "--type", "leg_filled", "--account", "old")
    assert positions(asked.out) == wanted != []


def test_events__followed_since_the_next_position__shows_what_is_appended(log: SQLiteLog, home: Path) -> None:
    head = log.head()
    asked = [str(COMMAND), "events", "--json", "--follow", "--since", str(head + 1), "--account", "main"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, cwd=home) as following:
        for name in ("old", "main"):
            version = len(list(log.stream(stream_of(name))))
            log.append(stream_of(name), version, [new(f"late-{name}", ConversionsHalted(name, "late"))])
        assert following.stdout
        shown = json.loads(following.stdout.readline())
        following.kill()
    assert (shown["id"], shown["position"]) == ("late-main", str(head + 2))


@pytest.mark.parametrize("nonsense", ["yesterday", "-1", "2026-13-01", "9" * 5000, "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize(
    ("command", "option"), [("events", "--since"), ("export", "--since"), ("export", "--until"), ("replay", "--as-of")]
)
def test_period__of_nonsense__names_the_accepted_form(
    log: SQLiteLog, dustman: Typed, command: str, option: str, nonsense: str
) -> None:
    form = ["--format", "jsonl"] if command == "export" else []
    asked = dustman(command, *form, f"{option}={nonsense}")
    assert (asked.exit, asked.out) == (Exit.CONFIGURATION, "")
    assert option in asked.err
    assert "2026-03-01T02:00:00Z" in asked.err


def test_replay__of_one_account__shows_it_alone(log: SQLiteLog, dustman: Typed) -> None:
    whole, old = dustman("replay", "--json").value, dustman("replay", "--json", "--account", "old").value
    assert set(whole["ledger"]) == {"main", "old"}
    assert old["ledger"] == {"old": whole["ledger"]["old"]}
    assert old["lots"] == [lot for lot in whole["lots"] if lot["account"] == "old"]
    assert set(old["carried"]) == {"old"}
    early = dustman("replay", "--json", "--account", "old", "--as-of", "2").value
    assert (early["position"], early["lots"]) == (2, [])


@pytest.mark.parametrize("command", [["replay"], ["events"], ["export", "--format", "csv"]])
def test_account__never_heard_of__is_refused(log: SQLiteLog, dustman: Typed, command: list[str]) -> None:
    refused = dustman(*command, "--account", "nobody")
    assert refused.exit == Exit.CONFIGURATION
    assert "main" in refused.err


def test_export__before_there_is_a_log__has_nothing_but_the_seal(home: Path, dustman: Typed) -> None:
    configure(home, "main")
    (home / "old.jsonl").write_text("before")
    assert dustman("export", "--format", "jsonl", "-o", "old.jsonl", "--json").value["rows"] == 0
    assert json.loads((home / "old.jsonl").read_text())["sealed"] == 0


def test_export__then_import__is_the_same_log(log: SQLiteLog, home: Path, dustman: Typed) -> None:
    records = list(log.read())
    told = dustman("export", "--format", "jsonl", "-o", "log.jsonl", "--json").value
    assert told == {"file": "log.jsonl", "format": "jsonl", "rows": len(records)}
    assert dustman("export", "--format", "jsonl").out == Path("log.jsonl").read_text("utf-8")
    refused = dustman("import", "log.jsonl")
    assert refused.exit == Exit.CONFIGURATION
    assert f"has {len(records)} events" in refused.err
    other = home / "other"
    other.mkdir()
    os.chdir(other)
    configure(other, "main")
    taken = dustman("import", "../log.jsonl", "--json").value
    assert (taken["identity"], taken["events"]) == (log.identity, len(records))
    again = SQLiteLog(other / "var/dustman.db", SetClock())
    assert list(again.read()) == records
    again.close()
    assert dustman("export", "--format", "jsonl").out == (home / "log.jsonl").read_text("utf-8")


def test_import__of_part_of_a_log__is_damage_and_makes_nothing(log: SQLiteLog, home: Path, dustman: Typed) -> None:
    dustman("export", "--format", "jsonl", "--since", "3", "-o", "part.jsonl")
    (home / "other").mkdir()
    os.chdir(home / "other")
    configure(home / "other", "main")
    refused = dustman("import", "../part.jsonl")
    assert refused.exit == Exit.AUDIT_MISMATCH
    assert "part.jsonl, line 1: position '3' is not 1" in refused.err
    assert list((home / "other/var").iterdir()) == []
    assert dustman("import", "nothing.jsonl").exit == Exit.CONFIGURATION


def test_import__of_an_id_twice_under_a_fitting_seal__names_both_lines(
    log: SQLiteLog, home: Path, dustman: Typed
) -> None:
    *events, _ = lines(log.read(), log.identity)
    ids = [recorded.event_id.encode() for recorded in log.read()]
    events[4] = events[4].replace(ids[4], ids[1])
    digest = sha256(b"".join(events)).hexdigest()
    seal = {"sealed": len(events), "source": f"urn:dustman:{log.identity}", "sha256": digest}
    (home / "other").mkdir()
    os.chdir(home / "other")
    configure(home / "other", "main")
    Path("twice.jsonl").write_bytes(b"".join(events) + json.dumps(seal, separators=(",", ":")).encode() + b"\n")
    refused = dustman("import", "twice.jsonl")
    assert refused.exit == Exit.AUDIT_MISMATCH
    assert "positions 2 and 5" in refused.err
    assert list((home / "other/var").iterdir()) == []


def test_export__help__names_the_forms_there_are() -> None:
    assert FORMS.replace(" or ", ", ").split(", ") == list(Form)


@pytest.mark.parametrize("form", [form for form in Form if form is not Form.PARQUET])
def test_export__to_stdout__is_what_the_file_has(log: SQLiteLog, dustman: Typed, form: Form) -> None:
    printed = dustman("export", "--format", form)
    assert (printed.exit, printed.err) == (Exit.DONE, "")
    told = dustman("export", "--format", form, "-o", "file")
    assert told.exit == Exit.DONE
    assert Path("file").read_text("utf-8") == printed.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "xlsx"], "'xlsx' is not one of jsonl"),
        (["--format", "parquet"], "needs a file"),
        (["--format", "csv", "--json"], "needs a file"),
        ([], "--format"),
    ],
)
def test_export__a_wrong_command_line__says_what_is_accepted(
    log: SQLiteLog, dustman: Typed, arguments: list[str], words: str
) -> None:
    refused = dustman("export", *arguments)
    assert (refused.exit, refused.out) == (Exit.USAGE, "")
    assert words in refused.err


@pytest.mark.parametrize(
    ("file", "words"),
    [("/dev/null", "not a regular file"), ("no/such/place", "No such file"), ("var/dustman.db", "is the log itself")],
)
def test_export__to_a_place_that_must_not_be_written__is_refused(
    log: SQLiteLog, dustman: Typed, file: str, words: str
) -> None:
    refused = dustman("export", "--format", "csv", "-o", file)
    assert refused.exit == Exit.CONFIGURATION
    assert words in refused.err
    assert log.head() > 0


def test_export__its_reader_has_left__ends_with_its_number(log: SQLiteLog, home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [COMMAND, "export", "--format", "csv"], stdout=writer, stderr=subprocess.PIPE, cwd=home, timeout=60, check=False
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (Exit.READER_LEFT, b"")


def test_whole_file__interrupted__leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "before"
    with whole_file(path) as file:
        file.write(b"after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o077 == 0


def test_tax_export__of_a_year__has_its_trades(log: SQLiteLog, dustman: Typed) -> None:
    executed = datetime(2026, 3, 1, 12, tzinfo=UTC)
    year = dustman("export", "--format", "koinly", "--since", "2026-01-01", "--until", "2027-01-01").out
    assert len(year.splitlines()) == 7
    assert all(line.startswith(f"{executed:%Y-%m-%d %H:%M:%S} UTC,") for line in year.splitlines()[1:])
    assert len(dustman("export", "--format", "koinly", "--since", "2027-01-01").out.splitlines()) == 1
