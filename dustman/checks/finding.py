"""What a check found: a verdict, a sentence, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is: `warn` works and should be mended, `fail` must be; `skip` could not be looked at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the doctor's list; `fix` is empty where nothing is to be done."""

    check: str
    verdict: Verdict
    sentence: str
    fix: str = ""


def ok(check: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, sentence)


def warn(check: str, sentence: str, fix: str) -> Finding:
    """It works, and should be mended."""
    return Finding(check, Verdict.WARN, sentence, fix)


def fail(check: str, sentence: str, fix: str) -> Finding:
    """It must be mended before anything is sold."""
    return Finding(check, Verdict.FAIL, sentence, fix)


def skip(check: str, sentence: str) -> Finding:
    """It could not be looked at."""
    return Finding(check, Verdict.SKIP, sentence)
