"""Two strategies in one wallet, one of which bears less dust: each is held against its own equity, or told why not."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from pathlib import Path

from redis import Redis

from domain.equity import Computed, EquitySource
from events.facts import DustConverted, DustDetected, DustInstructed, StrategyMeasured, StrategyNotMeasured
from events.values import Unmeasured
from simulators.chain.chain import LocalChain
from tests.redis_server import RedisServer
from tests.strategies.stand import ETHER, Team, charter, team
from tests.strategies.test_measuring import REWARDS, STAKE
from tests.wallets.stand import ACCOUNT, D, balanced
from tests.workers.test_tasks import run
from workers import tasks
from workers.equity import Supplied, from_redis

KEY, AGE = "equity:wide", timedelta(minutes=10)
INTERVAL = timedelta(seconds=300)


def told(equity: str, at: datetime, currency: str = "USD") -> str:
    return json.dumps({"equity": equity, "currency": currency, "as_of": at.isoformat()})


def supplied(built: Team, redis: Redis) -> None:
    """Have the equity of `wide` stand in Redis; that of the other is computed."""

    def source(strategy: str) -> EquitySource:
        return Supplied(f"redis {KEY}", from_redis(redis, KEY), AGE) if strategy == "wide" else Computed()

    built.desk = dataclasses.replace(built.desk, equity=source)


def test_two__with_different_shares__sell_when_the_tighter_is_exceeded(chain: LocalChain, tmp_path: Path) -> None:
    two = (charter(chain, "wide", delta=D("0.01")), charter(chain, "tight", delta=D("0.0005")))
    with team(chain, tmp_path, STAKE | REWARDS, *two) as built:
        built.measure("wide")
        assert not built.facts(DustDetected)
        built.measure("tight")
        wide, tight = built.facts(StrategyMeasured)
        assert (wide.total, wide.equity) == (tight.total, tight.equity) and wide.threshold == 20 * tight.threshold
        assert (wide.exceeds, tight.exceeds, tight.triggered) == (False, True, True)
        assert [each.strategy for each in built.facts(DustDetected)] == ["tight"]
        built.settle()
        assert len(built.facts(DustConverted)) == 2
        built.measure("wide")
        assert built.facts(StrategyMeasured)[-1].total == 0
        balanced(built)


def test_two__of_which_one_has_its_equity_supplied__are_each_held_against_their_own(
    chain: LocalChain, tmp_path: Path
) -> None:
    two = (charter(chain, "wide", delta=D("0.01")), charter(chain, "tight", delta=D("0.005")))
    with RedisServer(tmp_path) as server, server.client() as redis, team(chain, tmp_path, STAKE | REWARDS, *two) as at:
        supplied(at, redis)
        redis.set(KEY, told("30000", at.clock()))
        at.measure("tight")
        assert not at.facts(DustDetected)
        at.measure("wide")
        [instructed] = at.facts(DustInstructed)
        assert (instructed.strategy, at.facts(StrategyMeasured)[-1].source) == ("wide", f"redis {KEY}")
        at.settle()
        assert len(at.facts(DustConverted)) == 2
        balanced(at)


def test_two__of_which_one_has_no_equity_to_go_by__are_told_why_and_the_other_goes_on(
    chain: LocalChain, home: Path
) -> None:
    """Whatever stands in the key, the task comes to an end and the record says why nothing is sold."""
    (home / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
    two = (charter(chain, "wide", delta=D("0.000001")), charter(chain, "tight", delta=D("0.0005")))
    with RedisServer(home) as server, server.client() as redis, team(chain, home, STAKE | REWARDS, *two) as at:
        supplied(at, redis)
        now = at.clock() + INTERVAL
        answers = {
            told("0", now): Unmeasured.EQUITY_ZERO,
            told("-0", now): Unmeasured.EQUITY_ZERO,
            told("-1.5", now): Unmeasured.EQUITY_NEGATIVE,
            told("30000", now - AGE - INTERVAL): Unmeasured.EQUITY_STALE,
            told("30000", now + timedelta(days=1)): Unmeasured.EQUITY_STALE,
            told("NaN", now): Unmeasured.EQUITY_UNAVAILABLE,
            told("1e5000", now): Unmeasured.EQUITY_UNAVAILABLE,
            told("9" * 5000, now): Unmeasured.EQUITY_UNAVAILABLE,
            told("\uff15\u0000\u202e", now): Unmeasured.EQUITY_UNAVAILABLE,
            told("30000", now, "\x1b[2J\u202e"): Unmeasured.EQUITY_UNAVAILABLE,
            '{"equity": true, "currency": "USD"}': Unmeasured.EQUITY_UNAVAILABLE,
            "[]": Unmeasured.EQUITY_UNAVAILABLE,
            "\ufeff": Unmeasured.EQUITY_UNAVAILABLE,
        }
        at.clock.stands, at.clock.ahead = now, timedelta(0)
        for content, reason in answers.items():
            redis.set(KEY, content)
            run(at.desk, lambda: tasks.measure.run("wide"))
            last = at.facts(StrategyNotMeasured)[-1]
            assert (last.reason, last.sentence.isprintable()) == (reason, True), content
            at.clock.stands = now = now + INTERVAL
        redis.delete(KEY)
        redis.lpush(KEY, "of another type")
        run(at.desk, lambda: tasks.measure.run("wide"))
        server.kill()
        at.clock.stands = now + INTERVAL
        run(at.desk, lambda: tasks.measure.run("wide"))
        doubts = at.facts(StrategyNotMeasured)
        assert [each.reason for each in doubts[-2:]] == [Unmeasured.EQUITY_UNAVAILABLE] * 2
        assert len(doubts) == len(answers) + 2
        assert not at.facts(DustInstructed) and not at.facts(DustDetected) and not at.nudges
        run(at.desk, lambda: tasks.measure.run("tight"))
        assert [each.strategy for each in at.facts(DustDetected)] == ["tight"]
        assert at.nudges == [("convert", ACCOUNT)]


def test_two__whose_equity_is_as_small_or_as_large_as_money_gets__are_measured_without_a_crash(
    chain: LocalChain, tmp_path: Path
) -> None:
    with RedisServer(tmp_path) as server, server.client() as redis:
        with team(chain, tmp_path, STAKE | {"EIGEN": ETHER}, charter(chain, "wide")) as at:
            supplied(at, redis)
            for worth in ("1e-40", "0." + "0" * 37 + "123", "9" * 40, "1e40", "1" + "0" * 20 + "." + "1" * 19):
                redis.set(KEY, told(worth, at.clock()))
                at.measure("wide")
                last = at.facts(StrategyMeasured)[-1]
                assert last.equity == D(worth) and last.exceeds == (D(worth) < 1)
        assert not at.facts(StrategyNotMeasured)
