"""`dustman parked`: events that a group of consumers could not handle, to be handed out again or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from events.parked import Parked

parked = typer.Typer(no_args_is_help=True, help="List, retry or drop events that consumers failed to handle.")

Group = Annotated[str, typer.Argument(help="The group, such as converter.")]
Positions = Annotated[list[int] | None, typer.Argument(min=1, help="The events' positions in the log.")]
All = Annotated[bool, typer.Option("--all", help="All that the group parked.")]


@parked.command("list")
def listed(
    context: typer.Context,
    group: Annotated[str, typer.Argument(help="The group; all when none is named.")] = "",
    as_json: Json = False,
) -> Exit:
    """Show what is parked, with the error of the last try."""
    from dustman import drawings
    from dustman.wiring import open_redis
    from events.parked import groups

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    redis = open_redis(settings)
    found = [event for name in ([group] if group else groups(redis)) for event in _of(context, name)]
    if as_json:
        for event in found:
            screen.show(event)
        return Exit.DONE
    drawn = drawings.table(
        "parked", "group", "position", "type", "tries", "since", "why", numbers=("position", "tries")
    )
    for event in found:
        since = f"{event.parked_at:%Y-%m-%d %H:%M:%S}"
        drawn.add_row(event.group, str(event.position), event.type, str(event.deliveries), since, event.error)
    screen.show(found, drawn if found else "nothing is parked")
    return Exit.DONE


@parked.command()
def retry(
    context: typer.Context, group: Group, positions: Positions = None, every: All = False, as_json: Json = False
) -> Exit:
    """Hand events out again, at once and with all their tries."""
    return _decide(context, group, positions, every, as_json, again=True)


@parked.command()
def drop(
    context: typer.Context, group: Group, positions: Positions = None, every: All = False, as_json: Json = False
) -> Exit:
    """Give events up: the group goes past them for good. They stay in the log."""
    return _decide(context, group, positions, every, as_json, again=False)


def _decide(
    context: typer.Context, group: str, positions: list[int] | None, every: bool, as_json: bool, again: bool
) -> Exit:
    if bool(positions) == every:
        raise typer.BadParameter("name either positions or --all", param_hint="POSITIONS")
    screen, of_group = Screen(as_json=as_json), _of(context, group)
    chosen = [event.position for event in of_group if of_group.owns(event)] if every else positions or []
    if not chosen:
        screen.note(f"{group} has nothing parked")
        return Exit.NOTHING_TO_DO
    ends = [_decided(screen, of_group, group, position, again) for position in dict.fromkeys(chosen)]
    return Exit.DONE if all(ends) else Exit.NOTHING_TO_DO


def _decided(screen: Screen, of_group: Parked, group: str, position: int, again: bool) -> bool:
    changed = of_group.retry(position) if again else of_group.drop(position)
    words = ("is handed out again" if again else "is dropped") if changed else "is not parked"
    screen.show({"group": group, "position": position, "changed": changed}, f"{group} {position} {words}")
    return changed


def _of(context: typer.Context, group: str) -> Parked:
    from dustman.wiring import open_log, open_redis
    from events.parked import Parked

    settings = Invocation.of(context).settings
    log = open_log(settings)
    try:
        return Parked(open_redis(settings), log.identity, group)
    finally:
        log.close()
