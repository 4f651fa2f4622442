"""The process whose children die, as a test talks to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any


@dataclass
class Victim:
    """The process whose children die."""

    stdin: IO[str]
    stdout: IO[str]

    def run(self, job: dict[str, Any], at: int = 0, after: bool = False) -> dict[str, Any]:
        self.stdin.write(json.dumps({**job, "at": at, "after": after}) + "\n")
        self.stdin.flush()
        answer: dict[str, Any] = json.loads(self.stdout.readline())
        return answer


@contextmanager
def started(module: str) -> Iterator[Victim]:
    """Run a module that serves jobs, until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    yield Victim(process.stdin, process.stdout)
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()
