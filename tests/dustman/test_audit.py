"""`dustman audit` as an owner and an auditor use it: sign, prove, witness, verify; and the standalone verifier."""

from __future__ import annotations

import runpy
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dustman.exits import Exit
from events.checkpoint import VerifierKey, opened, parsed_key
from events.sqlite import SQLiteLog
from events.tree import Frontier, consistency, root
from tests.dustman.conftest import Outcome, Typed
from tests.events.clocks import utc_now
from tests.events.samples import SAMPLES, new

VERIFIER = Path(__file__).parents[2] / "docs/verifier/verify.py"
EVENTS = len(SAMPLES)


@pytest.fixture
def log(home: Path, dustman: Typed) -> Iterator[SQLiteLog]:
    """A log with every type of event, where the settings say it is."""
    assert dustman("init", "--no-input").exit == Exit.DONE
    (home / "var").mkdir(exist_ok=True)
    made = SQLiteLog(home / "var" / "dustman.db", utc_now)
    made.append("account-main", 0, [new(f"e{number}", fact) for number, fact in enumerate(SAMPLES)])
    yield made
    made.close()


def check(*arguments: str | Path) -> Outcome:
    """Run the standalone verifier where nothing of ours can be imported."""
    ended = subprocess.run(
        [sys.executable, "-I", VERIFIER, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def keep(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def resealed(lines: list[str], identity: str) -> str:
    """Put the seal under lines that somebody would who edits a file with care."""
    text = "".join(lines)
    digest = sha256(text.encode()).hexdigest()
    return f'{text}{{"sealed":{len(lines)},"source":"urn:dustman:{identity}","sha256":"{digest}"}}\n'


def rewrite(log: SQLiteLog) -> None:
    """Put another history in the place of the log: the same identity, a tree of its own, no signed heads."""
    identity = log.identity
    log.close()
    for path in log.path.parent.glob("dustman.db*"):
        path.unlink()
    forged = SQLiteLog(log.path, utc_now, new_identity=lambda: identity)
    forged.append("account-main", 0, [new(f"forged-{number}", fact) for number, fact in enumerate(SAMPLES)])
    forged.close()


def edit(log: SQLiteLog, statement: str) -> None:
    log.close()
    link = sqlite3.connect(log.path)
    for (trigger,) in link.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        link.execute(f"DROP TRIGGER {trigger}")
    link.execute(statement)
    link.commit()
    link.close()


def test_checkpoint__asked_twice__is_signed_once_and_kept(log: SQLiteLog, dustman: Typed, home: Path) -> None:
    first, again = dustman("audit", "checkpoint"), dustman("audit", "checkpoint")
    assert (first.exit, first.err, again.out) == (Exit.DONE, "", first.out)
    assert log.signed_heads() == [first.out.encode()]
    head = opened(first.out.encode(), [_verifier(dustman)])
    assert (head.origin, head.size) == (f"dustman/{log.identity}", EVENTS)
    assert (home / "var" / "audit.key").stat().st_mode & 0o777 == 0o600


def test_verify__an_untouched_log__is_intact(log: SQLiteLog, dustman: Typed) -> None:
    assert dustman("audit", "verify").out.startswith(f"intact: {EVENTS} events, of which 0 are covered")
    dustman("audit", "checkpoint")
    ended = dustman("audit", "verify", "--json")
    assert ended.exit == Exit.DONE
    root = opened(log.signed_heads()[0], [_verifier(dustman)]).root.hex()
    assert ended.value == {
        "verdict": "intact", "events": EVENTS, "root": root, "vouched": EVENTS, "broken": [], "doubtful": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE events SET correlation_id = 'x' WHERE position = 4", "position 4: the event is not what"),
        ("UPDATE events SET data = x'00' WHERE position = 4", "position 4 cannot be read"),
        ("UPDATE tree SET hashes = x'00' WHERE position = 4", "position 4: the event is not what"),
        ("UPDATE signed_heads SET note = x'00'", "signed head 1: it is not a signed note"),
        ("UPDATE meta SET value = 'x' WHERE name = 'identity'", "signed head 1 is of dustman/"),
    ],
)
def test_verify__a_changed_log__is_broken_and_says_where(
    log: SQLiteLog, dustman: Typed, statement: str, where: str
) -> None:
    dustman("audit", "checkpoint")
    edit(log, statement)
    ended = dustman("audit", "verify")
    assert (ended.exit, ended.out.split(":")[0]) == (Exit.AUDIT_MISMATCH, "BROKEN")
    assert where in ended.out


def test_verify__the_key_gone__cannot_tell_and_no_new_key_is_made(log: SQLiteLog, dustman: Typed, home: Path) -> None:
    dustman("audit", "checkpoint")
    (home / "var" / "audit.key").unlink()
    ended = dustman("audit", "verify")
    assert (ended.exit, ended.out.split(":")[0]) == (Exit.UNDECIDED, "cannot tell")
    signing = dustman("audit", "checkpoint")
    assert (signing.exit, signing.out) == (Exit.CONFIGURATION, "")
    assert "audit.key, which has signed for this log; bring it back" in signing.err


def test_key__lost_for_good__is_replaced_on_demand_and_its_verifier_key_brings_trust_back(
    log: SQLiteLog, dustman: Typed, home: Path
) -> None:
    dustman("audit", "checkpoint")
    lost = dustman("audit", "key").out
    key = home / "var" / "audit.key"
    key.unlink()
    asked = dustman("audit", "key")
    assert (asked.exit, asked.out, key.exists()) == (Exit.CONFIGURATION, "", False)
    assert "make a new one with `dustman audit key --rotate`" in asked.err
    assert dustman("audit", "key", "--rotate").exit == Exit.DONE
    ended = dustman("audit", "verify")
    assert (ended.exit, "signed head 1: none of its signatures is by a known key" in ended.out) == (8, True)
    with key.open("a") as file:
        file.write(lost)
    assert dustman("audit", "verify").exit == Exit.DONE
    assert dustman("audit", "checkpoint").exit == Exit.DONE
    assert len(log.signed_heads()) == 2


def test_verify__after_a_rotation__believes_both_keys(log: SQLiteLog, dustman: Typed) -> None:
    dustman("audit", "checkpoint")
    old = dustman("audit", "key").out
    rotated = dustman("audit", "key", "--rotate").out
    assert rotated.splitlines()[1:] == old.splitlines()
    assert dustman("audit", "key").out == rotated
    dustman("audit", "checkpoint")
    first, second = log.signed_heads()
    assert opened(first, [_verifier(dustman, 1)]) == opened(second, [_verifier(dustman)])
    assert dustman("audit", "verify").exit == Exit.DONE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("nonsense\n", "line 1 of"),
        ("", "must hold one PRIVATE+KEY+"),
        ("dustman/x+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n", "line 1 of"),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n", "must hold one PRIVATE+KEY+"),
        ("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n", "the key of PeterNeumann"),
    ],
)
def test_checkpoint__a_key_file_of_another_form__is_explained_without_the_key(
    log: SQLiteLog, dustman: Typed, home: Path, content: str, words: str
) -> None:
    keep(home / "var" / "audit.key", content).chmod(0o600)
    ended = dustman("audit", "checkpoint")
    assert (ended.exit, ended.out) == (Exit.CONFIGURATION, "")
    assert words in ended.err
    assert "AYEKFALV" not in ended.err
    assert log.signed_heads() == []


def test_checkpoint__a_key_that_others_can_read__is_refused(log: SQLiteLog, dustman: Typed, home: Path) -> None:
    dustman("audit", "key")
    (home / "var" / "audit.key").chmod(0o644)
    ended = dustman("audit", "checkpoint")
    assert (ended.exit, log.signed_heads()) == (Exit.CONFIGURATION, [])
    assert "can be read by others" in ended.err


def test_checkpoint__a_log_that_contradicts_what_was_signed__signs_nothing(log: SQLiteLog, dustman: Typed) -> None:
    dustman("audit", "checkpoint")
    edit(log, f"UPDATE tree SET hashes = zeroblob(length(hashes)) WHERE position = {EVENTS}")
    log.append("account-main", EVENTS, [new("later")])
    ended = dustman("audit", "checkpoint")
    assert (ended.exit, len(log.signed_heads())) == (Exit.AUDIT_MISMATCH, 1)
    assert f"signed head 1 was signed over {EVENTS} events that are not these" in ended.err


def test_prove__every_position__convinces_the_standalone_verifier(log: SQLiteLog, dustman: Typed, home: Path) -> None:
    for position in range(1, EVENTS + 1):
        proof = dustman("audit", "prove", str(position))
        assert proof.exit == Exit.DONE, proof.err
        told = check("proof", keep(home / "event.tlog-proof", proof.out), "--key", str(_verifier(dustman)))
        assert told.exit == 0, told.err
        assert f"dustman/{log.identity} has at position {position} of {EVENTS}: " in told.out
        assert f'"event_id":"e{position - 1}"' in told.out
    assert len(log.signed_heads()) == 1


def test_prove__a_position_that_is_not_there__names_the_end(log: SQLiteLog, dustman: Typed) -> None:
    ended = dustman("audit", "prove", str(EVENTS + 1))
    assert (ended.exit, ended.out) == (Exit.CONFIGURATION, "")
    assert f"{EVENTS + 1}: the log ends at position {EVENTS}" in ended.err


def test_prove__a_changed_event__proves_nothing(log: SQLiteLog, dustman: Typed) -> None:
    dustman("audit", "checkpoint")
    edit(log, "UPDATE events SET correlation_id = 'x' WHERE position = 4")
    ended = dustman("audit", "prove", "4")
    assert (ended.exit, ended.out) == (Exit.AUDIT_MISMATCH, "")
    assert "position 4 is not what the checkpoint" in ended.err


def test_verifier__a_proof_with_anything_changed__is_not_convinced(log: SQLiteLog, dustman: Typed, home: Path) -> None:
    proof, key = dustman("audit", "prove", "7").out, str(_verifier(dustman))
    lines = proof.splitlines(keepends=True)
    signature = lines[-1].split(" ")[2]
    changes = {
        "event": (lines[1], lines[1].replace("extra eyJ", "extra eyK"), 2),
        "index": (lines[2], "index 7\n", 1),
        "sibling": (lines[3], lines[4], 1),
        "too short": (lines[3], "", 1),
        "size": (f"\n{EVENTS}\n", f"\n{EVENTS + 1}\n", 1),
        "signature": (signature, signature[:20] + ("A" if signature[20] != "A" else "B") + signature[21:], 1),
        "version": ("@v1", "@v2", 2),
        "no signature": (lines[-1], "", 1),
    }
    for name, (old, changed, number) in changes.items():
        assert old in proof
        told = check("proof", keep(home / "changed", proof.replace(old, changed, 1)), "--key", key)
        assert (told.exit, told.out) == (number, ""), (name, told)
    told = check("proof", keep(home / "other", proof), "--key", key.replace("dustman/", "dustman/x"))
    assert (told.exit, "is not a verifier key" in told.err) == (2, True)
    told = check("proof", home / "other")
    assert (told.exit, "The signature was not checked" in told.out) == (0, True)


def test_prove__from_an_earlier_size__convinces_the_standalone_verifier(
    log: SQLiteLog, dustman: Typed, home: Path
) -> None:
    key = ("--key", str(_verifier(dustman)))
    early = keep(home / "early", dustman("audit", "checkpoint").out)
    log.append("account-other", 0, [new(f"later-{number}") for number in range(3)])
    proof = dustman("audit", "prove", "--from", str(EVENTS))
    assert (proof.exit, proof.out.splitlines()[0]) == (Exit.DONE, f"old {EVENTS}")
    told = check("growth", early, keep(home / "growth", proof.out), *key)
    said = f"dustman/{log.identity}: the {EVENTS + 3} events begin with the {EVENTS} that were signed before\n"
    assert (told.exit, told.out) == (0, said)
    late = keep(home / "late", log.signed_heads()[-1].decode())
    same = dustman("audit", "prove", "--from", str(EVENTS + 3)).out
    assert check("growth", late, keep(home / "same", same), *key).exit == 0
    assert check("growth", early, home / "same", *key).exit == 2, "a proof from another size"
    first, second = proof.out.splitlines()[1:3]
    for old, changed in ((first, second), (f"{first}\n", ""), (first, f"{first}\n{first}")):
        edited = keep(home / "changed", proof.out.replace(old, changed, 1))
        told = check("growth", early, edited, *key)
        assert (told.exit, told.out, told.err[:6]) == (1, "", "FALSE:"), changed


def test_verifier__a_log_rewritten_and_signed_with_the_same_key__is_no_growth(
    log: SQLiteLog, dustman: Typed, home: Path
) -> None:
    early = keep(home / "early", dustman("audit", "checkpoint").out)
    rewrite(log)
    proof = keep(home / "growth", dustman("audit", "prove", "--from", str(EVENTS)).out)
    told = check("growth", early, proof, "--key", str(_verifier(dustman)))
    assert (told.exit, told.out) == (1, "")
    assert f"FALSE: the {EVENTS} events do not begin with the {EVENTS} that were signed before" in told.err


def test_prove__of_the_first_events_of_an_empty_log__needs_no_hashes(home: Path, dustman: Typed) -> None:
    assert dustman("init", "--no-input").exit == Exit.DONE
    nothing = keep(home / "nothing", dustman("audit", "checkpoint").out)
    assert dustman("audit", "verify").exit == Exit.DONE
    proof = dustman("audit", "prove", "--from", "0")
    assert proof.out == "old 0\n\n" + nothing.read_text()
    told = check("growth", nothing, keep(home / "growth", proof.out), "--key", str(_verifier(dustman)))
    assert (told.exit, "the 0 events begin with the 0" in told.out) == (0, True)
    assert dustman("audit", "prove", "1").exit == Exit.CONFIGURATION
    export = keep(home / "export", dustman("export", "--format", "jsonl").out)
    assert check("export", export, nothing, "--key", str(_verifier(dustman))).exit == 0


@pytest.mark.parametrize("arguments", [[], ["3", "--from", "2"], ["0"], ["--from", "-1"], ["x"]])
def test_prove__a_wrong_command_line__is_told(log: SQLiteLog, dustman: Typed, arguments: list[str]) -> None:
    assert dustman("audit", "prove", *arguments).exit == Exit.USAGE
    assert log.signed_heads() == []


def test_prove__from_a_size_that_is_not_there__names_the_end(log: SQLiteLog, dustman: Typed) -> None:
    ended = dustman("audit", "prove", "--from", str(EVENTS + 1))
    assert (ended.exit, ended.out) == (Exit.CONFIGURATION, "")
    assert f"the log ends at position {EVENTS}" in ended.err


def test_verifier__every_two_sizes__leads_to_both_roots_and_no_other() -> None:
    roots = runpy.run_path(str(VERIFIER))["roots"]
    tree = Frontier(0, [])
    kept = {position: tree.add(b"%d" % position) for position in range(1, 41)}
    made = [root(size, lambda wanted: {each: kept[each] for each in wanted}) for size in range(41)]
    for size in range(1, 41):
        for old in range(1, size + 1):
            proof = consistency(old, size, lambda wanted: {each: kept[each] for each in wanted})
            start = old & (old - 1) if old < size else 0
            found = proof.pop(0) if start else made[old]
            assert roots(found, start, old, size, proof) == (made[old], made[size])
            assert proof == []


def test_verifier__an_export_of_the_log__is_held_against_a_checkpoint(
    log: SQLiteLog, dustman: Typed, home: Path
) -> None:
    checkpoint = keep(home / "checkpoint", dustman("audit", "checkpoint").out)
    log.append('account-\u00fc\u2028"\\\x1f', 0, [replace(new("later\t\x7f"), causation_id=None)])
    key = ("--key", str(_verifier(dustman)))
    export = keep(home / "export", dustman("export", "--format", "jsonl").out)
    told = check("export", export, checkpoint, *key)
    said = f"dustman/{log.identity}: the first {EVENTS} of {EVENTS + 1} events are what was signed\n"
    assert (told.exit, told.out) == (0, said)
    whole = keep(home / "whole", dustman("audit", "checkpoint").out)
    assert check("export", export, whole, *key).exit == 0


def test_verifier__an_export_with_anything_changed__is_not_convinced(
    log: SQLiteLog, dustman: Typed, home: Path
) -> None:
    checkpoint = keep(home / "checkpoint", dustman("audit", "checkpoint").out)
    text = dustman("export", "--format", "jsonl").out
    lines = text.splitlines(keepends=True)
    third = lines[2]
    changes = {
        "id": text.replace('"e3"', '"e4"', 1),
        "no seal": "".join(lines[:-1]),
        "cut": text[:-40],
        "empty": "",
        "fewer, sealed again": resealed(lines[:-2], log.identity),
        "twice": resealed([*lines[:3], third, *lines[3:-1]], log.identity),
        "other log": resealed([line.replace(log.identity, "other") for line in lines[:-1]], "other"),
        "more behind the seal": text + third,
        "windows line ends": text.replace("\n", "\r\n"),
        "not a number": resealed([lines[0].replace('"requests":3', '"requests":NaN'), *lines[1:-1]], log.identity),
        "attribute": resealed([lines[0].replace(',"type":', ',"more":1,"type":'), *lines[1:-1]], log.identity),
        "spaces": resealed([lines[0].replace(',"data":', ', "data":'), *lines[1:-1]], log.identity),
        "nested": resealed([*lines[:-2], "[" * 100_000 + "\n"], log.identity),
        "without line ends": "x" * 2**27,
    }
    for name, changed in changes.items():
        assert changed != text, name
        with (home / "changed").open("w", encoding="utf-8", newline="") as file:
            file.write(changed)
        told = check("export", home / "changed", checkpoint)
        assert (told.exit, told.out, told.err[:6]) == (1, "", "FALSE:"), (name, told)
    (home / "changed").write_bytes(b"\xff\n")
    assert check("export", home / "changed", checkpoint).exit == 2


def test_verifier__its_length__is_what_one_reads_in_a_sitting() -> None:
    assert len(VERIFIER.read_text().splitlines()) <= 150


def test_witness__a_file__catches_a_log_that_was_put_in_the_place_of_ours(
    log: SQLiteLog, dustman: Typed, home: Path
) -> None:
    witness = home / "witness.txt"
    log.close()
    shutil.copy(log.path, home / "before.db")
    assert dustman("audit", "witness", "--file", str(witness)).exit == Exit.DONE
    log.append("account-main", EVENTS, [new("later")])
    assert dustman("audit", "witness", "--file", str(witness)).exit == Exit.DONE
    assert witness.read_bytes() == b"".join(log.signed_heads())
    assert dustman("audit", "verify", "--witness", str(witness)).exit == Exit.DONE
    log.close()
    for path in (log.path, *log.path.parent.glob("dustman.db-*")):
        path.unlink()
    shutil.copy(home / "before.db", log.path)
    assert dustman("audit", "verify").exit == Exit.DONE, "the older file agrees with itself"
    ended = dustman("audit", "verify", "--witness", str(witness))
    assert ended.exit == Exit.AUDIT_MISMATCH
    assert f"checkpoint 2 covers {EVENTS + 1} events, of which {EVENTS} are there" in ended.out


def test_witness__no_place_or_one_that_fails__says_so(log: SQLiteLog, dustman: Typed, home: Path) -> None:
    assert dustman("audit", "witness").exit == Exit.USAGE
    ended = dustman("audit", "witness", "--file", str(home))
    assert (ended.exit, ended.out) == (Exit.WITNESS_UNAVAILABLE, "")
    assert f"{home}: cannot be written" in ended.err
    assert dustman("audit", "witness", "--url", "file:///etc/passwd").exit == Exit.CONFIGURATION
    assert dustman("audit", "witness", "--url", "http://127.0.0.1:9/").exit == Exit.WITNESS_UNAVAILABLE
    assert dustman("audit", "verify", "--witness", str(home / "none")).exit == Exit.CONFIGURATION
    assert dustman("audit", "verify", "--witness", str(keep(home / "bad", "x\n"))).exit == Exit.CONFIGURATION


def test_witness__an_address__gets_the_checkpoint(log: SQLiteLog, dustman: Typed) -> None:
    with listening() as (url, taken):
        ended = dustman("audit", "witness", "--url", f"{url}/checkpoints")
        assert (ended.exit, taken) == (Exit.DONE, [("/checkpoints", log.signed_heads()[0])])
        refused = dustman("audit", "witness", "--url", f"{url}/refused")
        assert (refused.exit, refused.out) == (Exit.WITNESS_UNAVAILABLE, "")
        assert "answered 503" in refused.err


def test_witness__an_address__catches_a_log_rewritten_whole_and_signed_with_the_same_key(
    log: SQLiteLog, dustman: Typed
) -> None:
    with listening() as (url, _):
        place = f"{url}/checkpoints"
        assert dustman("audit", "verify", "--witness", place).exit == Exit.UNDECIDED, "it remembers nothing yet"
        assert dustman("audit", "witness", "--url", place).exit == Exit.DONE
        log.append("account-main", EVENTS, [new("later")])
        assert dustman("audit", "witness", "--url", place).exit == Exit.DONE
        assert dustman("audit", "verify", "--witness", place).exit == Exit.DONE
        rewrite(log)
        assert dustman("audit", "checkpoint").exit == Exit.DONE
        alone = dustman("audit", "verify", "--json")
        assert (alone.exit, alone.value["vouched"]) == (Exit.DONE, EVENTS), "it agrees with itself"
        ended = dustman("audit", "verify", "--witness", place, "--json")
    assert (ended.exit, ended.value["verdict"]) == (Exit.AUDIT_MISMATCH, "broken")
    first, second = ended.value["broken"]
    rewritten = "events that are not these; what follows position 0 was rewritten"
    assert first == f"{place}, checkpoint 1 was signed over {EVENTS} {rewritten}"
    assert second == f"{place}, checkpoint 2 covers {EVENTS + 1} events, of which {EVENTS} are there"


@pytest.mark.parametrize(
    ("path", "number", "words"),
    [
        ("/refused", Exit.WITNESS_UNAVAILABLE, "answered 503"),
        ("/elsewhere", Exit.WITNESS_UNAVAILABLE, "answered 302"),
        ("/cut", Exit.WITNESS_UNAVAILABLE, "early"),
        ("/endless", Exit.WITNESS_UNAVAILABLE, "answers more than"),
        ("/page", Exit.CONFIGURATION, "what begins at byte 0 is no checkpoint"),
    ],
)
def test_verify__a_witness_that_answers_otherwise__comes_to_no_verdict(
    log: SQLiteLog, dustman: Typed, monkeypatch: pytest.MonkeyPatch, path: str, number: Exit, words: str
) -> None:
    monkeypatch.setattr("dustman.witness.MOST_REMEMBERED", 100_000)
    with listening() as (url, _):
        ended = dustman("audit", "verify", "--witness", f"{url}{path}")
    assert (ended.exit, ended.out) == (number, "")
    assert words in ended.err


@pytest.mark.parametrize(
    "url", ["http://witness.example/x", "http://10.0.0.1/", "ftp://127.0.0.1/x", "https:///x", "http://127.0.0.1:x/"]
)
def test_verify__an_address_that_others_could_answer_for__is_refused(log: SQLiteLog, dustman: Typed, url: str) -> None:
    for command in (["verify", "--witness", url], ["witness", "--url", url]):
        ended = dustman("audit", *command)
        assert (ended.exit, ended.out) == (Exit.CONFIGURATION, "")
        assert "is not an address such as https://witness.example" in ended.err


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A witness on this machine that gives back what it was sent, except at addresses where it misbehaves."""
    taken: list[tuple[str, bytes]] = []

    class Witness(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/refused":
                taken.append((self.path, body))
            self.send_response(503 if self.path == "/refused" else 204)
            self.end_headers()

        def do_GET(self) -> None:
            body = b"".join(body for path, body in taken if path == self.path)
            match self.path:
                case "/refused":
                    self.send_error(503)
                case "/elsewhere":
                    self.send_response(302)
                    self.send_header("Location", "/checkpoints")
                    self.end_headers()
                case "/cut":
                    self._answer(body, 100)
                case "/endless":
                    self._answer(b"x" * 1_000_000, 10**12)
                case "/page":
                    self._answer(b"<html>", 6)
                case _:
                    self._answer(body, len(body))

        def _answer(self, body: bytes, length: int) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            with suppress(OSError):  # who asked has heard enough
                self.wfile.write(body)

        def log_request(self, *_: object) -> None:
            """Keep the tests' output quiet."""

        def log_error(self, *_: object) -> None:
            """Keep the tests' output quiet."""

    with HTTPServer(("127.0.0.1", 0), Witness) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", taken
        finally:
            server.shutdown()
            thread.join()


def _verifier(dustman: Typed, which: int = 0) -> VerifierKey:
    key = parsed_key(dustman("audit", "key").out.splitlines()[which])
    assert isinstance(key, VerifierKey)
    return key
