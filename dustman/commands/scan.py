"""`dustman scan`: look at an account; nothing is announced and nothing is sold."""

from __future__ import annotations

from typing import Annotated

import typer

from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen


def scan(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account; all when none is named.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Say of everything that stays why.")] = False,
    as_json: Json = False,
) -> Exit:
    """Show the dust of an account, and what stays and why. Nothing is sold."""
    from dustman import drawings
    from dustman.desk import command_desk
    from events.values import Keep
    from workers import claiming
    from workers.scanning import look

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    desk = command_desk(settings, screen.note)
    found_any = False
    for name in settings.chosen(account):
        reading, found = look(desk, name)
        found_any = found_any or bool(found.lots)
        counts = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in found.counts().items())
        summary = (
            f"{name}: {len(reading.holdings)} holdings in {reading.requests} requests; {len(found.lots)} lots of dust, "
            f"{len(found.stuck)} with no way out today; stays: {counts or 'nothing'}"
        )
        if strategies := settings.strategies_with(name):
            summary += f"; {' and '.join(strategies)} decides when it is sold: `dustman strategy --now`"
        labels = settings.labels(name)
        drawn = [drawings.dust_found(name, found, labels)] if found.lots else []
        apart = [kept for kept in found.kept if explain and kept.reason is Keep.QUARANTINED]
        kept = [kept for kept in found.kept if explain and kept not in apart]
        if found.stuck or kept:
            drawn.append(drawings.staying(name, [*found.stuck, *kept], labels))
        rewards = claiming.look(desk, name) if explain else []
        if rewards:
            drawn.append(drawings.rewards(name, rewards, labels))
        if apart:
            drawn.append(drawings.staying(name, apart, labels, "in quarantine, as its contracts claim"))
        value = {
            "account": name,
            "strategies": strategies,
            "scan_id": reading.scan_id,
            "requests": reading.requests,
            "holdings": len(reading.holdings),
            "dust": found.lots,
            "total": found.total,
            "plan": found.legs,
            "unroutable": found.stuck,
            "kept": found.kept if explain else found.counts(),
            "rewards": [drawings.reward(each) for each in rewards],
        }
        screen.show(value, *drawn, summary)
    return Exit.DONE if found_any else Exit.NOTHING_TO_DO
