"""An owner's way from a first look to a live account and back, with the real command line on the simulated venue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dustman.exits import Exit
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.dustman import test_doctor
from tests.dustman.conftest import Outcome, Typed, spawned
from tests.redis_server import RedisServer


def configure(home: Path, twin: CoinbaseTwin, redis_port: int, *lines: str, key: Path | None = None) -> Path:
    """Set up an account whose venue may be asked as fast as it answers."""
    config = test_doctor.configure(home, twin, redis_port, *lines, key=key)
    config.write_text(f"{config.read_text()}limits: {{requests_per_second: 500, seconds_between_conversions: 0}}\n")
    return config


@pytest.fixture
def twin() -> Iterator[CoinbaseTwin]:
    with CoinbaseTwin(small(requests_per_second="1000", burst=1000)) as running:
        yield running


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def config(home: Path, twin: CoinbaseTwin, redis: RedisServer) -> Path:
    return configure(home, twin, redis.port, "taker_fee: 0.012")


def lines(outcome: Outcome) -> list[dict[str, object]]:
    return [json.loads(line) for line in outcome.out.splitlines()]


def go_live(dustman: Typed) -> None:
    assert dustman("sweep", "--dry-run").exit == Exit.DONE
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.DONE


def test_scan__of_two_crumbs__shows_them_and_announces_nothing(config: Path, dustman: Typed) -> None:
    seen = dustman("scan", "--json")
    assert seen.exit == Exit.DONE
    assert [lot["asset"] for lot in seen.value["dust"]] == ["coinbase:ADA", "coinbase:XLM"]
    assert seen.value["requests"] <= 4
    assert {event["type"] for event in lines(dustman("events", "--json"))} == {"holdings_kept", "scan_completed"}


def test_scan__explained__says_of_everything_why_it_stays(config: Path, dustman: Typed) -> None:
    told = dustman("scan", "--explain")
    assert "it is what dust is converted into" in told.out
    assert "the policy excludes it" in told.out


def test_sweep__before_going_live__is_refused_with_the_way_there(config: Path, dustman: Typed) -> None:
    refused = dustman("sweep")
    assert refused.exit == Exit.REFUSED_BY_POLICY
    assert "dry-run" in refused.err
    assert "go-live main" in refused.err


def test_go_live__without_a_dry_run__is_refused(config: Path, dustman: Typed) -> None:
    assert dustman("go-live", "main", "--confirm", "main").exit == Exit.REFUSED_BY_POLICY


def test_go_live__after_a_dry_run_of_another_policy__is_refused(
    home: Path, twin: CoinbaseTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis.port)
    assert dustman("sweep", "--dry-run").exit == Exit.DONE
    configure(home, twin, redis.port, "threshold: 0.60")
    refused = dustman("go-live", "main", "--confirm", "main")
    assert refused.exit == Exit.REFUSED_BY_POLICY
    assert "another policy" in refused.err


def test_go_live__nobody_to_ask__says_which_option_answers(home: Path, config: Path, dustman: Typed) -> None:
    dustman("sweep", "--dry-run")
    refused = spawned("go-live", "main", cwd=home)
    assert refused.exit == Exit.CONFIGURATION
    assert "the answers ended too early; --confirm main allows it without asking" in refused.err


def test_go_live__with_the_wrong_name__changes_nothing(config: Path, dustman: Typed) -> None:
    dustman("sweep", "--dry-run")
    assert dustman("go-live", "main", "--confirm", "other").exit == Exit.REFUSED_BY_POLICY
    assert dustman("sweep").exit == Exit.REFUSED_BY_POLICY


def test_go_live__with_a_key_that_may_withdraw__is_refused(
    home: Path, twin: CoinbaseTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis.port, key=twin.key_file(("view", "trade", "transfer")))
    dustman("sweep", "--dry-run")
    refused = dustman("go-live", "main", "--confirm", "main")
    assert refused.exit == Exit.REFUSED_BY_POLICY
    assert "transfer" in refused.err


def test_sweep__dry_run__sells_nothing_and_prices_each_leg(config: Path, dustman: Typed, twin: CoinbaseTwin) -> None:
    before = {code: twin.balance(code) for code in ("ADA", "XLM", "USDC", "BTC")}
    rehearsed = dustman("sweep", "--dry-run", "--json")
    assert rehearsed.exit == Exit.DONE
    assert [leg["plan"]["kind"] for leg in rehearsed.value["legs"]] == ["sell", "sell", "buy"]
    assert {code: twin.balance(code) for code in before} == before


def test_sweep__with_nobody_watching__sells_only_what_the_policy_admits(
    home: Path, twin: CoinbaseTwin, redis: RedisServer, dustman: Typed
) -> None:
    configure(home, twin, redis.port, "admit: [XLM]")
    go_live(dustman)
    swept = dustman("sweep", "--json")
    assert [lot["asset"] for lot in swept.value["lots"]] == ["coinbase:XLM"]
    assert twin.balance("ADA") == 1
    assert twin.balance("XLM") == 0


def test_sweep__of_all_accounts__is_stopped_by_none_and_ends_as_the_worst(
    home: Path, twin: CoinbaseTwin, redis: RedisServer, dustman: Typed
) -> None:
    config = configure(home, twin, redis.port)
    text = config.read_text()
    start, end = text.index("  main:"), text.index("limits:")
    config.write_text(
        f"{text[:end]}{text[start:end].replace('  main:', '  other:')}{text[end:]}".replace("  main:", "  first:")
    )
    assert dustman("sweep", "other", "--dry-run").exit == Exit.DONE
    assert dustman("go-live", "other", "--confirm", "other").exit == Exit.DONE
    swept = dustman("sweep")
    assert swept.exit == Exit.REFUSED_BY_POLICY
    assert "first: it is not live" in swept.err
    assert "other: 2 lots have their answer" in swept.out
    assert twin.balance("ADA") == twin.balance("XLM") == 0


def test_journey__live_and_swept__every_view_tells_the_same(config: Path, dustman: Typed, twin: CoinbaseTwin) -> None:
    go_live(dustman)
    swept = dustman("sweep", "--json")
    assert swept.exit == Exit.DONE
    assert [lot["state"] for lot in swept.value["lots"]] == ["converted", "converted"]
    assert twin.balance("ADA") == twin.balance("XLM") == 0
    assert dustman("sweep", "--json").exit == Exit.NOTHING_TO_DO

    standing = dustman("status", "--json").value
    assert (standing["mode"], standing["open_sweep"], standing["lots"]) == ("live", None, {"converted": 2})

    replayed = dustman("replay", "--json").value
    assert replayed["ledger"]["main"]["coinbase:ADA"] == "-1"
    assert [lot["proceeds"] for lot in replayed["lots"]] == [lot["proceeds"] for lot in swept.value["lots"]]

    story, staying = lines(dustman("show", "ADA", "--json"))
    assert story["lot"]["state"] == "converted"  # type: ignore[index]
    assert staying["staying"][0]["reason"] == "zero"  # type: ignore[index]
    told = dustman("show", "ADA")
    assert "leg_requested" in told.out
    assert "dust_converted" in told.out


def test_replay__as_of_a_position__is_where_things_stood_then(config: Path, dustman: Typed) -> None:
    go_live(dustman)
    dustman("sweep")
    events = lines(dustman("events", "--json", "--type", "dust_detected"))
    position = str(events[0]["position"])
    then = dustman("replay", "--as-of", position, "--json").value
    assert [lot["state"] for lot in then["lots"]] == ["open", "open"]
    assert then["ledger"] == {}
    at_time = dustman("replay", "--as-of", str(events[0]["recordedtime"]), "--json").value
    assert at_time["position"] == int(position)


@pytest.mark.parametrize("command", [("status",), ("show", "ADA"), ("replay",)])
def test_views__as_of_any_position__show_what_they_showed_live_then(
    command: tuple[str, ...], config: Path, dustman: Typed
) -> None:
    dustman("scan")
    go_live(dustman)
    shown = {at(dustman): lines(dustman(*command, "--json"))}
    dustman("sweep")
    shown[at(dustman)] = lines(dustman(*command, "--json"))
    dustman("halt", "main")
    shown[at(dustman)] = lines(dustman(*command, "--json"))
    assert len(shown) == 3
    for position, live in shown.items():
        assert lines(dustman(*command, "--json", "--as-of", str(position))) == live
    moment = str(lines(dustman("events", "--json"))[min(shown) - 1]["recordedtime"])
    assert lines(dustman(*command, "--json", "--as-of", moment)) == shown[min(shown)]


def at(dustman: Typed) -> int:
    """The position at which the log ends."""
    return len(lines(dustman("events", "--json")))


@pytest.mark.parametrize("moment", ["yesterday", "999999", "-1", "", "2026-13-01", "١٢"])
def test_replay__as_of_nonsense__names_the_accepted_form(config: Path, dustman: Typed, moment: str) -> None:
    asked = dustman("replay", f"--as-of={moment}")
    assert asked.exit == (Exit.CONFIGURATION if moment else Exit.DONE)
    assert not moment or "--as-of" in asked.err


def test_events__of_an_unknown_type__names_those_there_are(config: Path, dustman: Typed) -> None:
    asked = dustman("events", "--type", "dust_found")
    assert asked.exit == Exit.USAGE
    assert "dust_detected" in asked.err


@pytest.mark.parametrize("word", ["", " "])
def test_show__nothing_named__is_refused_instead_of_showing_everything(config: Path, dustman: Typed, word: str) -> None:
    dustman("scan")
    shown = dustman("show", word)
    assert (shown.exit, shown.out) == (Exit.CONFIGURATION, "")
    assert "LOT is empty" in shown.err


def test_show__something_never_seen__says_what_is_accepted(config: Path, dustman: Typed) -> None:
    assert dustman("show", "NOSUCH").exit == Exit.CONFIGURATION


def test_halt__then_resume__stops_and_starts_conversions(config: Path, dustman: Typed) -> None:
    go_live(dustman)
    assert dustman("halt", "--reason", "on holiday").exit == Exit.DONE
    refused = dustman("sweep")
    assert refused.exit == Exit.REFUSED_BY_POLICY
    assert "on holiday" in refused.err
    assert dustman("status", "--json").value["mode"] == "halted"
    assert "was halted already" in dustman("halt").out
    assert dustman("resume").exit == Exit.DONE
    assert dustman("sweep").exit == Exit.DONE


def test_commands__of_an_account_that_is_not_there__name_those_that_are(config: Path, dustman: Typed) -> None:
    for words in (("scan", "other"), ("sweep", "other"), ("halt", "other"), ("status", "other"), ("go-live", "other")):
        refused = dustman(*words)
        assert refused.exit == Exit.CONFIGURATION, words
        assert "main" in refused.err, words


def test_scan__the_venue_is_down__is_unavailable_and_never_no_dust(
    config: Path, dustman: Typed, twin: CoinbaseTwin
) -> None:
    twin.stop()
    assert dustman("scan").exit == Exit.VENUE_UNAVAILABLE
    assert [event["type"] for event in lines(dustman("events", "--json"))] == ["venue_unreachable"]


def test_sweep__an_answer_that_was_lost__ends_with_outcome_unknown_and_is_settled_by_waiting(
    config: Path, dustman: Typed, twin: CoinbaseTwin
) -> None:
    go_live(dustman)
    twin.inject(kind="reset", endpoint="create_order", when="before")
    lost = dustman("sweep", "--json")
    assert lost.exit == Exit.OUTCOME_UNKNOWN
    assert lost.value["ended"] == "waiting"
    assert dustman("status", "--json").value["open_legs"] == ["sell ADA-USDC"]
    config.write_text(f"{config.read_text()}reconcile: {{never_arrived_after: 1 s}}\n")
    assert dustman("sweep", "--wait").exit == Exit.DONE
    assert dustman("status", "--json").value["lots"] == {"converted": 2}
    types = [event["type"] for event in lines(dustman("events", "--json"))]
    assert types.count("leg_never_arrived") == 1
    assert types.count("leg_filled") == 3


def test_sweep__no_redis_at_all__works_and_says_that_the_feed_is_behind(
    home: Path, twin: CoinbaseTwin, dustman: Typed
) -> None:
    configure(home, twin, 1)
    go_live(dustman)
    swept = dustman("sweep", "--json")
    assert swept.exit == Exit.DONE
    assert "feed" in swept.err
    assert [lot["state"] for lot in swept.value["lots"]] == ["converted", "converted"]
