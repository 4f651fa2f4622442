"""Tables that people read: what a scan found, what became of each lot, what stays and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rich import box
from rich.console import JustifyMethod
from rich.table import Table

from domain.claim import ClaimProposal, Waiting
from domain.scan import Findings
from events.facts import DustUnroutable
from events.money import Amount, plain, ticker
from events.values import Keep, Kept, Quote, Refusal
from views.row import LotRow, LotState
from workers.rehearsing import Rehearsal, Rehearsed

QUIET = {Keep.ZERO}
NO_LABELS: Mapping[str, str] = {}
# Columns that hold sentences; they give way where a terminal is narrow, but not until nobody can read them.
LONG = {"note", "why", "brings", ""}
NARROWEST = 24
# Columns whose amounts and addresses take a second line before the sentences get too narrow.
WIDE = {"asset", "spends", "would get", "proceeds", "fees"}
# A number with as many decimals as chains write; nobody reads the zeros at its end.
_LONG = re.compile(r"\b\d+\.\d{7,}\b")


def table(title: str, *columns: str, numbers: Iterable[str] = ()) -> Table:
    """Start a table; columns named in `numbers` are aligned to the right."""
    right = set(numbers)
    drawn = Table(title=title, title_justify="left", title_style="bold", expand=False, box=box.SIMPLE)
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        if column in LONG:
            drawn.add_column(column, justify=justify, min_width=NARROWEST)
        else:
            drawn.add_column(column, justify=justify, no_wrap=column not in WIDE, overflow="fold")
    return drawn


def pairs(title: str) -> Table:
    """Start a table of labels and what each says; a label is never cut."""
    drawn = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=box.SIMPLE)
    drawn.add_column(no_wrap=True)
    drawn.add_column()
    return drawn


def called(asset: str, labels: Mapping[str, str] = NO_LABELS) -> str:
    """Write an asset for people: by the label that a list of ours gives it, else as venues and chains call it."""
    return labels.get(asset) or ticker(asset)


def readable(text: str, labels: Mapping[str, str] = NO_LABELS) -> str:
    """Write text for people: contracts by what a list of ours calls them, numbers without zeros at their end."""
    for asset, label in labels.items():
        text = text.replace(ticker(asset), label)
    return _LONG.sub(lambda number: number[0].rstrip("0").rstrip("."), text)


def route(product: str) -> str:
    """Write a market for people: of one that names its token's contract as well, the way that the sale goes."""
    return product.partition("@")[0]


def dust_found(account: str, found: Findings, labels: Mapping[str, str] = NO_LABELS) -> Table:
    """Draw the lots that a sweep would convert."""
    drawn = table(f"{account}: dust", "asset", "quantity", "value", "sold as", numbers=("quantity", "value"))
    products = {leg.lot_id: leg.product for leg in found.legs if leg.lot_id}
    for lot in found.lots:
        value = f"{lot.value:.4f} {lot.currency}"
        quantity = readable(plain(lot.quantity))
        drawn.add_row(called(lot.asset, labels), quantity, value, route(products.get(lot.lot_id, "")))
    return drawn


def staying(
    account: str, kept: Iterable[Kept | DustUnroutable], labels: Mapping[str, str] = NO_LABELS, title: str = "stays"
) -> Table:
    """Draw what stays, and what would change that."""
    drawn = table(f"{account}: {title}", "asset", "quantity", "reason", "why", numbers=("quantity",))
    for each in sorted(kept, key=lambda one: (str(one.reason), one.asset)):
        if each.reason not in QUIET:
            what = called(each.asset, labels)
            drawn.add_row(what, readable(plain(each.quantity)), each.reason.replace("_", " "), each.sentence)
    return drawn


def reward(each: ClaimProposal | Waiting) -> dict[str, object]:
    """Say of one source of rewards what could be claimed now, or why it is not; for programs."""
    reason = each.reason if isinstance(each, Waiting) else None
    return {
        "source": each.source,
        "claimable": reason is None,
        "reason": reason,
        "why": _why(each),
        "rewards": each.rewards,
    }


def rewards(account: str, many: Iterable[ClaimProposal | Waiting], labels: Mapping[str, str] = NO_LABELS) -> Table:
    """Draw what could be claimed, and what not and why."""
    drawn = table(f"{account}: rewards", "source", "brings", "value", "now", "why", numbers=("value",))
    for each in many:
        brings = ", ".join(f"{plain(one.amount.quantity)} {called(one.amount.asset, labels)}" for one in each.rewards)
        value = f"{sum(one.value for one in each.rewards):.4f}" if each.rewards else ""
        now = each.reason.replace("_", " ") if isinstance(each, Waiting) else "claimable"
        drawn.add_row(each.source.replace("_", " "), brings, value, now, _why(each))
    return drawn


def _why(each: ClaimProposal | Waiting) -> str:
    if isinstance(each, Waiting):
        return each.sentence
    cost = each.gas_worth(each.expected_price)
    beside = f" instead of {each.otherwise:.4f} by a sale" if each.spend else ""
    return f"gas, a later sale's included, would take {cost:.4f} of {each.value:.4f}{beside}"


def rehearsal(account: str, run: Rehearsal, labels: Mapping[str, str] = NO_LABELS) -> Table:
    """Draw a dry run leg by leg; a purchase that nothing is left for is none."""
    title = f"{account}: dry run, nothing was sold"
    drawn = table(title, "leg", "spends", "would get", "fees", "note", numbers=("spends", "would get", "fees"))
    for leg in run.legs:
        if not leg.spend.quantity:
            continue
        got, fees, note = _offer(leg)
        cells = (f"{leg.plan.kind} {route(leg.plan.product)}", str(leg.spend), got, fees, note)
        drawn.add_row(*(readable(cell, labels) for cell in cells))
    return drawn


def _offer(leg: Rehearsed) -> tuple[str, str, str]:
    match leg.offer:
        case Quote(receive=receive, fees=fees):
            note = "estimated: the money comes from the legs above" if leg.estimated else "the venue's preview"
            return str(receive), amounts(fees), note
        case Refusal(sentence=sentence, venue_code=code):
            return "-", "", f"refused: {sentence}" + (f" ({code})" if code not in sentence else "")
        case None:
            return (
                "-",
                "",
                f"too little: {leg.plan.product} takes at least {plain(leg.plan.minimum)}; it is carried over",
            )


def lots(title: str, rows: Iterable[LotRow], labels: Mapping[str, str] = NO_LABELS) -> Table:
    """Draw what became of each lot: proceeds and fees, or why it stayed, what would change that, where its money is."""
    drawn = table(
        title, "lot", "asset", "quantity", "state", "proceeds", "fees", "note",
        numbers=("quantity", "proceeds", "fees"),
    )  # fmt: skip
    for row in rows:
        money = [each for each in row.money if each != Amount(row.quantity, row.asset)]
        where = f"; the money is in {amounts(money)}" if money else ""
        cells = (
            row.lot_id[:8],
            ticker(row.asset),
            plain(row.quantity),
            row.state.value,
            str(row.proceeds or ""),
            amounts(row.fees),
            f"{row.sentence}{where}" if row.sentence else _slippage(row),
        )
        drawn.add_row(*(readable(cell, labels) for cell in cells), style=STYLES[row.state])
    return drawn


STYLES = {
    LotState.WATCHED: "",
    LotState.OPEN: "yellow",
    LotState.CARRIED: "cyan",
    LotState.CONVERTED: "green",
    LotState.FAILED: "red",
}


def _slippage(row: LotRow) -> str:
    return "" if row.slippage_bps is None else f"{plain(row.slippage_bps)} bps to the quote"


def amounts(many: Iterable[Amount]) -> str:
    """Write amounts in a row, those of one asset added up."""
    totals: dict[str, Amount] = {}
    for amount in many:
        totals[amount.asset] = totals[amount.asset] + amount if amount.asset in totals else amount
    return ", ".join(str(total) for total in totals.values())
