"""How a command ends, in a number that scripts and timers can act on, and the one place where errors become numbers."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from domain.errors import (
    ConfigurationError,
    ImpossibleHistory,
    OutcomeUnknown,
    RefusedByPolicy,
    VenueUnavailable,
)
from dustman.secret import redacted, visible


class Exit(IntEnum):
    """The numbers. They never change their meaning; 126 to 165 belong to the shell, whose meaning ours keep."""

    meaning: str

    def __new__(cls, number: int, meaning: str) -> Exit:
        """Attach the sentence that documents a number."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.meaning = meaning
        return member

    DONE = 0, "Done, everything that was asked."
    BUG = 1, "The program failed in a way it should not; the message says where the trace is."
    USAGE = 2, "The command line is wrong: an unknown command or option, or a bad value."
    NOTHING_TO_DO = 3, "All is well and there was nothing to do, such as no dust."
    CONFIGURATION = 4, "A file, a key or the machine must be mended first; trying again changes nothing."
    VENUE_UNAVAILABLE = 5, "The venue could not be read; try again later. This never means that there is no dust."
    REFUSED_BY_POLICY = (
        6,
        "The owner's own rules forbid it: not live, halted, over a cap, dust first, or a key with too many rights.",
    )
    OUTCOME_UNKNOWN = (
        7,
        "An order's answer was lost; the reconciler will ask the venue. Do not trade it by hand meanwhile.",
    )
    AUDIT_MISMATCH = 8, "The log, a view or the venue's records disagree, or the log is damaged: stop and look."
    STORE_UNAVAILABLE = 9, "The log or Redis did not answer; nothing was lost. Try again."
    UNDECIDED = (
        10,
        "An audit could neither confirm nor refute: a key or a checkpoint is missing, or is not by a known key.",
    )
    WITNESS_UNAVAILABLE = (
        11,
        "The witness did not answer as it should; a checkpoint it did not take is kept in the log. Try again.",
    )
    INTERRUPTED = 130, "Interrupted by Ctrl-C."
    READER_LEFT = 141, "Whoever read the output closed it, as `head` does."


_ENDS: tuple[tuple[type[Exception], Exit], ...] = (
    (ConfigurationError, Exit.CONFIGURATION),
    (VenueUnavailable, Exit.VENUE_UNAVAILABLE),
    (RefusedByPolicy, Exit.REFUSED_BY_POLICY),
    (OutcomeUnknown, Exit.OUTCOME_UNKNOWN),
    (ImpossibleHistory, Exit.AUDIT_MISMATCH),
)


def exit_for(error: Exception) -> Exit:
    """Return how a command ends that raised `error`; what nobody foresaw is a bug."""
    for kind, end in _ENDS:
        if isinstance(error, kind):
            return end
    # Imported here only: they take a tenth of a second, and most commands need none of it.
    from kombu.exceptions import OperationalError
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.exceptions import TimeoutError as RedisTimeoutError

    from events.log import CorruptLog, LogUnavailable, StoreMisconfigured

    match error:
        case CorruptLog():
            return Exit.AUDIT_MISMATCH
        case StoreMisconfigured():
            return Exit.CONFIGURATION
        case LogUnavailable() | OperationalError() | RedisConnectionError() | RedisTimeoutError():
            return Exit.STORE_UNAVAILABLE
        case _:
            return Exit.BUG


def ended(run: Callable[[], object], debugging: Callable[[], bool]) -> int:
    """Run a command to its end and return the number; what went wrong is said on stderr, without secrets."""
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.DONE if end.code is None else Exit.BUG
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place of this process where anything may arrive
        number = exit_for(error)
        _say(_bug(error, debugging()) if number is Exit.BUG else _sentence(error))
        return number
    return Exit.DONE


def _say(text: str) -> None:
    sys.stderr.write(f"dustman: {visible(redacted(text))}\n")


def _sentence(error: Exception) -> str:
    """Say an error that was foreseen; that of Redis names neither itself nor what to do."""
    if type(error).__module__.startswith("redis."):
        return f"Redis does not answer ({error}); start it, or say in redis.url or DUSTMAN_REDIS_URL where it is"
    return str(error) or type(error).__name__


def _bug(error: Exception, debug: bool) -> str:
    trace = "".join(traceback.format_exception(error))
    if debug:
        return f"unexpected error\n{trace}"
    return f"unexpected error, {type(error).__name__}: {error}\nThe trace is in {_written(redacted(trace))}"


def _written(trace: str) -> Path:
    """Keep a trace in a file of its own that its owner alone can read."""
    with tempfile.NamedTemporaryFile("w", prefix="dustman-", suffix=".trace", delete=False, encoding="utf-8") as file:
        file.write(trace)
    return Path(file.name)
