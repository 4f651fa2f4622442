"""`dustman fund`: promise ETH to a trade, and convert what it lacks, here and now; with `--dry-run` only say what."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from events.values import FundingAnswer
    from workers.desk import Desk
    from workers.funding import Funded


def fund(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="A wallet that has `funding` in the settings.")],
    amount: Annotated[str, typer.Argument(help="The ETH that the trade takes, such as 0.1.")],
    trade: Annotated[str, typer.Option("--trade", help="The trade's name; under it a second try is the same.")] = "",
    deadline: Annotated[float, typer.Option("--deadline", help="How many seconds the answer may take.", min=0)] = 30.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be converted; promise nothing.")] = False,
    as_json: Json = False,
) -> Exit:
    """Have ETH ready for a trade: what is there is promised to it, what is short is converted."""
    from domain.treasury import eth
    from dustman.desk import command_desk
    from workers.funding import ensure, finish, named

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    settings.account(account)
    try:
        wanted, name = eth(amount), named(trade or str(uuid.uuid4()))
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    desk = command_desk(settings, screen.note)
    if dry_run:
        return _preview(desk, screen, account, wanted, timedelta(seconds=deadline), settings.labels(account))
    until = desk.clock() + timedelta(seconds=deadline)
    told = ensure(desk, account, name, wanted, until)
    if not told.final:
        told = replace(told, final=finish(desk, account, until))
    if not told.final:
        screen.note("The conversion's end is not on record yet; workers, or the next sweep, take it there.")
    screen.show(told, _said(account, told))
    return _exit(told.answer)


def _preview(
    desk: Desk, screen: Screen, account: str, amount: Decimal, within: timedelta, labels: Mapping[str, str]
) -> Exit:
    from dustman.drawings import called
    from events.money import plain
    from workers.treasury import preview

    found = preview(desk, account, amount, within)
    first = (
        f"{account}: {plain(found.held)} ETH is there, {plain(found.promised)} promised to others, "
        f"{plain(found.gas_reserve)} kept for gas; {plain(found.short)} is short"
    )
    lines = [first]
    for each in found.conversions:
        name = called(each.token.asset, labels)
        lines.append(
            f"  {plain(each.spent)} {name} ({each.value:.2f} USD, at most {plain(each.most)}) would become "
            f"{plain(each.output)} ETH over {each.product.partition('@')[0]}"
        )
    if found.reason:
        lines.append(f"  {_worded(found.answer)}: {found.reason}; at most {plain(found.largest)} ETH is possible")
    screen.show(found, *lines, "Nothing was promised or converted.")
    return _exit(found.answer)


def _said(account: str, told: Funded) -> str:
    from events.money import plain

    if told.reservation_id and told.answer != "not_now":
        until = f"{told.expires_at:%H:%M:%S} UTC" if told.expires_at else ""
        made = f", by {told.tx_hash}" if told.tx_hash else ""
        return f"{account}: {told.answer}; {told.amount} is reserved for {told.trade} until {until}{made}"
    most = f"; at most {plain(told.largest.quantity)} ETH is possible" if told.largest else ""
    return f"{account}: {_worded(told.answer)}: {told.reason}{most}. Go on with what is there."


def _worded(answer: FundingAnswer) -> str:
    return answer.replace("_", " ")


def _exit(answer: FundingAnswer) -> Exit:
    match answer.value:
        case "covered" | "converted":
            return Exit.DONE
        case "not_possible":
            return Exit.REFUSED_BY_POLICY
        case _:
            return Exit.VENUE_UNAVAILABLE
