"""One look at one token, for people and for programs: the verdict, what was seen, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from domain.judgement import Moved, Observation, Sold, Tried, percent
from dustman.drawings import pairs, table
from venues.evm.examination import Examination


def form(account: str, found: Examination) -> dict[str, Any]:
    """Return what programs are told; base units are text, since they are larger than many readers' numbers."""
    return {
        "account": account,
        "asset": found.asset,
        "block": found.block,
        "symbol": found.symbol,
        "name": found.title,
        "decimals": found.decimals,
        "standing": found.standing,
        "verdict": found.ruling.verdict,
        "sentence": found.ruling.sentence,
        "tax": found.ruling.tax,
        "may_be_sold": not found.kept,
        "remedy": found.remedy,
        "route": found.route,
        "observation": _observation(found.seen) if found.seen else None,
    }


def drawn(account: str, found: Examination) -> tuple[RenderableType, ...]:
    """Draw it for people."""
    verdict = found.ruling.verdict.replace("_", "-")
    itself = f'"{found.symbol}" ("{found.title}")' if found.symbol or found.title else "nothing"
    what = pairs(f"{account}: {found.asset}")
    what.add_row("verdict", f"{verdict}: {found.ruling.sentence}")
    what.add_row("may be sold", "no" if found.kept else "yes")
    what.add_row("what would change it", found.remedy)
    what.add_row("vouched for", VOUCHED[found.standing])
    what.add_row("calls itself", itself)
    what.add_row("sells over", found.route or "no market")
    what.add_row("tried at block", str(found.block))
    if found.seen is None:
        return (what,)
    seen = table("what it did, in base units", "tried", "outcome", "gas", "", numbers=("gas",))
    for name, call, story in _steps(found.seen):
        seen.add_row(name, _outcome(call), str(call.gas), story)
    return (what, seen)


VOUCHED = {"known": "by our list of contracts", "allowed": "by allow in your settings", "stranger": "by nobody"}


def _steps(seen: Observation) -> Iterator[tuple[str, Tried, str]]:
    size = f"{seen.code} bytes of code" if seen.code else "no contract is there"
    yield "balance", seen.balance, f"{'none told' if seen.units is None else seen.units}; {size}"
    for name, moved in (("transfer", seen.out), ("transfer back", seen.back)):
        if moved:
            yield (
                name,
                moved.call,
                f"{moved.units} sent, {_change(moved.holder, -1)} left, {_change(moved.taker)} arrived",
            )
    if sale := seen.sale:
        yield "allowance", sale.approval, ""
        got = f"{sale.received} came for it, {sale.quoted} quoted" + _lacking(sale)
        yield "sale", sale.swap, f"{sale.units} offered, {'?' if sale.left is None else sale.left} left; {got}"


def _outcome(call: Tried) -> str:
    if call.done:
        return "done" if call.size else "done, without an answer"
    return f"failed{call.because}"


def _change(holds: tuple[int | None, int | None], sign: int = 1) -> str:
    before, after = holds
    return "?" if before is None or after is None else str(sign * (after - before))


def _lacking(sale: Sold) -> str:
    return f" ({percent(sale.lacking)} less)" if sale.lacking else ""


def _observation(seen: Observation) -> dict[str, Any]:
    return {
        "code": seen.code,
        "units": _text(seen.units),
        "balance": _call(seen.balance),
        "transfer": _moved(seen.out),
        "transfer_back": _moved(seen.back),
        "sale": _sold(seen.sale),
    }


def _call(call: Tried) -> dict[str, Any]:
    return {
        "done": call.done,
        "gas": call.gas,
        "gas_given": call.limit,
        "answer_bytes": call.size,
        "reason": call.reason,
    }


def _moved(moved: Moved | None) -> dict[str, Any] | None:
    if moved is None:
        return None
    holder, taker = (tuple(map(_text, side)) for side in (moved.holder, moved.taker))
    return {"call": _call(moved.call), "units": _text(moved.units), "holder": holder, "taker": taker}


def _sold(sale: Sold | None) -> dict[str, Any] | None:
    if sale is None:
        return None
    units = {key: _text(getattr(sale, key)) for key in ("units", "quoted", "left", "received")}
    return {"allowance": _call(sale.approval), "swap": _call(sale.swap), **units}


def _text(units: int | None) -> str | None:
    return None if units is None else str(units)
