"""The pipe between a crew and its guard, which ends when the crew does."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from dustman import guard


class Lifeline:
    """Our end of the pipe. The guard ends every group it was told of once nobody holds this end any more."""

    def __init__(self, grace: float) -> None:
        theirs, self._ours = os.pipe()
        self._grace = grace
        try:
            # A session of its own: what ends the crew from a terminal does not reach it.
            self._guard = subprocess.Popen(
                [sys.executable, "-I", guard.__file__, str(grace)],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env={},
            )
        finally:
            os.close(theirs)

    def fileno(self) -> int:
        """Return what a child that is being started writes its process group to."""
        return self._ours

    @property
    def guard(self) -> int:
        """Return the number of the guard's process."""
        return self._guard.pid

    @property
    def guarded(self) -> bool:
        """Say whether the guard is there."""
        return self._guard.poll() is None

    def release(self, group: int) -> None:
        """Tell the guard that a group is gone, since its number may soon be another's."""
        # Without a guard there is nobody to tell; the crew finds that out for itself.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._ours, f"-{group}\n".encode())

    def cut(self) -> None:
        """Let the guard end what was not released, and wait for it."""
        os.close(self._ours)
        self._guard.wait(self._grace + 5)
