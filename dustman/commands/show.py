"""`dustman show LOT`: one lot's whole story, event by event; or why an asset stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen
from dustman.slider import AsOf, state_as_of

if TYPE_CHECKING:
    from rich.table import Table

    from events.log import EventLog, Recorded
    from events.values import Kept
    from views.row import LotRow


def show(
    context: typer.Context,
    lot: Annotated[
        str, typer.Argument(help="A lot's id or the beginning of it, or an asset: ADA, or a token's address.")
    ],
    as_of: AsOf = "",
    as_json: Json = False,
) -> Exit:
    """Tell what became of a lot, or of every lot of an asset, and why."""
    from dustman import drawings
    from dustman.wiring import open_log
    from events.facts import DustUnroutable
    from events.money import ticker

    if not lot.strip():
        raise ConfigurationError("LOT is empty; it is a lot's id, the beginning of one, or an asset")
    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    log = open_log(settings)
    position, state = state_as_of(settings, log, as_of)
    lots = state.lots
    labels = settings.all_labels()

    def meant(asset: str) -> bool:
        return lot.upper() in (asset.upper(), ticker(asset).upper(), labels.get(asset, "").upper())

    rows = [row for row in lots if row.lot_id.startswith(lot) or meant(row.asset)]
    staying: list[Kept | DustUnroutable] = [why for (_, asset), why in lots.staying.items() if meant(asset)]
    if not rows and not staying:
        raise ConfigurationError(
            f"{lot!r} is neither the beginning of a lot's id nor an asset seen up to position {position}"
        )
    for row in rows:
        story = _story(log, row)
        positions = [recorded.position for recorded in story]
        drawn = (drawings.lots(row.lot_id, [row], labels), _drawn(story, labels))
        screen.show({"lot": row, "positions": positions}, *drawn)
    if staying:
        screen.show({"staying": staying}, drawings.staying(lot, staying, labels))
    return Exit.DONE


def _story(log: EventLog, row: LotRow) -> list[Recorded]:
    return [recorded for position in row.positions for recorded in log.read(after=position - 1, until=position)]


def _drawn(story: Iterable[Recorded], labels: Mapping[str, str]) -> Table:
    from dustman.drawings import table
    from dustman.telling import told

    drawn = table("what happened", "position", "when (UTC)", "event", "")
    for recorded in story:
        when = f"{recorded.occurred_at:%Y-%m-%d %H:%M:%S}"
        drawn.add_row(str(recorded.position), when, recorded.type, told(recorded.fact, labels))
    return drawn
