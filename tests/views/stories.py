"""Logs that the real workers wrote on the simulated venue: one for each way in which a lot may end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.commands import Declare
from events.facts import ConversionsHalted
from events.log import Recorded
from simulators.coinbase.scenario import Scenario
from tests.faults.orders import on
from tests.faults.trial import DUE, Fault, converting, staged, trading, work
from tests.workers.stand import Stand

NEXT = DUE + timedelta(days=2)


@dataclass(frozen=True)
class Story:
    """A log, and what the venue's own ledger says has moved by its end."""

    log: tuple[Recorded, ...]
    moved: Mapping[str, Decimal]


def ordinary(at: Stand) -> None:
    """A sweep in which nothing goes wrong."""
    assert work(at, 1)


def watching(at: Stand) -> None:
    """An account that never went live: dust is seen, and later less of it."""
    work(at, 1)
    with at.twin.exchange.transaction():
        at.twin.exchange.wallets.deposit("XLM", Decimal(100), at.clock())
    work(at, 1, NEXT)


def going_live(at: Stand) -> None:
    """An account that watches, and then goes live."""
    work(at, 1)
    at.go_live()
    work(at, 1, NEXT)


def struck(*faults: Fault, rounds: int = 2) -> Callable[[Stand], None]:
    """A sweep with faults in force."""

    def play(at: Stand) -> None:
        for fault in faults:
            at.twin.inject(**fault)
        work(at, rounds)

    return play


def mended(play: Callable[[Stand], None]) -> Callable[[Stand], None]:
    """The same, and the next sweep without faults."""

    def go_on(at: Stand) -> None:
        play(at)
        at.twin.calm()
        at.sleep(timedelta(days=2).total_seconds())
        assert work(at, 8, NEXT)

    return go_on


def halted(at: Stand) -> None:
    """A sweep, and then the owner's word."""
    ordinary(at)
    at.desk.streams.handle("main", Declare(ConversionsHalted("main", "holiday"), "1"), "test")


LOST: Fault = on("sell", {"kind": "reset", "when": "after"})
UNLISTED: Fault = {"kind": "server_error", "endpoint": "list_orders", "calls": "all"}
UNSOLD = struck(on("sell", {"kind": "refused", "reason": "PREVIEW_PRODUCT_TRADING_HALTED"}))
UNBOUGHT = struck(on("buy", {"kind": "empty_book"}))
HALF_BOUGHT = struck(on("buy", {"kind": "partial", "fraction": "0.4"}))
AWAY = struck({"kind": "server_error", "endpoint": "any", "calls": "all"})

STORIES: dict[str, tuple[Scenario, Callable[[Stand], None]]] = {
    "watched": (trading(), watching),
    "watched, then converted": (trading(), going_live),
    "converted": (trading(), ordinary),
    "exchanged": (converting(), ordinary),
    "unknown": (trading(), struck(LOST, UNLISTED)),
    "unsold": (trading(), UNSOLD),
    "unsold, then sold": (trading(), mended(UNSOLD)),
    "unbought": (trading(), UNBOUGHT),
    "unbought, then bought": (trading(), mended(UNBOUGHT)),
    "half bought": (trading(), HALF_BOUGHT),
    "half bought, then bought": (trading(), mended(HALF_BOUGHT)),
    "away": (trading(), AWAY),
    "away, then converted": (trading(), mended(AWAY)),
    "halted": (trading(), halted),
}


@cache
def story(name: str) -> Story:
    """Let the workers write a log, once for each name."""
    scenario, play = STORIES[name]
    with (
        TemporaryDirectory() as directory,
        staged(Path(directory), scenario, live=not name.startswith("watched")) as at,
    ):
        play(at)
        log = tuple(at.desk.log.read())
        at.desk.log.close()
        return Story(log, at.moved())
