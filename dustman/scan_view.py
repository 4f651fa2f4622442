"""A look at an account as people and programs are shown it: its dust, what stays and why, what could be claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from domain.claim import ClaimProposal, Waiting
from domain.scan import Findings, Reading
from dustman import drawings
from events.facts import DustUnroutable
from events.values import Keep, Kept


def form(
    account: str,
    strategies: Sequence[str],
    reading: Reading,
    found: Findings,
    rewards: Sequence[ClaimProposal | Waiting],
    *,
    explain: bool,
) -> dict[str, Any]:
    """Return what programs are told; with `explain` each holding that stays, without it how many for each reason."""
    return {
        "account": account,
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


def summary(account: str, strategies: Sequence[str], reading: Reading, found: Findings) -> str:
    """Say it in a line, with whose it is to sell."""
    counts = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in found.counts().items())
    told = (
        f"{account}: {len(reading.holdings)} holdings in {reading.requests} requests; {len(found.lots)} lots of dust, "
        f"{len(found.stuck)} with no way out today; stays: {counts or 'nothing'}"
    )
    if strategies:
        told += f"; {' and '.join(strategies)} decides when it is sold: `dustman strategy --now`"
    return told


def drawn(
    account: str,
    found: Findings,
    rewards: Sequence[ClaimProposal | Waiting],
    labels: Mapping[str, str],
    *,
    explain: bool,
) -> list[RenderableType]:
    """Draw it for people; with `explain` all that stays, what is in quarantine apart."""
    kept = found.kept if explain else ()
    apart = [each for each in kept if each.reason is Keep.QUARANTINED]
    staying: list[Kept | DustUnroutable] = [*found.stuck]
    staying += [each for each in kept if each.reason is not Keep.QUARANTINED]
    parts: list[RenderableType] = []
    if found.lots:
        parts.append(drawings.dust_found(account, found, labels))
    if staying:
        parts.append(drawings.staying(account, staying, labels))
    if rewards:
        parts.append(drawings.rewards(account, rewards, labels))
    if apart:
        parts.append(drawings.staying(account, apart, labels, "in quarantine, as its contracts claim"))
    return parts
