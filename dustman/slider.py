"""The time slider: the state that every view is drawn from, as of any moment the owner names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dustman.settings import Settings
    from events.log import EventLog
    from views.state import State

AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", help="As it was at this position, or at a time such as 2026-03-01 or 2026-03-01T02:00:00Z."
    ),
]
# Where no file of the log's own says where to keep them.
SNAPSHOTS_OF_A_SERVER = Path("var/snapshots")


def state_as_of(settings: Settings, log: EventLog, as_of: str) -> tuple[int, State]:
    """Return the position that `as_of` means, the head where it is empty, and the state after it."""
    from dustman.period import position_as_of
    from views.snapshots import Snapshots

    position = position_as_of(log, as_of)
    return position, Snapshots(_directory(settings), log).as_of(position)


def _directory(settings: Settings) -> Path:
    from dustman.addresses import SqliteFile

    url = settings.log.url
    return Path(f"{url.path}.snapshots") if isinstance(url, SqliteFile) else SNAPSHOTS_OF_A_SERVER
