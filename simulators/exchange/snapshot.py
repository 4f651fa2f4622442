"""A snapshot: the venue's state in a file, so that a restarted twin carries on where it was stopped, however it was."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from domain.errors import ConfigurationError
from simulators.exchange.state import ExchangeState

State = TypeVar("State", bound=ExchangeState)


class Snapshot(Generic[State]):
    """Keeps a state of one `kind` in a file, replaced whole when it has changed; without a file it keeps none."""

    def __init__(self, path: Path | None, kind: type[State]) -> None:
        self._path, self._kind = path, kind
        self._kept = b""

    def keep(self, state: State) -> None:
        """Write the state if it differs from what was written last."""
        if self._path is None:
            return
        encoded = msgspec.json.encode(state)
        if encoded != self._kept:
            written = self._path.with_name(self._path.name + ".new")
            written.write_bytes(encoded)
            written.replace(self._path)
            self._kept = encoded

    def found(self) -> State | None:
        """Read the state; None where there is no file yet, `ConfigurationError` for a file that is no snapshot."""
        if self._path is None or not self._path.exists():
            return None
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=self._kind)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{self._path}: is not a snapshot of this twin: {error}") from error
