"""Where one account stands: may it convert, what is open, what waits, what came of its dust."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.account import Account
from domain.decision import fingerprint
from domain.leg import is_open
from events.money import Amount, plain, ticker
from events.values import Policy
from views.accounts import Accounts
from views.flight import in_flight
from views.lots import Lots, Tally
from views.row import LotState


@dataclass(frozen=True, slots=True)
class Standing:
    """One account at a glance. `mode` is `live`, `watching` or `halted`; `unroutable` names the reasons there are."""

    account: str
    mode: str
    mode_reason: str
    scanned_until: datetime | None
    open_sweep: str | None
    open_legs: tuple[str, ...]
    in_flight: str
    carried: tuple[Amount, ...]
    lots: dict[str, int]
    converted: Amount
    unroutable: tuple[str, ...]
    outage: str

    def lines(self) -> Sequence[tuple[str, str]]:
        """Say it in words, a label and a value each."""
        counts = ", ".join(f"{count} {state}" for state, count in self.lots.items())
        return [
            ("mode", f"{self.mode}: {self.mode_reason}" if self.mode_reason else self.mode),
            ("last scan", f"{self.scanned_until:%Y-%m-%d %H:%M:%S} UTC" if self.scanned_until else "never"),
            ("venue", self.outage or "answered last time"),
            ("open sweep", self.open_sweep or "none"),
            ("open legs", ", ".join(self.open_legs) or "none"),
            *([("in flight", self.in_flight)] if self.in_flight else []),
            ("carried over", ", ".join(map(str, self.carried)) or "nothing"),
            ("lots", counts or "none yet"),
            ("converted", f"{plain(self.converted.quantity)} {ticker(self.converted.asset)}"),
        ]


def standing_of(name: str, accounts: Accounts, lots: Lots, policy: Policy) -> Standing:
    """Put together what the folds know of an account."""
    account = accounts.get(name, Account(name))
    mode, reason = _mode(account, policy)
    counts, received = _counted(name, lots)
    legs = account.sweep.legs.values() if account.sweep else ()
    words = {word.removeprefix("unroutable:") for word in account.judged.values() if word.startswith("unroutable:")}
    return Standing(
        account=name,
        mode=mode,
        mode_reason=reason,
        scanned_until=account.read_until,
        open_sweep=account.sweep.opened.sweep_id if account.sweep else None,
        open_legs=tuple(f"{leg.plan.kind} {leg.plan.product}" for leg in legs if is_open(leg)),
        in_flight=in_flight(account.lane),
        carried=tuple(Amount(q, hub) for hub, q in account.purse.money.items() if q != 0),
        lots={state.value: counts[state.value] for state in LotState if counts[state.value]},
        converted=Amount(received.get(policy.target, Decimal(0)), policy.target),
        unroutable=tuple(sorted(words)),
        outage="could not be reached" if account.outage[0] else "",
    )


def _counted(name: str, lots: Lots) -> tuple[Mapping[str, int], Mapping[str, Decimal]]:
    """Return how many of an account's lots are in each state, and what they received of each target."""
    closed, whole = lots.tallies.get(name, Tally()), Tally()
    whole.lots.update(closed.lots)
    whole.received.update(closed.received)
    for row in lots.live.values():
        if row.account == name:
            whole.add(row)
    return Counter(whole.lots), whole.received


def _mode(account: Account, policy: Policy) -> tuple[str, str]:
    if account.halted:
        return "halted", account.halted
    if account.live == fingerprint(policy):
        return "live", ""
    return "watching", "its policy changed since it went live" if account.live else "it never went live"
