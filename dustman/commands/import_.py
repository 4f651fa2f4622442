"""`dustman import`: a log made anew from its export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `dustman export --format jsonl` wrote, of the whole log.")],
    as_json: Json = False,
) -> Exit:
    """Make the log where there is none, the same as it was exported: positions, ids, bytes, times and identity."""
    from dustman.wiring import restore_log
    from events.archive import opened
    from events.log import CorruptLog, EventIdConflict

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    try:
        with file.open("rb") as archive:
            identity, records = opened(archive)
            count = restore_log(settings, identity, records)
    except CorruptLog as error:
        raise CorruptLog(f"{file}, {error}; nothing was imported") from None
    except EventIdConflict as error:
        raise CorruptLog(f"{file}: {error}, which are the lines' numbers; nothing was imported") from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ConfigurationError(f"{file}: cannot be read, {error.strerror}") from None
    place = str(settings.log.url)
    screen.show({"log": place, "identity": identity, "events": count}, f"{count} events in {place}")
    return Exit.DONE
