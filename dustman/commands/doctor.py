"""`dustman doctor`: looks at everything a conversion will need, and says what to mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from rich.text import Text

    from dustman.checks.finding import Finding

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


def doctor(context: typer.Context, as_json: Json = False) -> Exit:
    """Check machine, settings, log, Redis, deliveries, alerts, and every account at its venue. Moves nothing."""
    from dustman.checks.finding import Verdict

    screen, findings = Screen(as_json=as_json), []
    for finding in _findings(Invocation.of(context)):
        findings.append(finding)
        if not as_json:
            screen.show(finding, _drawn(finding))
    failed = [finding for finding in findings if finding.verdict is Verdict.FAIL]
    if as_json:
        screen.show({"healthy": not failed, "findings": findings})
    return Exit.CONFIGURATION if failed else Exit.DONE


def _findings(invocation: Invocation) -> Iterator[Finding]:
    from dustman.checks.alerts import check_alerts
    from dustman.checks.deliveries import check_deliveries
    from dustman.checks.finding import fail, ok, skip
    from dustman.checks.machine import check_files, check_versions
    from dustman.checks.sharing import check_sharing
    from dustman.checks.stores import check_log, check_redis
    from dustman.checks.strategies import check_strategies
    from dustman.checks.venue import check_account
    from dustman.checks.wallet import check_wallet
    from dustman.wallet_settings import WalletAccount

    yield from check_versions()
    try:
        settings = invocation.settings
    except ConfigurationError as error:
        yield fail("settings", str(error), "mend the file, or write a new one with `dustman init --force`")
        yield skip("log, redis and accounts", "the settings say where they are")
        return
    yield ok("settings", f"{invocation.config} has {len(settings.accounts)} account(s): {', '.join(settings.accounts)}")
    yield from check_files(invocation.config, settings)
    yield from check_sharing(settings)
    yield from check_log(settings)
    yield from check_redis(settings)
    yield from check_deliveries(settings)
    yield from check_alerts(settings)
    yield from check_strategies(settings)
    for name, account in settings.accounts.items():
        yield from (check_wallet if isinstance(account, WalletAccount) else check_account)(settings, name)


def _drawn(finding: Finding) -> Text:
    from rich.text import Text

    from dustman.secret import redacted, visible

    text = Text.assemble((f"{finding.verdict:<5}", STYLES[finding.verdict]), f" {finding.check}: ")
    text.append(visible(redacted(finding.sentence)))
    if finding.fix:
        text.append(f"\n      fix: {visible(redacted(finding.fix))}", style="italic")
    return text
