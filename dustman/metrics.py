"""The process that shows the log's numbers to Prometheus: `python -m dustman.metrics`.

It reads the log and asks Redis how far the feed is, and writes to neither. It answers when it has read the log whole,
so a counter is never smaller than it was before a restart.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from itertools import chain
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from domain.errors import ConfigurationError
from dustman import pulse
from dustman.deliveries import parked
from dustman.process import work
from dustman.settings import Settings
from dustman.wiring import open_log, open_redis
from events.feed import Feed
from events.group import Group
from events.log import CorruptLog, EventLog, LogUnavailable
from events.webhook import group_of
from views import measures
from views.measures import Kind
from views.metrics import Metrics, Sample
from workers.intake import GROUP

logger = logging.getLogger("dustman")
LOOK_SECONDS: Final = pulse.EVERY / 5


class Exposition(Collector):
    """What is answered to Prometheus: the log up to now, and how far behind it who reads it is.

    While the log is away, the numbers stay as they were and `dustman_log_up` says so. Damage found in it ends the
    process: `failure` is what `run` raises.
    """

    def __init__(self, log: EventLog, redis: Redis, venues: Mapping[str, str], consumers: Iterable[str]) -> None:
        self.failure: Exception | None = None
        self._log, self._redis, self._consumers = log, redis, tuple(consumers)
        self._metrics = Metrics(venues)
        self._head = 0
        self._feed = Feed(redis, log.identity)
        self._reading = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, those without a number yet as a name only."""
        with self._reading:
            samples = list(chain(self._of_log(), self._metrics.samples(), self._of_feed()))
        families = {measure: _family(measure) for measure in measures.ALL}
        for measure, labels, value in samples:
            families[measure].add_metric(labels, float(value))
        yield from families.values()

    def catch_up(self) -> None:
        """Read what the log has more than these numbers tell."""
        with self._reading:
            self._catch_up()

    def _catch_up(self) -> None:
        for recorded in self._log.read(after=self._metrics.position):
            self._metrics.apply(recorded)
        self._head = self._log.head()

    def _of_log(self) -> Iterator[Sample]:
        up = True
        try:
            self._catch_up()
        except LogUnavailable as error:
            logger.warning("the log is away, its numbers stay as they were: %s", error)
            up = False
        except CorruptLog as damage:
            self.failure, up = damage, False
        yield Sample(measures.LOG_UP, (), Decimal(up))
        yield Sample(measures.HEAD, (), Decimal(self._head))
        yield Sample(measures.VIEW, (), Decimal(self._metrics.position))

    def _of_feed(self) -> Iterator[Sample]:
        """What Redis and the checkpoints say; nothing but `feed_up` while either is away."""
        found = []
        try:
            found.append(Sample(measures.FEED_LAG, (), Decimal(max(0, self._head - self._feed.last()))))
            for consumer in self._consumers:
                found.append(Sample(measures.CONSUMER_LAG, (consumer,), Decimal(self._lag(consumer))))
            for consumer, count in parked(self._log, self._redis).items():
                found.append(Sample(measures.PARKED, (consumer,), Decimal(count)))
        except (RedisError, LogUnavailable) as error:
            logger.warning("the feed could not be asked: %s: %s", type(error).__name__, error)
            found = [Sample(measures.FEED_UP, (), Decimal(0))]
        else:
            found.append(Sample(measures.FEED_UP, (), Decimal(1)))
        yield from found

    def _lag(self, consumer: str) -> int:
        waiting = Group(self._redis, self._log.identity, consumer, consumer="", idle=0).waiting(self._head)
        return max(0, self._head - self._log.checkpoint(consumer) if waiting is None else waiting)


def _family(measure: measures.Measure) -> CounterMetricFamily | GaugeMetricFamily:
    made = CounterMetricFamily if measure.kind is Kind.COUNTER else GaugeMetricFamily
    return made(measure.name.removesuffix("_total"), measure.meaning, labels=measure.labels)


def run(settings: Settings, over: threading.Event) -> None:
    """Answer until `over`."""
    if settings.metrics is None:
        raise ConfigurationError("metrics: the settings have them off; docs/how-to/alerts.md shows how")
    host, port = settings.metrics.host, settings.metrics.port
    with closing(open_log(settings)) as log, closing(open_redis(settings)) as redis:
        venues = {name: str(account.venue) for name, account in settings.accounts.items()}
        exposition = Exposition(log, redis, venues, [GROUP, *map(group_of, settings.webhooks)])
        exposition.catch_up()
        registry = CollectorRegistry()
        registry.register(exposition)
        ProcessCollector(registry=registry)
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            raise ConfigurationError(f"metrics: {host}:{port} cannot be listened at, {error.strerror}") from None
        try:
            while not over.wait(LOOK_SECONDS):
                pulse.sign()
                if exposition.failure:
                    raise exposition.failure
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


if __name__ == "__main__":
    work(run)
