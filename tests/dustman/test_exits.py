"""Exit codes: every error has one number, and what nobody foresaw is a bug whose trace tells no secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from domain import errors
from domain.errors import ConfigurationError, ImpossibleHistory, OutcomeUnknown, RefusedByPolicy, VenueUnavailable
from dustman.exits import Exit, ended, exit_for
from dustman.secret import conceal
from events import log
from events.log import CorruptLog, LogConflict, LogUnavailable, StoreMisconfigured


def raising(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (ConfigurationError("x"), 4),
        (VenueUnavailable("x"), 5),
        (RefusedByPolicy("x"), 6),
        (OutcomeUnknown("x"), 7),
        (CorruptLog("x"), 8),
        (ImpossibleHistory("x"), 8),
        (StoreMisconfigured("x"), 4),
        (LogUnavailable("x"), 9),
        (RedisConnectionError("x"), 9),
        (RedisTimeoutError("x"), 9),
        (OperationalError("x"), 9),
        (LogConflict("x"), 1),
        (KeyError("x"), 1),
    ],
)
def test_ended__an_error__is_its_number_and_its_sentence(
    error: Exception, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(raising(error), lambda: True) == number == exit_for(error)
    said = capsys.readouterr()
    assert said.out == ""
    assert "x" in said.err
    assert ("Traceback" in said.err) == (number == Exit.BUG)


def test_ended__redis_is_away__says_so_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    ended(raising(RedisConnectionError("Error 111")), lambda: False)
    assert "Redis does not answer (Error 111); start it, or say in redis.url" in capsys.readouterr().err


def test_exit_for__every_error_of_ours__was_thought_of() -> None:
    ours = [
        kind
        for module in (errors, log)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    bugs = {kind.__name__ for kind in ours if exit_for(kind("x")) is Exit.BUG}
    assert bugs == {"LogConflict", "EventIdConflict"}


@pytest.mark.parametrize(
    ("end", "number"),
    [
        (KeyboardInterrupt(), 130),
        (SystemExit(), 0),
        (SystemExit(141), 141),
        (SystemExit("words"), 1),
    ],
)
def test_ended__a_process_that_leaves__keeps_its_number(end: BaseException, number: int) -> None:
    assert ended(raising(end), lambda: False) == number


def test_ended__a_bug__says_where_its_trace_is_and_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    conceal("hunter2hunter2")
    assert ended(raising(RuntimeError("token hunter2hunter2 \x1b[2J")), lambda: False) == Exit.BUG
    said = capsys.readouterr().err
    assert "unexpected error, RuntimeError: token ***" in said
    assert r"\x1b" in said
    found = re.search(r"The trace is in (\S+)", said)
    assert found
    trace = Path(found[1])
    assert "raise error" in trace.read_text()
    assert "hunter2" not in trace.read_text() + said
    assert trace.stat().st_mode & 0o077 == 0
    trace.unlink()


def test_exits__their_numbers__are_fixed_and_explained() -> None:
    assert {end.name: int(end) for end in Exit} == {
        "DONE": 0,
        "BUG": 1,
        "USAGE": 2,
        "NOTHING_TO_DO": 3,
        "CONFIGURATION": 4,
        "VENUE_UNAVAILABLE": 5,
        "REFUSED_BY_POLICY": 6,
        "OUTCOME_UNKNOWN": 7,
        "AUDIT_MISMATCH": 8,
        "STORE_UNAVAILABLE": 9,
        "UNDECIDED": 10,
        "WITNESS_UNAVAILABLE": 11,
        "INTERRUPTED": 130,
        "READER_LEFT": 141,
    }
    assert all(end.meaning.endswith(".") for end in Exit)
