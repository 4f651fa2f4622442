"""A strategy as people and programs are shown it: the latest snapshot, what is unexpected, what was instructed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from rich.console import RenderableType

from domain.charter import Charter
from domain.strategy import Strategy
from dustman.drawings import called, pairs, readable, route, table
from dustman.telling import sentence
from events.facts import DustInstructed, StrategyMeasured
from events.money import plain
from events.values import Instruction, MeasuredLot

BPS = Decimal(10_000)


def form(charter: Charter, known: Strategy | None) -> dict[str, Any]:
    """Return what programs are told; `measured` is the latest snapshot, `doubt` why there was none since.

    What would be instructed were the accounts live is told as `instructed` beside a snapshot that is not `triggered`.
    """
    return {
        "strategy": charter.name,
        "mode": charter.mode,
        "share_class": charter.share_class,
        "asset": charter.asset,
        "lst_type": charter.lst,
        "expects_rewards": charter.expects_rewards,
        "dust_delta": charter.delta,
        "accounts": charter.accounts,
        "measured": known and known.measured,
        "doubt": known and known.doubt,
        "instructed": known and known.instructed,
        "waiting": known and known.waiting,
        **_answers(known),
    }


def _answers(known: Strategy | None) -> dict[str, Any]:
    return {
        "approved": known and known.approved,
        "cancelled": known and known.cancelled,
        "expired": known and known.expired,
        "released": known and known.released,
    }


def answered(known: Strategy) -> tuple[dict[str, Any], str]:
    """Return what came of the last instructions, for programs and for people."""
    told = known.instructed
    form = {"strategy": known.name, "measure_id": told and told.measure_id, **_answers(known)}
    return form, f"{known.name}: {'; '.join(_said(known))}"


def _said(known: Strategy) -> list[str]:
    facts = (known.approved, known.cancelled, known.expired, known.released)
    return [sentence(fact) for fact in facts if fact]


def drawn(
    charter: Charter, known: Strategy | None, labels: Mapping[str, str], approval: bool = False
) -> list[RenderableType]:
    """Draw it for people; with `approval` of a strategy whose instructions wait for it."""
    summary = pairs(charter.name)
    summary.add_row("mode", charter.mode)
    summary.add_row("holds", f"{', '.join(_kept(charter))}; in {', '.join(charter.accounts)}")
    if known is None or (known.measured is None and known.doubt is None):
        summary.add_row("measured", "never; the workers do, or `--now` shows what they would find")
        return [summary]
    if known.doubt:
        summary.add_row(
            "not measured", f"{known.doubt.due:%Y-%m-%d %H:%M:%S} UTC: {readable(known.doubt.sentence, labels)}"
        )
    parts: list[RenderableType] = [summary]
    if told := known.measured:
        money, once = told.currency, " once approved" if approval or known.waiting else ""
        summary.add_row("measured", f"{told.measured_at:%Y-%m-%d %H:%M:%S} UTC")
        summary.add_row("equity", f"{_money(told.equity)} {money}, {told.source}")
        summary.add_row("dust", f"{_money(told.total)} {money}, {_bps(told.ratio)} of at most {_bps(charter.delta)}")
        summary.add_row(
            "stands", readable(told.sentence, labels) or f"over {_money(told.threshold)} {money}, so it is sold{once}"
        )
        if told.unpriced:
            summary.add_row("without price", ", ".join(called(asset, labels) for asset in told.unpriced))
        parts += _lots("dust", told.lots, money, labels)
        parts += _lots("unexpected, reported and not sold", told.unexpected, money, labels)
    if (waiting := known.waiting) and waiting.approval_until:
        until = f"{waiting.approval_until:%Y-%m-%d %H:%M:%S} UTC"
        summary.add_row("waits", f"for `dustman approve {charter.name} {waiting.measure_id}` until {until}")
    elif said := _said(known):
        summary.add_row("answered", "; ".join(said))
    if known.instructed and (known.waiting or _is_of(known.instructed, known.measured)):
        would_be = known.measured and known.waiting is None and not known.measured.triggered
        title = "would be instructed, once its accounts are live" if would_be else "instructed"
        parts += _instructions(title, known.instructed.instructions, known.instructed.currency, labels)
    return parts


def _kept(charter: Charter) -> Iterable[str]:
    """Name what the strategy holds on purpose, each once."""
    lst = () if charter.lst == "none" else (charter.lst,)
    return dict.fromkeys((charter.share_class, charter.asset, *lst))


def _is_of(instructed: DustInstructed, measured: StrategyMeasured | None) -> bool:
    return measured is not None and instructed.measure_id == measured.measure_id


def _lots(title: str, lots: Iterable[MeasuredLot], money: str, labels: Mapping[str, str]) -> Iterable[RenderableType]:
    rows = table(title, "account", "asset", "quantity", f"value in {money}", "source", numbers=("quantity",))
    for lot in lots:
        rows.add_row(
            lot.account, called(lot.asset, labels), readable(plain(lot.quantity)), _money(lot.value), lot.source
        )
    return [rows] if rows.row_count else []


def _instructions(
    title: str, told: Iterable[Instruction], money: str, labels: Mapping[str, str]
) -> Iterable[RenderableType]:
    rows = table(title, "account", "path", "sold as", f"net in {money}", "behind the best", "preferred", "why")
    for each in told:
        path = " > ".join(called(asset, labels) for asset in each.path)
        preferred = "yes" if each.preferred else "no"
        sums = (_money(each.net), _money(each.behind))
        rows.add_row(each.account, path, route(each.product), *sums, preferred, each.sentence)
    return [rows]


def _money(value: Decimal) -> str:
    return f"{value:.2f}"


def _bps(ratio: Decimal) -> str:
    return f"{ratio * BPS:.2f} bps"
