"""A worker's sign of life: a file it touches while it does its work. `python -m dustman.pulse` checks its age.

Remote control is off, so nobody can ask a worker how it is; and a process that runs may still have lost its broker.
Only the standard library is used, since containers are checked every few seconds.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

# Which file, said by whoever starts the worker.
VARIABLE = "DUSTMAN_PULSE"
EVERY = 5.0
# Six signs missed: a loaded machine may delay a few.
STALE_AFTER = 30.0


def touch(path: Path) -> None:
    """Give a sign of life."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def sign() -> None:
    """Give a sign of life in the file that whoever started this process named, if any."""
    if named := os.environ.get(VARIABLE):
        touch(Path(named))


def last(path: Path) -> float:
    """Return when the last sign was given, in seconds since the epoch; minus infinity if never."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("-inf")


def main() -> None:
    """Exit 0 if the last sign is recent, else 1 with a sentence."""
    named = os.environ.get(VARIABLE)
    if not named:
        sys.exit(f"{VARIABLE} does not name the file that the worker touches")
    age = time.time() - last(Path(named))
    if age > STALE_AFTER:
        sys.exit(f"no sign of life in {named} for {age:.0f} s")


if __name__ == "__main__":
    main()
