"""`dustman go-live`: the owner allows conversions under exactly the policy that was tried in a dry run."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import RefusedByPolicy
from dustman.exits import Exit
from dustman.interview import ask
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from events.values import Policy


def go_live(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account.")],
    confirm: Annotated[str, typer.Option("--confirm", help="The account's name again, instead of being asked.")] = "",
    as_json: Json = False,
) -> Exit:
    """Allow conversions for an account, after a dry run of the same policy."""
    from domain.commands import Declare
    from domain.decision import fingerprint
    from dustman.desk import command_desk
    from dustman.wiring import refuse_dangerous_key
    from events.facts import AccountWentLive

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    settings.account(account)
    desk = command_desk(settings, screen.note)
    policy = desk.mandates[account].policy
    mark, known = fingerprint(policy), desk.streams.load(account).state
    if known.dry_run != mark:
        what = "the last dry run was of another policy" if known.dry_run else "there was no dry run"
        raise RefusedByPolicy(f"{account}: {what}; run `dustman sweep {account} --dry-run` first")
    refuse_dangerous_key(settings, account)
    for line in _caps(account, policy, settings.labels(account)):
        screen.note(line)
    if known.live == mark:
        screen.show({"account": account, "live": True, "policy": mark}, f"{account} is live already")
        return Exit.NOTHING_TO_DO
    answer = confirm or ask(
        "Type the account's name to allow it", "", lambda _: None, f"--confirm {account} allows it without asking"
    )
    if answer != account:
        raise RefusedByPolicy(f"{answer!r} is not {account!r}; nothing was changed")
    live = AccountWentLive(account, mark, policy.sweep_cap, policy.day_cap, policy.currency)
    desk.streams.handle(account, Declare(live, str(uuid.uuid4())), correlation=mark)
    screen.show({"account": account, "live": True, "policy": mark}, f"{account} is live; `dustman halt` stops it")
    return Exit.DONE


def _caps(account: str, policy: Policy, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Say what the owner is about to allow."""
    from dustman.drawings import called
    from events.money import plain

    def named(assets: Iterable[str]) -> str:
        return ", ".join(called(asset, labels) for asset in assets)

    admitted = "every asset but the excluded" if policy.admitted is None else named(policy.admitted)
    below = f"below {plain(policy.threshold)} {policy.currency}"
    what = below if policy.belongs is None else f"what is none of {named(policy.belongs)}"
    return (
        f"{account}: {what} becomes {named([policy.target])}, unwatched",
        f"  at most     {plain(policy.sweep_cap)} {policy.currency} a sweep, {plain(policy.day_cap)} a day",
        f"  admitted    {admitted}",
        f"  never sold  {named(policy.excluded)}",
    )
