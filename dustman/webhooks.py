"""The process that runs the webhooks, each in a thread of its own: `python -m dustman.webhooks`.

One of several such processes is at work; another takes over within seconds when it dies. It needs the log, Redis, a way
to the receivers, and no venue's key.
"""

from __future__ import annotations

import ssl
import sys
import threading
import uuid
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from hashlib import sha256

from domain.errors import ConfigurationError
from dustman import pulse
from dustman.keys import webhook_secret
from dustman.process import work
from dustman.service_settings import Webhook
from dustman.settings import Settings
from dustman.wiring import open_log, open_redis
from events.lease import Lease
from events.log import EventLog
from events.obstacle import Obstacles
from events.subscription import Subscription
from events.webhook import group_of
from workers.courier import Courier
from workers.receiver import Receiver

# One courier at a time has the lease, so all are one consumer: who takes over is first handed what the one before had.
CONSUMER = "courier"
BATCH = 10
# Tries are counted by what receivers said; being handed out again, after restarts, says nothing about an event.
MOST_DELIVERIES = sys.maxsize


def address_of(webhook: Webhook) -> str:
    """Return a name for the receiver's address that tells nothing about it."""
    return sha256(f"{webhook.url}{webhook.url.target}".encode()).hexdigest()[:16]


def tls_of(webhook: Webhook) -> ssl.SSLContext | None:
    """Return how a receiver proves who it is; `ConfigurationError` when the file of its authority cannot be used."""
    if not webhook.url.secure:
        return None
    try:
        return ssl.create_default_context(cafile=None if webhook.ca_file is None else str(webhook.ca_file))
    except OSError as error:
        raise ConfigurationError(f"ca_file: {webhook.ca_file} cannot be used, {error.strerror}") from None


def lease_key(identity: str) -> str:
    """Return the key of the lease for all webhooks of a log."""
    return f"dustman:webhooks:{identity}"


def begin(log: EventLog, name: str, webhook: Webhook) -> None:
    """Set where a webhook of a new name starts, once: `now` is when it is first seen."""
    group, head = group_of(name), log.head()
    first = first_position(log, name, webhook, head)
    if first > head + 1:
        raise ConfigurationError(f"webhooks.{name}.start: {first} is beyond the log, which ends at {head}")
    log.save_checkpoint(f"{group}:first", first)
    if first > 1:
        log.save_checkpoint(group, first - 1)


def first_position(log: EventLog, name: str, webhook: Webhook, head: int) -> int:
    """Return the position a webhook starts with: as it was decided, else as its settings would have it now."""
    # Kept apart from the checkpoint, since one of 0 reads like none.
    if decided := log.checkpoint(f"{group_of(name)}:first"):
        return decided
    return {"now": head + 1, "beginning": 1}.get(str(webhook.start)) or int(webhook.start)


def courier_of(settings: Settings, name: str, log: EventLog, lease: Lease) -> Courier:
    """Put a courier together; `ConfigurationError` when its secret or its authority is not there."""
    webhook, identity = settings.webhook(name), log.identity
    secret, tls = webhook_secret(settings, name), tls_of(webhook)
    begin(log, name, webhook)
    redis, where = open_redis(settings), webhook.url.origin
    return Courier(
        webhook=name,
        identity=identity,
        open_feed=lambda: Subscription(
            redis, log, group_of(name), CONSUMER, webhook.types, BATCH, most_deliveries=MOST_DELIVERIES
        ),
        receiver=Receiver(where.host, where.port, webhook.url.target, tls, webhook.timeout),
        address=address_of(webhook),
        secret=secret,
        tries=webhook.tries,
        obstacles=Obstacles(redis, identity, name),
        lease=lease,
    )


def run(settings: Settings, over: threading.Event) -> None:
    """Run every webhook of the settings until `over`; an error nobody foresaw in one of them ends all and is raised."""
    if not settings.webhooks:
        raise ConfigurationError("webhooks: the settings name none; docs/how-to/webhooks.md shows how")
    with closing(open_log(settings)) as log, ThreadPoolExecutor(len(settings.webhooks) + 1) as threads:
        lease = Lease(open_redis(settings), lease_key(log.identity), str(uuid.uuid4()))
        couriers = [courier_of(settings, name, log, lease) for name in settings.webhooks]
        try:
            running = [threads.submit(lease.keep, over), *(threads.submit(each.run, over) for each in couriers)]
            while not over.is_set():
                pulse.sign()
                for done in wait(running, pulse.EVERY / 5, FIRST_COMPLETED).done:
                    done.result()
        finally:
            over.set()


if __name__ == "__main__":
    work(run)
