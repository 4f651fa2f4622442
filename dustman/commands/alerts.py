"""`dustman alerts`: who is told of what needs them, how far each is, and a word to try them with."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

alerts = typer.Typer(help="What people are told through apprise.", no_args_is_help=True)


@alerts.command("list")
def listed(context: typer.Context, as_json: Json = False) -> Exit:
    """Show each target: its service, and how many events were not looked at for it yet."""
    from dustman import drawings
    from dustman.alerts import Progress
    from dustman.targets import targets_of
    from dustman.wiring import open_log

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    log, drawn = open_log(settings), drawings.table("targets", "target", "service", "behind", numbers=("behind",))
    targets = targets_of(settings)
    for name, target in targets.items():
        row = {"target": name, "service": target.service, "behind": Progress(log, name).behind()}
        drawn.add_row(*map(str, row.values()))
        if as_json:
            screen.show(row)
    if not as_json:
        screen.show(None, drawn if targets else "the settings have no alerts")
    return Exit.DONE


@alerts.command()
def test(
    context: typer.Context,
    target: Annotated[str, typer.Argument(help="The target's name in the settings; all when left out.")] = "",
    as_json: Json = False,
) -> Exit:
    """Send a test alert and say whether the service took it."""
    from dustman.targets import target_of
    from dustman.wiring import now
    from views.alarms import Severity
    from views.watch import Alert

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    names = [target] if target else list(settings.alerts.targets if settings.alerts else ())
    if not names:
        raise ConfigurationError("alerts: the settings have them off; docs/how-to/alerts.md shows how")
    at, failed = now(), False
    for name in names:
        words = "This is a test: alerts arrive here."
        took = target_of(settings, name).send(Alert(f"test-{at:%s}", "test", words, Severity.INFO, False, 1, 0, at))
        failed = failed or not took
        screen.show({"target": name, "took": took}, f"{name} {'took it' if took else 'did not take it'}")
    return Exit.CONFIGURATION if failed else Exit.DONE
