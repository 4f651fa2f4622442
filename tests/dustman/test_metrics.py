"""Metrics from settings to Prometheus: what is exposed, by which names, and that rules and dashboard use no other."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.metrics import Exposition
from dustman.redis_server import free_port
from dustman.settings import load
from dustman.wiring import open_redis
from events.facts import ConversionsResumed
from events.feed import Feed
from events.log import CorruptLog, LogUnavailable
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from tests.events.samples import new
from tests.redis_server import RedisServer
from tests.views import chronicle
from views import measures

ROOT = Path(__file__).parents[2]
PROMETHEUS, DASHBOARD = ROOT / "containers/prometheus", ROOT / "containers/grafana/dustman.json"
RULES = PROMETHEUS / "dustman.rules.yml"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True)
class Exposed:
    """What a scrape brought: the type of each metric, and every sample."""

    text: str
    kinds: Mapping[str, str]
    samples: Samples

    @property
    def labels(self) -> Mapping[str, set[str]]:
        """The labels that samples of each name have; none for a metric without samples."""
        found: dict[str, set[str]] = {name: set() for name in self.kinds}
        for name, labels in self.samples:
            found.setdefault(name, set()).update(label for label, _ in labels)
        return found

    def value(self, name: str, **labels: str) -> float:
        return self.samples[name, frozenset(labels.items())]


def scrape(port: int) -> Exposed:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
        text = reply.read().decode()
    families = list(text_string_to_metric_families(text))
    names = {f"{each.name}_total" if each.type == "counter" else each.name: each.type for each in families}
    samples = {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}
    return Exposed(text, names, {key: value for key, value in samples.items() if not key[0].endswith("_created")})


@contextmanager
def answering(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The process that `dustman up` and containers run, once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dustman.metrics"],
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                scrape(port)
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, process.stderr and process.stderr.read()
                time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as started:
        yield started


def configured(home: Path, redis: RedisServer) -> int:
    """Write settings with metrics and a webhook, and return the port."""
    port = free_port()
    settings = {
        "redis": {"url": f"redis://127.0.0.1:{redis.port}"},
        "metrics": {"port": str(port)},
        "webhooks": {"ledger": {"url": "http://127.0.0.1:9/"}},
        "accounts": {"main": {"venue": "coinbase"}},
    }
    (home / "dustman.yaml").write_text(json.dumps(settings))
    (home / "var").mkdir(mode=0o700)
    return port


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Exposed:
    """What the real process says of a log in which everything happened."""
    home = tmp_path_factory.mktemp("exposed")
    port = configured(home, redis)
    log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC))
    chronicle.write(log)
    with redis.client() as client:
        Feed(client, log.identity).publish_pending(log)
        unable = Subscription(client, log, "webhook:ledger", "test", (), batch=1)
        (delivery,) = unable.take(1.0)
        unable.give_up(delivery, "cannot be handled")
    log.close()
    with answering(home, port):
        return scrape(port)


def test_exposition__of_a_real_run__has_every_measure_under_its_name_and_kind(exposed: Exposed) -> None:
    assert {measure.name: measure.kind.value for measure in measures.ALL}.items() <= exposed.kinds.items()
    assert {name for name in exposed.kinds if name.startswith("dustman_")} == {each.name for each in measures.ALL}


def test_exposition__of_a_real_run__has_the_labels_that_are_declared(exposed: Exposed) -> None:
    seen = {name: labels for name, labels in exposed.labels.items() if labels}
    declared = {measure.name: set(measure.labels) for measure in measures.ALL}
    assert {name: declared[name] for name in seen if name in declared} == {
        name: labels for name, labels in seen.items() if name in declared
    }
    assert exposed.value("dustman_log_up") == exposed.value("dustman_feed_up") == 1
    assert exposed.value("dustman_log_position") == exposed.value("dustman_metrics_position") > 0
    assert exposed.value("dustman_feed_lag_events") == 0


def test_exposition__of_strangers_tokens__makes_no_label_of_them(exposed: Exposed) -> None:
    values = {value for _, labels in exposed.samples for _, value in labels}
    assert not any("0xAAA" in value or "ADA" in value for value in values)


def used(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric that an expression asks for, with the labels by which it chooses or groups it."""

    def walk(expr: Any, grouped: frozenset[str]) -> Iterator[tuple[str, set[str]]]:
        match expr:
            case promql_parser.VectorSelector():
                yield str(expr.name), {matcher.name for matcher in expr.matchers.matchers} | grouped
            case promql_parser.MatrixSelector():
                yield from walk(expr.vector_selector, grouped)
            case promql_parser.AggregateExpr():
                labels = frozenset(expr.modifier.labels) if expr.modifier else frozenset()
                yield from walk(expr.expr, grouped | labels)
            case promql_parser.Call():
                for argument in expr.args:
                    yield from walk(argument, grouped)
            case promql_parser.BinaryExpr():
                yield from walk(expr.lhs, grouped)
                yield from walk(expr.rhs, grouped)
            case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
                yield from walk(expr.expr, grouped)
            case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
                return
            case _:
                raise AssertionError(f"{type(expr).__name__} in {expression}")

    yield from walk(promql_parser.parse(expression), frozenset())


def mistakes(expression: str, texts: str, exposed: Exposed) -> list[str]:
    """What an expression, or a text that shows its result's labels, names that is not exposed."""
    found, there = [], set[str]()
    for name, labels in used(expression):
        if name not in exposed.kinds:
            found.append(f"there is no metric {name}")
        there |= exposed.labels.get(name, set())
        if unknown := labels - exposed.labels.get(name, set()):
            found.append(f"{name} has no label {', '.join(sorted(unknown))}")
    shown = set(re.findall(r"\$labels\.(\w+)", texts)) | set(re.findall(r"\{\{(\w+)\}\}", texts))
    return found + [f"{expression} gives no label {label}" for label in sorted(shown - there)]


def rules() -> list[Any]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def targets() -> list[tuple[str, str]]:
    dashboard = json.loads(DASHBOARD.read_text())
    shown = [(each["expr"], each["legendFormat"]) for panel in dashboard["panels"] for each in panel.get("targets", ())]
    asked = [each["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    return shown + [
        (f"sum by ({label}) ({name})", "")
        for name, label in (re.fullmatch(r"label_values\((\w+), (\w+)\)", each).groups() for each in asked)  # type: ignore[union-attr]
    ]


def test_rules__each__ask_for_metrics_and_labels_that_are_exposed(exposed: Exposed) -> None:
    assert len(rules()) >= 15
    for rule in rules():
        assert mistakes(rule["expr"], rule["annotations"]["summary"], exposed) == [], rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_dashboard__each_panel__asks_for_metrics_and_labels_that_are_exposed(exposed: Exposed) -> None:
    assert len(targets()) >= 25
    for expression, legend in targets():
        assert mistakes(expression, legend, exposed) == [], expression


def test_dashboard__panels__have_places_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    cells = [
        (at["x"] + x, at["y"] + y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["w"])
        for y in range(at["h"])
    ]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize(
    ("expression", "texts"),
    [
        ("dustman_sweep_total > 0", ""),
        ('dustman_venue_up{exchange="x"} == 0', ""),
        ("sum by (token) (dustman_fees_total)", ""),
        ("dustman_venue_up == 0", "{{ $labels.strategy }}"),
        ("sum(rate(dustman_legs_total[5m])) > 0", "{{colour}}"),
    ],
)
def test_mistakes__in_an_expression__are_found(exposed: Exposed, expression: str, texts: str) -> None:
    assert mistakes(expression, texts, exposed) != []


def test_rules__held_against_numbers__fire_when_they_should() -> None:
    """Every alert is expected somewhere; Prometheus's own tool runs the expectations where it is installed."""
    cases = yaml.safe_load((PROMETHEUS / "dustman.test.yml").read_text())["tests"]
    fired = {test["alertname"] for case in cases for test in case.get("alert_rule_test", ()) if test["exp_alerts"]}
    assert fired == {rule["alert"] for rule in rules()}
    if promtool := shutil.which("promtool"):
        for command in (["check", "config", "prometheus.yml"], ["test", "rules", "dustman.test.yml"]):
            subprocess.run([promtool, *command], cwd=PROMETHEUS, check=True, capture_output=True)


def test_exposition__in_the_eyes_of_promtool__has_good_names(exposed: Exposed) -> None:
    ours = "".join(line + "\n" for line in exposed.text.splitlines() if "dustman_" in line)
    assert "# HELP dustman_log_position " in ours
    if promtool := shutil.which("promtool"):
        linted = subprocess.run([promtool, "check", "metrics"], input=ours, capture_output=True, text=True, check=False)
        assert (linted.returncode, linted.stdout + linted.stderr) == (0, "")


def test_restart__in_the_middle_of_a_life__sets_no_counter_back(home: Path, redis: RedisServer) -> None:
    port = configured(home, redis)
    log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC))
    total = chronicle.write(log)
    with answering(home, port) as process:
        before = scrape(port)
        process.send_signal(signal.SIGKILL)
        process.wait()
    version = sum(1 for _ in log.stream("account-halted"))
    log.append("account-halted", version, [new("more", ConversionsResumed("halted"))])
    with answering(home, port) as process:
        after = scrape(port)
        process.terminate()
        assert process.wait(10) == Exit.DONE
    log.close()
    assert after.value("dustman_log_position") == total + 1
    halted = {"account": "halted", "venue": "coinbase"}
    assert (before.value("dustman_account_halted", **halted), after.value("dustman_account_halted", **halted)) == (1, 0)
    counters = {
        key: value
        for key, value in before.samples.items()
        if key[0].startswith("dustman_") and key[0].endswith("_total")
    }
    assert len(counters) > 50
    assert all(after.samples[key] >= value for key, value in counters.items())


class Away(SQLiteLog):
    """A log that its store does not give."""

    error: Exception | None = None

    def read(self, after: int = 0, until: int | None = None) -> Any:
        if self.error:
            raise self.error
        return super().read(after, until)


def test_log__that_is_away_or_damaged__leaves_the_numbers_as_they_were_and_says_so(
    home: Path, redis: RedisServer
) -> None:
    configured(home, redis)
    log = Away(home / "var/dustman.db", lambda: datetime.now(UTC))
    log.append("account-main", 0, [new("1"), new("2")])
    with open_redis(load(home / "dustman.yaml", {})) as client:
        exposition = Exposition(log, client, {"main": "coinbase"}, ["converter"])
        for error, failure in ((None, None), (LogUnavailable("locked"), None), (CorruptLog("gap"), CorruptLog)):
            log.error = error
            values = {each.name: each.samples[0].value for each in exposition.collect() if each.samples}
            assert values["dustman_log_up"] == (error is None)
            assert values["dustman_log_position"] == 2
            assert values["dustman_account_halts"] == 2
            assert type(exposition.failure) is (failure or type(None))
    log.close()


def test_redis__that_is_away__takes_only_the_feeds_numbers(home: Path, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with RedisServer(tmp_path / "server") as server:
        configured(home, server)
    log = SQLiteLog(home / "var/dustman.db", lambda: datetime.now(UTC))
    log.append("account-main", 0, [new("1")])
    with open_redis(load(home / "dustman.yaml", {})) as client:
        exposed = {each.name: each.samples for each in Exposition(log, client, {}, ["converter"]).collect()}
    log.close()
    assert exposed["dustman_feed_up"][0].value == 0
    assert exposed["dustman_log_up"][0].value == exposed["dustman_log_position"][0].value == 1
    assert exposed["dustman_feed_lag_events"] == exposed["dustman_consumer_lag_events"] == []


def test_port__that_another_has__is_an_error_that_names_it(home: Path, redis: RedisServer) -> None:
    port = configured(home, redis)
    with answering(home, port):
        second = subprocess.run(
            [sys.executable, "-m", "dustman.metrics"],
            cwd=home, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    assert second.returncode == Exit.CONFIGURATION
    assert second.stderr == f"dustman: metrics: 127.0.0.1:{port} cannot be listened at, Address already in use\n"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{port: 0}", "is not a whole number from 1 to 65535"),
        ("{port: 70000}", "is not a whole number from 1 to 65535"),
        (
            "{host: example.com}",
            "is not an address of this machine, such as 127.0.0.1, or localhost",
        ),
        ("{prot: 9464}", "metrics.prot"),
        ("on", "off, or a mapping such as"),
    ],
)
def test_settings__with_a_mistake__name_it(home: Path, written: str, said: str) -> None:
    config = home / "dustman.yaml"
    config.write_text(f"accounts: {{main: {{venue: coinbase}}}}\nmetrics: {written}\n")
    with pytest.raises(ConfigurationError) as error:
        load(config, {})
    assert said in str(error.value)


def test_settings__are_off_until_asked_for_and_the_environment_names_the_host(home: Path) -> None:
    config = home / "dustman.yaml"
    config.write_text("accounts: {main: {venue: coinbase}}\n")
    assert load(config, {}).metrics is None
    config.write_text("accounts: {main: {venue: coinbase}}\nmetrics: {}\n")
    ours = load(config, {"DUSTMAN_METRICS_HOST": "0.0.0.0"}).metrics
    assert ours and (ours.host, ours.port) == ("0.0.0.0", 9464)
