"""Strategies: their accounts are live, their preferences exist, and their equity is known."""

from __future__ import annotations

from collections.abc import Iterator

from domain.charter import Charter
from domain.equity import Doubt
from dustman.checks.finding import Finding, fail, ok, warn
from dustman.settings import Settings
from dustman.wiring import now, open_equity
from events.money import plain


def check_strategies(settings: Settings) -> Iterator[Finding]:
    """Look at every strategy; what an account itself lacks is said where accounts are looked at."""
    for name, charter in settings.charters.items():
        yield _summary(f"strategy {name}", charter, settings)
        yield from _preferences(f"strategy {name}: preference", charter, settings)
        if name in settings.equity:
            yield _equity(f"strategy {name}: equity", settings, charter)


def _summary(check: str, charter: Charter, settings: Settings) -> Finding:
    every = settings.intervals[charter.name]
    does = "sells what it has no use for" if charter.expects_rewards else "reports what it has no use for"
    share = f"beyond {plain((charter.delta * 10_000).normalize())} bps of equity"
    approval = settings.approval.get(charter.name)
    waits = f", once somebody approves it within {approval.expires_after} s" if approval else ""
    return ok(check, f"{charter.mode} in {', '.join(charter.accounts)}, measured {every}; {does} {share}{waits}")


def _preferences(check: str, charter: Charter, settings: Settings) -> Iterator[Finding]:
    venues = {settings.account(account).venue for account in charter.accounts}
    if charter.venue and charter.venue not in venues:
        sentence = f"none of its accounts is at {charter.venue}, and a lot is sold where it lies"
        yield warn(check, sentence, f"write {' or '.join(sorted(venues))} as dust_conversion_venue, or leave it out")
    if charter.prefers_path and not charter.steps:
        sentence = "the preferred path leads through tokens that none of its accounts knows"
        yield warn(check, sentence, "mend dust_conversion_path, or leave it out; the best way is taken meanwhile")


def _equity(check: str, settings: Settings, charter: Charter) -> Finding:
    currency = settings.policy(charter.accounts[0]).currency
    said = open_equity(settings, charter.name).equity([], currency, now())
    if isinstance(said, Doubt):
        return fail(check, said.sentence, "mend equity in the settings or who supplies it; nothing is sold meanwhile")
    return ok(check, f"{plain(said.value)} {said.currency} by {said.source}")
