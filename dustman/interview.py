"""Asking the owner, one question at a time, each answer checked before the next."""

from __future__ import annotations

import sys
from collections.abc import Callable
from getpass import getpass

from domain.errors import ConfigurationError

TRIES = 5
LONGEST_PEM = 40
Check = Callable[[str], str | None]
UNASKED = "--no-input takes options and defaults instead of asking"


def ask(question: str, default: str, mistake: Check, unasked: str = UNASKED) -> str:
    """Ask until an answer is accepted; an empty one is the default. `mistake` says what is wrong, None when nothing.

    Where nobody answers, the error says by `unasked` how the command is told what it would have asked.
    """
    for _ in range(TRIES):
        sys.stderr.write(f"{question} [{default}]: " if default else f"{question}: ")
        sys.stderr.flush()
        answer = _line(unasked).strip() or default
        wrong = mistake(answer)
        if wrong is None:
            return answer
        sys.stderr.write(f"  {wrong}\n")
    raise ConfigurationError(f"{TRIES} answers were not accepted; see docs/reference/settings.md")


def ask_secret(question: str) -> str:
    """Ask without showing what is typed. A PEM key may be pasted with its lines as they are."""
    lines = [getpass(f"{question} (not shown): ")]
    while lines[0].startswith("-----BEGIN") and "-----END" not in lines[-1] and len(lines) < LONGEST_PEM:
        lines.append(getpass(""))
    return "\n".join(lines)


def _line(unasked: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise ConfigurationError(f"the answers ended too early; {unasked}")
    return line
