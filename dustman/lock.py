"""Who runs what in a directory: a lock file for each role, held by the process and gone with it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import ConfigurationError


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` within the context; `ConfigurationError` says which process holds it otherwise.

    The kernel lets go of it when the process ends, however it ends, so a left-over file means nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "of unknown number"
            raise ConfigurationError(
                f"{what} runs already for {path.parent}, started by process {holder}; stop that one first"
            ) from None
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
