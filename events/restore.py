"""Making a log anew from its records: the file appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from events.log import LogUnavailable, Recorded, StoreMisconfigured
from events.sqlite import SQLiteLog


def restore(path: Path, identity: str, records: Iterable[Recorded], clock: Callable[[], datetime]) -> int:
    """Make the log `identity` at `path`, where no log may be, and return how many events it has.

    A log has its identity from its first moment and for ever, so one that was begun cannot take another's; that is
    `StoreMisconfigured`. The log is written beside its place and moved there when it is complete and on disk.
    """
    refuse_begun(path, clock)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
            log = SQLiteLog(Path(beside, path.name), clock, new_identity=lambda: identity)
            try:
                count = log.restore(records)
            finally:
                log.close()  # the last connection merges the write-ahead log into the file
            _appear(log.path, path, clock)
    except OSError as error:
        raise LogUnavailable(f"{path} cannot be written: {error}") from error
    return count


def refuse_begun(path: Path, clock: Callable[[], datetime]) -> None:
    """Raise `StoreMisconfigured` when there is a log at `path`, even an empty one."""
    if not path.exists():
        return
    log = SQLiteLog(path, clock)
    try:
        head = log.head()
    finally:
        log.close()
    if head:
        raise StoreMisconfigured(f"{path} has {head} events; an import makes a log where there is none")
    raise StoreMisconfigured(f"{path} was begun, without events yet; stop what uses it, remove it, and import again")


def _appear(written: Path, path: Path, clock: Callable[[], datetime]) -> None:
    try:
        os.link(written, path)  # unlike a rename it never replaces what somebody began meanwhile
    except FileExistsError:
        refuse_begun(path, clock)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
