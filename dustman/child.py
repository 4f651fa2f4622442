"""One child process: how it is started, whether it runs and does its work, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ConfigurationError
from dustman.guard import told
from dustman.lifeline import Lifeline

LINES_SHOWN, BYTES_READ = 15, 16 * 1024
# Killed processes end at once; only a kernel in trouble takes longer.
KILLED_WITHIN = 10.0
# Its group is on record before the command runs, so there is no moment in which nobody knows of it.
LAUNCH = 'echo "+$$" >&0 && exec "$@" </dev/null'


class ChildFailed(ConfigurationError):
    """A process that is needed did not come up or ended; the message carries its last lines."""


@dataclass(frozen=True, slots=True)
class Again:
    """How many seconds a crashed child waits until it is started again: twice as long each time, up to `most`.

    One that stayed up for `most` seconds begins anew with `first`.
    """

    first: float = 1.0
    most: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a child is to run: a command with exactly this environment.

    `ready` says whether it does its work yet; without it, running is enough. `again` None: it is not started again.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path | None = None
    ready: Callable[[Child], bool] | None = None
    again: Again | None = None


class Child:
    """A job's process, in a session of its own and with its own log file; started as often as needed."""

    def __init__(self, job: Job, log: Path, lifeline: Lifeline) -> None:
        self.job = job
        self.log = log
        # Whether it is meant to run; not after it was stopped or killed on purpose.
        self.wanted = False
        # In seconds since the epoch, to be compared with the time of a file.
        self.started = 0.0
        self._lifeline = lifeline
        self._process: subprocess.Popen[bytes] | None = None
        self._buried = True
        self._log_start = 0
        self._wait = 0.0
        self._due: float | None = None

    @property
    def pid(self) -> int:
        """Return the number of the process, which is its group's and session's too."""
        if self._process is None:
            raise RuntimeError(f"{self.job.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Say whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, for the first time or once more, and return without waiting for it."""
        if self.running:
            raise RuntimeError(f"{self.job.name} runs already, as process {self.pid}")
        self.kill()
        self.wanted, self._due, self.started = True, None, time.time()
        self.log.touch(0o600)
        with self.log.open("ab") as log:
            self._log_start = log.seek(0, os.SEEK_END)
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", LAUNCH, self.job.name, *self.job.command],
                stdin=self._lifeline.fileno(),
                stdout=log,
                stderr=log,
                cwd=self.job.directory,
                env=dict(self.job.environment),
                start_new_session=True,
            )
        self._buried = False

    def is_ready(self) -> bool:
        """Say whether it does its work; `ChildFailed` when it ended instead."""
        if not self.running:
            raise self.failed(self.ending())
        return self.job.ready is None or self.job.ready(self)

    def tend(self, tell: Callable[[str], None]) -> None:
        """Start it again when it crashed and has waited long enough; `ChildFailed` when that is not its job."""
        if not self.wanted or self.running:
            return
        if self._due is None:
            self._bury()
            if self.job.again is None:
                raise self.failed(self.ending())
            self._wait = self._next_wait(self.job.again)
            self._due = time.monotonic() + self._wait
            tell(f"{self.job.name} {self.ending()}; it is started again in {self._wait:g} s, see {self.log}")
        elif time.monotonic() >= self._due:
            self.start()

    def ask_to_end(self) -> None:
        """Send SIGTERM to the process alone, which knows how to end its own children."""
        self.wanted = False
        if self.running:
            told(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the whole group at once, as a power cut would; harmless when it is gone already."""
        self.wanted = False
        self._bury()

    def ending(self) -> str:
        """Say how it ended, or that it runs."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return "runs"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def failed(self, what: str) -> ChildFailed:
        """Make an error of what happened: how its output ends, and where the rest is."""
        said = "\n".join(f"  {line}" for line in self.last_lines()) or "  (nothing)"
        return ChildFailed(f"{self.job.name} {what}. The end of {self.log}:\n{said}")

    def last_lines(self) -> list[str]:
        """Return the end of what it said since it was last started."""
        with self.log.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - BYTES_READ))
            return log.read().decode(errors="replace").splitlines()[-LINES_SHOWN:]

    def _bury(self) -> None:
        """Kill what is left of the group and have the guard forget it, once."""
        if self._process is not None and not self._buried:
            told(-self.pid, signal.SIGKILL)
            self._process.wait(KILLED_WITHIN)
            self._lifeline.release(self.pid)
            self._buried = True

    def _next_wait(self, again: Again) -> float:
        if not self._wait or time.time() - self.started >= again.most:
            return again.first
        return min(self._wait * 2, again.most)
