"""`dustman webhooks`: how deliveries over HTTP stand, and going on with one that was stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

webhooks = typer.Typer(help="Events that are sent to receivers over HTTP.", no_args_is_help=True)


@webhooks.command("list")
def listed(context: typer.Context, as_json: Json = False) -> Exit:
    """Show each webhook: how far it is, what it waits for, what it parked."""
    from dustman import drawings
    from dustman.deliveries import webhook_rows
    from dustman.wiring import open_log, open_redis

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    rows = webhook_rows(settings, open_log(settings), open_redis(settings))
    if as_json:
        for row in rows:
            screen.show(row)
        return Exit.DONE
    drawn = drawings.table(
        "webhooks", "webhook", "receiver", "state", "waiting", "parked", "tries", "next try", "why",
        numbers=("waiting", "parked", "tries"),
    )  # fmt: skip
    for row in rows:
        at = f"{row.next_try:%Y-%m-%d %H:%M:%S}" if row.next_try else ""
        counts = map(str, (row.waiting, row.parked, row.tries))
        drawn.add_row(row.webhook, row.url, row.state.value, *counts, at, row.why)
    screen.show(rows, drawn if rows else "the settings name no webhooks")
    return Exit.DONE


@webhooks.command()
def resume(
    context: typer.Context,
    webhook: Annotated[str, typer.Argument(help="The webhook's name in the settings.")],
    as_json: Json = False,
) -> Exit:
    """Try at once what a webhook waits for or was stopped at, with all its tries."""
    from dustman.wiring import open_log, open_redis
    from events.obstacle import Obstacles

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    settings.webhook(webhook)
    changed = Obstacles(open_redis(settings), open_log(settings).identity, webhook).clear()
    words = "goes on" if changed else "was not held up"
    screen.show({"webhook": webhook, "changed": changed}, f"{webhook} {words}")
    return Exit.DONE if changed else Exit.NOTHING_TO_DO
