"""The child processes of one run: started, watched, started again when they crash, and never left behind.

Each leads a session of its own, so Ctrl-C reaches this process alone, and a signal to a child's group reaches what it
started in turn, such as the processes of a prefork pool.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from dustman.child import Child, ChildFailed, Job
from dustman.lifeline import Lifeline

ROUND_SECONDS = 0.05


class Crew:
    """A run's children, used as a context on the main thread; within it SIGTERM acts as Ctrl-C does.

    What they say goes to files in `logs`, `tell` gets a sentence about each crash, and at the end they have `grace`
    seconds to end by themselves before they are killed. Should this process be killed, `dustman.guard` does the same.
    """

    def __init__(self, logs: Path, *, grace: float = 12.0, tell: Callable[[str], None] = lambda _: None) -> None:
        self.logs = logs
        self.grace = grace
        self._tell = tell
        # In the order in which they became ready: whom the later ones need is stopped after them.
        self._ranks: list[list[Child]] = [[]]

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._lifeline = Lifeline(self.grace)
        self._before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for rank in reversed(self._ranks):
                self.stop(*rank)
        finally:
            # A second Ctrl-C comes here without waiting.
            for child in self.children:
                child.kill()
            self._lifeline.cut()
            signal.signal(signal.SIGTERM, self._before)

    @property
    def children(self) -> list[Child]:
        """Return all children, in the order of their start."""
        return [child for rank in self._ranks for child in rank]

    @property
    def guard(self) -> int:
        """Return the number of the process that stands by in case this one is killed."""
        return self._lifeline.guard

    def start(self, job: Job) -> Child:
        """Start a child and return without waiting for it; its output is appended to the log of its name."""
        child = Child(job, self.logs / f"{job.name}.log", self._lifeline)
        self._ranks[-1].append(child)
        child.start()
        return child

    def settle(self, within: float) -> None:
        """Wait until all are ready; `ChildFailed` when one ended, or is not ready after `within` seconds.

        Those that are started later will be stopped before these.
        """
        deadline = time.monotonic() + within
        waiting = [child for child in self.children if child.wanted]
        while waiting := [child for child in waiting if not child.is_ready()]:
            if time.monotonic() > deadline:
                raise waiting[0].failed(f"did not come up within {within:g} s")
            time.sleep(ROUND_SECONDS)
        self._ranks.append([])

    def look(self) -> None:
        """Start again who crashed and is due by now; `ChildFailed` for one that is not to be started again."""
        if not self._lifeline.guarded:
            raise ChildFailed("the process that ends left-over workers was itself ended; start anew")
        for child in self.children:
            child.tend(self._tell)

    def watch(self) -> None:
        """Look after them until Ctrl-C or SIGTERM, which arrive as `KeyboardInterrupt`."""
        while True:
            self.look()
            time.sleep(4 * ROUND_SECONDS)

    def stop(self, *children: Child) -> None:
        """Ask children to end, all at once, and kill those that are still there after the grace period."""
        for child in children:
            child.ask_to_end()
        deadline = time.monotonic() + self.grace
        while any(child.running for child in children) and time.monotonic() < deadline:
            time.sleep(ROUND_SECONDS)
        for child in children:
            child.kill()
