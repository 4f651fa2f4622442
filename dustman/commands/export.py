"""`dustman export`: the log in a form for other tools, for another log, or for tax programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

# Named here too, so that help needs none of what writes them; a test holds the two together.
FORMS = "jsonl, csv, parquet, koinly, cointracker, rotki-trades or rotki-events"


def export(
    context: typer.Context,
    form: Annotated[str, typer.Option("--format", help=f"One of {FORMS}.")],
    account: Annotated[str, typer.Option("--account", help="Only this account's.")] = "",
    since: Annotated[str, typer.Option("--since", help="From this position or time on.")] = "",
    until: Annotated[str, typer.Option("--until", help="Up to this position, or before this time.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file, replaced when it is whole.", show_default="stdout")
    ] = None,
    as_json: Json = False,
) -> Exit:
    """Write events (jsonl without loss; csv, parquet) or, for taxes, every disposal, acquisition and income."""
    from dustman.addresses import SqliteFile
    from dustman.exports.forms import Form, write
    from dustman.exports.whole_file import whole_file
    from dustman.period import period
    from dustman.wiring import open_log, recorded_account

    if form not in list(Form):
        raise typer.BadParameter(f"{form!r} is not one of {FORMS}", param_hint="--format")
    if output is None and (as_json or form == Form.PARQUET):
        needing = "--json" if as_json else f"--format {form}"
        raise typer.BadParameter(f"{needing} needs a file to write to", param_hint="--output")
    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    log = open_log(settings)
    recorded_account(settings, log, account)
    span = period(log, since, until)
    if output is None:
        with screen.raw() as out:
            write(Form(form), log, account, span, out)
        return Exit.DONE
    if isinstance(settings.log.url, SqliteFile) and output.resolve() == settings.log.url.path.resolve():
        raise ConfigurationError(f"--output {output}: is the log itself")
    with whole_file(output) as file:
        count = write(Form(form), log, account, span, file)
    screen.show({"file": output, "format": form, "rows": count}, f"{count} rows in {output}")
    return Exit.DONE
