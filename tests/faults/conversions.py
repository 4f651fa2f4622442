"""Trials of conversions one to one, which know no idempotency key: quotes, commits and their completion."""

from __future__ import annotations

from itertools import product

from simulators.coinbase.scenario import Scenario
from tests.faults.orders import CUT, LOST, TURNED_AWAY
from tests.faults.reads import FINAL, LASTING, PASSING
from tests.faults.trial import CARRIED, NEVER, OUTAGE, PATIENCE, UNKNOWN, Fault, Trial, converting
from views.row import LotState

STUCK = {"ADA": LotState.CARRIED}


def commit(fault: Fault, **terms: object) -> Fault:
    """Aim a fault at the commit."""
    return fault | terms | {"endpoint": "commit_convert"}


def trial(
    name: str,
    faults: tuple[Fault, ...],
    says: frozenset[str] = frozenset(),
    sentence: str = "",
    ends: dict[str, LotState] | None = None,
    scenario: Scenario | None = None,
    rounds: int = 8,
) -> Trial:
    """A trial on an account whose sweep has a conversion."""
    return Trial(f"convert-{name}", faults, says, sentence, ends or {}, False, scenario or converting(), rounds=rounds)


def quoting() -> list[Trial]:
    """A quote that does not come moves nothing; a new one is asked for."""
    quote: Fault = {"endpoint": "convert_quote"}
    trials = [trial(f"quote-{how}-once", (fault | quote,)) for how, (fault, _) in PASSING.items()]
    trials += [trial(f"quote-{how}-once", (fault | quote,), OUTAGE, told) for how, (fault, told) in FINAL.items()]
    for how in LASTING:
        fault, told = (PASSING | FINAL)[how]
        trials.append(trial(f"quote-{how}-for_ever", (fault | quote | {"calls": "all"},), OUTAGE, told, rounds=3))
    refused: Fault = {"kind": "convert_refused", "endpoint": "convert_quote", "reason": "Conversion is closed"}
    forbidden: Fault = {"kind": "forbidden", "endpoint": "convert_quote", "reason": "convert"}
    return [
        *trials,
        trial("quote-refused-without_a_trade_id", (refused,), CARRIED | {"leg_refused"}, "Conversion is closed", STUCK),
        trial("quote-403_not_allowed", (forbidden,), CARRIED | {"leg_refused"}, "not allowed to convert", STUCK),
    ]


def committing() -> list[Trial]:
    """A commit whose answer is lost is settled by reading the trade, never by another quote."""
    trials = []
    for how, (fault, told) in LOST.items():
        for when, says in {"before": UNKNOWN | NEVER, "after": UNKNOWN, "later": UNKNOWN}.items():
            terms = {"delay": 40} if when == "later" else {}
            trials.append(
                trial(f"commit-{how}-{when}_effect", (commit(fault, when=when, **terms),), says, told, rounds=30)
            )
    for how, (fault, told) in CUT.items():
        trials.append(trial(f"commit-{how}-after_effect", (commit(fault),), UNKNOWN, told))
    for how, (fault, told) in TURNED_AWAY.items():
        trials.append(trial(f"commit-{how}-once", (commit(fault),), OUTAGE | NEVER, told))
    refusals: dict[str, tuple[Fault, str]] = {
        "refused-ends_canceled": ({"kind": "convert_refused", "reason": "Out of stock"}, "Out of stock"),
        "403_not_allowed": ({"kind": "forbidden", "reason": "convert"}, "not allowed to convert"),
        "400": ({"kind": "invalid", "sentence": "no such trade"}, "no such trade"),
    }
    for how, (fault, told) in refusals.items():
        trials.append(trial(f"commit-{how}", (commit(fault),), CARRIED | {"leg_refused"}, told, STUCK))
    busy, reset = commit({"kind": "rate_limited"}, calls="all"), commit({"kind": "reset"}, calls="all")
    too_late = commit({"kind": "reset"}, when="later", delay=900)
    told = "asked 3 times"
    return [
        *trials,
        trial("commit-429-for_ever", (busy,), OUTAGE | NEVER | CARRIED | {"leg_refused"}, told, STUCK, rounds=12),
        trial("commit-reset-for_ever", (reset,), UNKNOWN | NEVER | CARRIED | {"leg_refused"}, told, STUCK, rounds=90),
        trial("commit-comes_when_the_quote_has_expired", (too_late,), UNKNOWN | NEVER, rounds=40),
        trial("commit-slow_but_in_time", (commit({"kind": "slow", "seconds": str(PATIENCE / 5)}),)),
    ]


def committing_twice() -> list[Trial]:
    """The venue may answer a second commit like the first or with an error; the trade says which it was."""
    return [
        trial(
            f"commit_that_came_through_before-{how}-answered_with_{answer}",
            (commit(fault, when="later", delay="0.5"),),
            UNKNOWN,
            scenario=converting(second_commit=answer),
        )
        for answer, (how, (fault, _)) in product(("same", "error"), LOST.items())
    ]


def completing() -> list[Trial]:
    """A conversion ends in the venue's own time, and is read until it has."""
    lost = commit({"kind": "reset", "when": "after"})
    trials = [
        trial("completes-after_a_second", (), scenario=converting(seconds="1")),
        trial("completes-after_three_minutes", (), UNKNOWN, "STARTED", scenario=converting(seconds="180"), rounds=12),
        trial("completes-when_read_five_times", (), scenario=converting(reads=5)),
    ]
    for how in LASTING:
        fault, told = (PASSING | FINAL)[how]
        read = fault | {"endpoint": "get_convert"}
        once = UNKNOWN if how in FINAL else frozenset()
        trials.append(trial(f"read-{how}-once", (read,), once, told if once else ""))
        unreadable, how_long = (lost, read | {"calls": "all"}), f"lost_commit-read-{how}-for_ten_minutes"
        trials.append(trial(how_long, unreadable, UNKNOWN | OUTAGE, told, rounds=20))
    return trials


TRIALS = (*quoting(), *committing(), *committing_twice(), *completing())
