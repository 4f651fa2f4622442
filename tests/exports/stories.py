"""Logs to export: sweeps that the rules decided, and a short story of awkward trades written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from domain.account import Account
from domain.commands import Declare, RecordScan
from domain.decision import fingerprint
from domain.identity import stream_of
from domain.leg import Answer
from domain.venue import NeverArrived, Pending
from events.facts import (
    AccountFact,
    AccountWentLive,
    DryRunCompleted,
    DustDetected,
    LegFilled,
    LegRequested,
    SweepCompleted,
)
from events.log import EventLog, NewEvent
from events.money import Amount, ticker
from events.values import Execution, Fill, LegKind, Lot, PlannedLeg, Source
from tests.domain.controls import ADA, BTC, DOGE, NOON, POLICY, TONE, USDC, D, filled, held, reading, when
from tests.domain.test_sweep import CHEAP_BUY, NO_BIDS, all_of_it, drive
from tests.events.clocks import SetClock

WORDS = ("all", "half", "no", "pending", "lost")
Scan = tuple[int, int, int, Sequence[str]]


def swept_account(name: str, scans: Sequence[Scan]) -> list[AccountFact]:
    """Everything that happens to an account whose venue answers each scan's legs in the given words."""
    mark = fingerprint(POLICY)
    account, facts = Account(name), list[AccountFact]()
    dry = DryRunCompleted(name, mark, 1, 0, Amount(D("0.00001"), BTC), NOON)
    live = AccountWentLive(name, mark, POLICY.sweep_cap, POLICY.day_cap, "USD")
    for fact in (dry, live):
        account, told = when(account, Declare(fact, type(fact).__name__))
        facts += told
    for week, (ada, doge, tone, words) in enumerate(scans):
        held_now = (held(ADA, str(D(ada) / 100)), held(DOGE, str(D(doge) / 100)), held(TONE, str(tone)))
        seen = replace(reading(*held_now, at=CHEAP_BUY, due=NOON + timedelta(days=7 * week)), account=name)
        account, told = when(account, RecordScan(seen, POLICY))
        facts += told
        coming = iter(words)
        account, told = drive(account, lambda intent, coming=coming: _answer(intent, next(coming, "all")))  # type: ignore[misc]
        facts += told
    return facts


def _answer(intent: LegRequested, word: str) -> Answer:
    match word:
        case "half":
            return filled(intent.quote, part=D("0.5"))
        case "no":
            return NO_BIDS
        case "pending":
            return Pending("not settled")
        case "lost":
            return NeverArrived()
        case _:
            return all_of_it(intent)


def record(log: EventLog, clock: SetClock, stories: Sequence[Sequence[AccountFact]], random: Random) -> None:
    """Append the stories side by side, each in its own order, at times that lie apart by anything up to an hour."""
    waiting = [list(story) for story in stories]
    while left := [story for story in waiting if story]:
        story = random.choice(left)
        fact = story.pop(0)
        stream = stream_of(fact.account)
        clock.move(random.choice([0, 0.000001, random.random(), random.randrange(3600)]))
        version = sum(1 for _ in log.stream(stream))
        log.append(stream, version, [NewEvent(f"{stream}-{version}", fact, clock(), "story")])


AT = NOON.replace(microsecond=987654)
HOSTILE = 'coinbase:=HYPERLINK("evil","x")'
TOKEN = "eip155:1/erc20:0x6B175474E89094C44Da98b954EedeAC495271d0F"


def awkward() -> list[AccountFact]:
    """A sweep with two equal orders, 18 decimals, a reward, a token of a chain, and one whose name is a formula."""
    sold = (
        ("ada", Amount(D("1.2"), ADA), "0.48", "0.00576", Source.LEFTOVER),
        ("ada-again", Amount(D("1.2"), ADA), "0.48", "0.00576", Source.LEFTOVER),
        ("doge", Amount(D("4.000000000000000001"), DOGE), "0.400000000000000003", "0.0048", Source.KING_CLAIM),
        ("token", Amount(D("0.1"), TOKEN), "0.1", "0", Source.LEFTOVER),
        ("evil", Amount(D("1E+2"), HOSTILE), "1E-8", "0", Source.LEFTOVER),
    )
    lots = tuple(Lot(f"lot-{name}", a.asset, a.quantity, D("0.1"), D("0.4"), "USD", how) for name, a, _, _, how in sold)
    plan = tuple(_planned(f"leg-{name}", LegKind.SELL, a.asset, USDC, f"lot-{name}") for name, a, _, _, _ in sold)
    buy = _planned("leg-buy", LegKind.BUY, USDC, BTC, None)
    opened = DustDetected(
        "main", "coinbase", "scan", "sweep", POLICY, "mark", lots, D("1.9"), (), (*plan, buy), live=True
    )
    fills = [
        _filled(f"leg-{name}", f"order-{name}", a, Amount(D(gross) - D(fee), USDC), Amount(D(fee), USDC))
        for name, a, gross, fee, _ in sold
    ]
    paid, fee = Amount(D("1.40"), USDC), Amount(D("0.0166"), USDC)
    bought = _filled("leg-buy", "order-buy", paid, Amount(D("0.00002305"), BTC), fee)
    done = SweepCompleted("main", "sweep", 5, 0, 0, Amount(D("0.00002305"), BTC))
    return [opened, *fills, bought, done]


def _planned(leg: str, kind: LegKind, spend: str, receive: str, lot: str | None) -> PlannedLeg:
    return PlannedLeg(leg, kind, f"{ticker(spend)}-USDC", spend, receive, lot, None, D("0.01"), D(0))


def _filled(leg: str, order: str, spent: Amount, received: Amount, fee: Amount) -> LegFilled:
    execution = Execution("trade", Decimal(1), spent.quantity, fee, AT)
    return LegFilled("main", "sweep", leg, Fill(order, spent, received, (fee,), (execution,)))
