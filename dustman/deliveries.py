"""How deliveries stand: what is parked, and which webhook is behind, retrying or stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from redis import Redis
from redis.exceptions import RedisError

from dustman.settings import Settings
from dustman.webhooks import address_of, first_position
from dustman.wiring import open_redis
from events.group import Group
from events.log import EventLog
from events.obstacle import Obstacles
from events.parked import Parked, groups
from events.webhook import group_of


class State(StrEnum):
    """How a webhook is doing."""

    UP_TO_DATE = "up to date"
    BEHIND = "behind"
    RETRYING = "retrying"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A webhook at a glance. `waiting` counts events it was not through with, whatever their type; `why` is the last
    failure, with its tries and the time of the next."""

    webhook: str
    url: str
    state: State
    waiting: int
    parked: int
    tries: int
    next_try: datetime | None
    why: str


def webhook_rows(settings: Settings, log: EventLog, redis: Redis) -> Sequence[WebhookRow]:
    """Return every webhook of the settings; raises `redis.RedisError` when Redis cannot be used now."""
    return [_row(settings, log, redis, name) for name in settings.webhooks]


def _row(settings: Settings, log: EventLog, redis: Redis, name: str) -> WebhookRow:
    webhook, group, head = settings.webhook(name), group_of(name), log.head()
    waiting = Group(redis, log.identity, group, consumer="", idle=0).waiting(head)
    known = Obstacles(redis, log.identity, name).get(address_of(webhook))
    if waiting is None:
        waiting = head - max(log.checkpoint(group), first_position(log, name, webhook, head) - 1)
    state = State.BEHIND if waiting else State.UP_TO_DATE
    if known:
        state = State.STOPPED if known.stopped else State.RETRYING
    return WebhookRow(
        webhook=name,
        url=str(webhook.url),
        state=state,
        waiting=max(waiting, 0),
        parked=parked(log, redis).get(group, 0),
        tries=known.tries if known else 0,
        next_try=None if known is None or known.stopped else datetime.fromtimestamp(known.until, UTC),
        why=f"position {known.position}: {known.words}" if known else "",
    )


def parked(log: EventLog, redis: Redis) -> Mapping[str, int]:
    """Return how many events of this log each group has parked; raises `redis.RedisError` without Redis."""
    counts = {}
    for group in groups(redis):
        of_group = Parked(redis, log.identity, group)
        if count := sum(of_group.owns(event) for event in of_group):
            counts[group] = count
    return counts


def troubles(settings: Settings, log: EventLog) -> Iterator[str]:
    """Say what of deliveries needs the owner; nothing when all is well."""
    try:
        with open_redis(settings) as redis:
            counts, rows = parked(log, redis), webhook_rows(settings, log, redis)
    except RedisError as error:
        yield f"Redis does not answer ({type(error).__name__}), so what is parked is not known"
        return
    if counts:
        yield in_words(counts)
    for row in rows:
        if row.state is not State.UP_TO_DATE:
            yield f"webhook {row.webhook} is {row.state.value}, {row.waiting} events wait{row.why and f' ({row.why})'}"


def in_words(counts: Mapping[str, int]) -> str:
    """Say in a sentence what is parked."""
    told = ", ".join(f"{count} of {group}" for group, count in counts.items())
    return f"events are parked, {told}; see `dustman parked list`"
