"""State as of a moment is what a fold of everything recorded by then says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from events.facts import account_of
from events.log import EventLog
from events.sqlite import SQLiteLog
from tests.events.clocks import SetClock
from tests.exports.stories import record, swept_account
from views.state import State, state_of

TICK = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventLog]:
    clock, path = SetClock(), Path(tmp_path_factory.mktemp("as-of"), "log.db")
    log = SQLiteLog(path, clock)
    stories = [
        swept_account("main", [(120, 490, 0, []), (50, 0, 30, ["half", "no"])]),
        swept_account("other", [(0, 300, 32, ["lost", "pending"])]),
        swept_account("third", [(10, 0, 0, []), (119, 0, 0, ["all", "half"])]),
    ]
    record(log, clock, stories, Random(7))
    yield log
    log.close()


def moments(times: list[datetime], random: Random) -> Iterator[datetime]:
    """Times before, after, between, equal to and beside those of record."""
    yield from (times[0] - TICK, times[0] - timedelta(days=900), times[-1] + TICK, times[-1] + timedelta(days=900))
    while True:
        at = random.choice(times)
        span = times[-1] - times[0] + timedelta(hours=2)
        yield random.choice([at, at - TICK, at + TICK, times[0] - timedelta(hours=1) + span * random.random()])


def test_state__as_of_1000_times__is_the_full_fold_of_what_was_recorded_by_then(log: EventLog) -> None:
    random, records = Random(11), list(log.read())
    folds: dict[tuple[int, str], State] = {}
    seen = set()
    for moment, _ in zip(moments([recorded.recorded_at for recorded in records], random), range(1000), strict=False):
        by_then = [recorded for recorded in records if recorded.recorded_at <= moment]
        account = random.choice(["", "main", "other", "third"])
        key = (len(by_then), account)
        if key not in folds:
            folds[key] = state_of(each for each in by_then if account in ("", account_of(each.fact)))
        assert state_of(log.read(until=log.position_at(moment)), account) == folds[key]
        seen.add(len(by_then))
    assert {0, len(records)} < seen


def test_state__of_one_account__knows_nothing_of_the_others(log: EventLog) -> None:
    whole, main = state_of(log.read()), state_of(log.read(), "main")
    assert set(main.accounts) == set(main.ledger) == {"main"}
    assert main.ledger["main"] == whole.ledger["main"]
    assert main.lots.rows == {name: row for name, row in whole.lots.rows.items() if row.account == "main"}
    assert len(main.lots.rows) < len(whole.lots.rows)
