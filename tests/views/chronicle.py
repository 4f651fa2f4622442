"""One log in which everything happened that can: what real workers wrote, each story under an account of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from domain.identity import strategy_stream, stream_of
from events.facts import EthReserved, Fact, FundingCompleted, FundingDeclined, FundingOpened, StrategyFact
from events.log import EventLog, NewEvent, Recorded
from events.records import replace
from tests.domain.wallet import wallet
from tests.events.samples import SAMPLES
from tests.views.stories import STORIES, story

AT = datetime.fromisoformat("2026-03-01T02:00:07+00:00")


def happened() -> Iterator[tuple[Fact, datetime]]:
    """Yield every fact with its time, story after story."""
    for name in STORIES:
        for recorded in story(name).log:
            yield _under(recorded, name.replace(", ", "-").replace(" ", "_")), recorded.occurred_at
    for recorded in _on_chain():
        yield _under(recorded, "wallet"), recorded.occurred_at
    for sample in SAMPLES:
        if isinstance(sample, StrategyFact):
            yield sample, AT
        elif isinstance(sample, EthReserved | FundingOpened | FundingDeclined | FundingCompleted):
            yield replace(sample, account="trading"), AT


def write(log: EventLog) -> int:
    """Put it into a log and return how many events that were."""
    versions: dict[str, int] = {}
    for fact, at in happened():
        stream = strategy_stream(fact.strategy) if isinstance(fact, StrategyFact) else stream_of(fact.account)
        version = versions.get(stream, 0)
        log.append(stream, version, [NewEvent(f"{stream}-{version}", fact, at, "chronicle")])
        versions[stream] = version + 1
    return log.head()


def _on_chain() -> list[Recorded]:
    at = wallet()
    at.scan()
    at.finish()
    return list(at.log.read())


def _under(recorded: Recorded, account: str) -> Fact:
    return recorded.fact if isinstance(recorded.fact, StrategyFact) else replace(recorded.fact, account=account)
