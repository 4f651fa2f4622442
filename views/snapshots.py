"""Snapshots: what a fold has come to at some positions, kept in files, so that the next fold begins at the nearest one.

Nothing depends on them. A file counts only when its digest is right and it was made by this code, of this log, after
the very event that stands at its position; any other is removed and made again from the log. They may be deleted at
any moment.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

import domain
import events
import views
from events.leaf import leaf
from events.log import EventLog
from views.closed import PAGE, Page
from views.form import PACK, ROWS, StateForm, UnfitState, form_of, state_from
from views.row import LotRow
from views.state import State, state_of

# A fold goes over at most so many events after a snapshot.
EVERY: Final = 5_000
DIGEST_SIZE: Final = 32


def _fold_version() -> str:
    """Return a digest of all code that decides what a fold comes to.

    All of events, domain and views counts, whether a fold uses it or not, and so do the versions of what reads and
    calculates: nothing has to be remembered when code changes.
    """
    digest = sha256(f"{platform.python_version()} {msgspec.__version__}".encode())
    for package in (events, domain, views):
        for root in package.__path__:
            for source in sorted(Path(root).rglob("*.py")):
                code = source.read_bytes()
                digest.update(f"{package.__name__}/{source.relative_to(root)} {len(code)} ".encode() + code)
    return digest.hexdigest()


# Taken as early as this code itself is read: a process must not name what it runs after files that came later.
FOLD_VERSION: Final = _fold_version()


class _Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`anchor` is the hash of the event at `position`; `pages` are the digests of the closed rows' pages."""

    fold: str
    identity: str
    position: int
    anchor: bytes
    pages: list[bytes]
    state: StateForm


@dataclass(frozen=True, slots=True)
class _PageFile:
    """A page in a file; one that is lost or damaged is made again from the log up to `position`."""

    path: Path
    number: int
    digest: bytes
    log: EventLog
    position: int

    def rows(self) -> Sequence[LotRow]:
        """Return the page's rows."""
        content = _content(self.path)
        if content is not None and sha256(content).digest() == self.digest:
            return ROWS.decode(content)
        rows = state_of(self.log.read(until=self.position)).lots.closed.rest
        page = rows[self.number * PAGE : (self.number + 1) * PAGE]
        with suppress(OSError):
            _write(self.path, PACK.encode(page))
        return page


class Snapshots:
    """The snapshots of one log in a directory, which is made when there is something to keep."""

    def __init__(self, directory: Path, log: EventLog, every: int = EVERY, fold: str = FOLD_VERSION) -> None:
        self._directory, self._log, self._every, self._fold = directory, log, every, fold

    def as_of(self, position: int) -> State:
        """Return the state after all events up to a position; it is the caller's own."""
        start, state = self._nearest(position)
        for recorded in self._log.read(after=start, until=position):
            state.apply(recorded)
            if recorded.position % self._every == 0:
                self.keep(recorded.position, state)
        return state

    def _nearest(self, position: int) -> tuple[int, State]:
        for kept in sorted(self._positions(), reverse=True):
            if kept <= position:
                state = self._load(kept)
                if state is not None:
                    return kept, state
                with suppress(OSError):
                    self._path(kept).unlink()
        return 0, State()

    def _positions(self) -> Iterator[int]:
        for path in self._directory.glob(f"*.{self._fold[:16]}.state"):
            number = path.name.partition(".")[0]
            if number.isdecimal() and number.isascii():
                yield int(number)

    def _path(self, position: int) -> Path:
        return self._directory / f"{position}.{self._fold[:16]}.state"

    def _load(self, position: int) -> State | None:
        """Return the state that a file keeps, None when it may not be believed."""
        content = _content(self._path(position))
        if content is None or sha256(content[DIGEST_SIZE:]).digest() != content[:DIGEST_SIZE]:
            return None
        try:
            snapshot = _SNAPSHOT.decode(content[DIGEST_SIZE:])
            if (snapshot.fold, snapshot.identity, snapshot.position) != (self._fold, self._log.identity, position):
                return None
            if not snapshot.anchor or snapshot.anchor != self._anchor(position):
                return None
            pages: list[Page] = [
                _PageFile(self._page_path(number), number, digest, self._log, position)
                for number, digest in enumerate(snapshot.pages)
            ]
            return state_from(snapshot.state, pages)
        except (msgspec.DecodeError, UnfitState):
            return None

    def _anchor(self, position: int) -> bytes:
        """Hash the event at a position: with its time of record, no other history of this log has the same there."""
        return next((sha256(leaf(each)).digest() for each in self._log.read(position - 1, position)), b"")

    def _page_path(self, number: int) -> Path:
        return self._directory / f"{number}.{self._fold[:16]}.rows"

    def keep(self, position: int, state: State) -> None:
        """Write a snapshot; where there is no room or no right to, the next fold is merely slower."""
        anchor = self._anchor(position)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            state.lots.closed.shelve(lambda number, rows: self._shelved(number, rows, position))
            digests = [page.digest for page in state.lots.closed.pages if isinstance(page, _PageFile)]
            body = PACK.encode(_Snapshot(self._fold, self._log.identity, position, anchor, digests, form_of(state)))
            _write(self._path(position), sha256(body).digest() + body)
            self._drop_others()
        except OSError:
            return

    def _shelved(self, number: int, rows: Sequence[LotRow], position: int) -> Page:
        content = PACK.encode(rows)
        path = self._page_path(number)
        _write(path, content)
        return _PageFile(path, number, sha256(content).digest(), self._log, position)

    def _drop_others(self) -> None:
        """Remove what other versions of the code left."""
        for pattern in ("*.state", "*.rows"):
            for path in self._directory.glob(pattern):
                if path.name.split(".")[1:2] != [self._fold[:16]]:
                    path.unlink(missing_ok=True)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _write(path: Path, content: bytes) -> None:
    """Let a file appear whole; it need not outlive a power cut."""
    descriptor, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


_SNAPSHOT: Final = msgspec.msgpack.Decoder(_Snapshot)
