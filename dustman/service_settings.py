"""Settings of what every account shares: the log, Redis, workers, and who is told of what."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from dustman.forms import (
    AccountName,
    AlarmName,
    Count,
    Database,
    Duration,
    EventWord,
    File,
    Host,
    LevelName,
    LogUrl,
    Patience,
    Port,
    Positive,
    Rate,
    Seconds,
    SecretSource,
    ServerUrl,
    Start,
    Tries,
    Variable,
    WebhookUrl,
    When,
    Window,
)
from dustman.section import Section, rule, setting, word_or


class Log(Section):
    """Where the event log is kept."""

    url: LogUrl = setting("sqlite:///var/dustman.db", "The store of the log. DUSTMAN_LOG_URL overrides it.")


class Audit(Section):
    """How the log is signed, so that a change of it shows."""

    key: File = setting(
        "var/audit.key",
        "The file of the key that signs checkpoints; `dustman audit` makes it, readable by its owner alone.",
    )


class Redis(Section):
    """The Redis that carries tasks and the feed of events. Losing it loses nothing: the log is elsewhere."""

    url: ServerUrl = setting("redis://127.0.0.1:6379", "The server. DUSTMAN_REDIS_URL overrides it.")
    broker_db: Database = setting("1", "The database of Celery's queues.")
    feed_db: Database = setting("0", "The database of the event stream, read by subscribers.")
    feed_window: Window = setting(
        "100000",
        "How many of the newest events the stream holds, each in some 1.2 KB of its memory; the log holds all.",
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.broker_db == self.feed_db:
            raise rule("broker_db and feed_db are the same database; give each its own", "broker_db")
        return self

    @property
    def broker_url(self) -> str:
        """Return the URL that Celery connects to, with its password."""
        return self.url.database(self.broker_db)

    @property
    def feed_url(self) -> str:
        """Return the URL of the event stream's database, with its password."""
        return self.url.database(self.feed_db)


class Limits(Section):
    """How fast a venue is asked, for all workers of one key together."""

    requests_per_second: Rate = setting("10", "Requests of one key a second.")
    seconds_between_conversions: Seconds = setting("0.5", "The least time between two orders of one key.")


class Reconcile(Section):
    """How orders whose answer was lost are settled."""

    every: Duration = setting("30 s", "How often the venue is asked what became of them.")
    never_arrived_after: Duration = setting(
        "150 s",
        "How long the venue must know nothing of an order before it counts as never arrived; above 120 s, the life of "
        "Coinbase's request tokens, unless every account is simulated on this machine.",
    )


class Workers(Section):
    """How much `dustman up` does at once; with containers, the commands in docker-compose.yml say it."""

    detector: Count = setting("4", "How many accounts are scanned at once.")
    converter: Count = setting("2", "How many accounts are converted at once, each in a process of some 60 MB.")


class Metrics(Section):
    """Numbers for Prometheus, from one process."""

    host: Host = setting(
        "127.0.0.1",
        "The address they are read at, over plain HTTP and by whoever reaches it. DUSTMAN_METRICS_HOST overrides it.",
    )
    port: Port = setting("9464", "Its port.")


def metrics_or_off(value: object) -> object:
    return word_or("off", 'off, or a mapping such as {port: "9464"}', (dict, Metrics), value)


class Target(Section):
    """Somebody who is told, by a service that apprise knows."""

    url: Variable = setting(
        ...,
        "Where the service's apprise URL is, in the environment or in .env beside this file; never the URL itself, "
        "which has a secret in it.",
    )
    silent_url: Variable | None = setting(
        None, "The same for alerts that make no sound, such as the same chat told so in its URL; else they use `url`."
    )


class Alerts(Section):
    """Who is told of what needs them, and of what."""

    targets: dict[AccountName, Target] = setting(..., "Who is told, by a name of your choice.", min_length=1)
    levels: dict[AlarmName, LevelName] = setting({}, "What becomes of an alarm, where not what docs/reference says.")
    collapse: Duration = setting("1 h", "Alike alarms within this time are one alert and a count.")
    digest: When = setting("0 8 * * *", "When the digest is sent, in UTC, if there is anything in it.")
    unreachable_after: Duration = setting("15 min", "How long a venue may be away.")
    unknown_after: Duration = setting("15 min", "How long a request to a venue may have no final answer.")
    carried_after: Duration = setting("14 d", "How long proceeds may wait for enough to buy the target.")
    scan_overdue_after: Duration = setting("8 d", "How long an account may go without a scan.")
    over_intervals: Tries = setting("3", "How many measurements in a row a strategy's dust may be over its threshold.")
    unroutable_growth: Positive = setting(
        "5", "By how much dust without a way out may grow, in the account's currency."
    )


def alerts_or_off(value: object) -> object:
    return word_or("off", "off, or a mapping such as {targets: {me: {url: env:DUSTMAN_ALERTS}}}", (dict, Alerts), value)


class Webhook(Section):
    """A receiver of the log's events over HTTP: each in order, at least once, signed with a secret both know."""

    url: WebhookUrl = setting(..., "Where events are sent; shown without path and query, which may hold a secret.")
    secret: SecretSource = setting(
        "env",
        "Where the secret is, `whsec_` and 24 to 64 random bytes in Base64: `env` for `DUSTMAN_WEBHOOK_<NAME>_SECRET` "
        "in the environment or in .env beside this file, or the path of a file; never the secret. Two secrets with a "
        "space between, while it is changed, sign both.",
    )
    types: tuple[EventWord, ...] = setting((), "The types of events that are sent; all when empty.")
    start: Start = setting(
        "now", "What is sent first, read when the name is new: what comes from now on, all there is, or a position on."
    )
    tries: Tries = setting(
        "12", "How often an event is sent before it is parked and the next one goes on; 12 take half an hour."
    )
    timeout: Patience = setting("10", "How long a try may take.")
    ca_file: File | None = setting(None, "The certificate authority of a receiver that no public one vouches for.")
