"""What runs in processes of its own while a test writes, reads or kills."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from contextlib import closing, suppress
from decimal import Decimal
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Event

import psycopg
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from domain.commands import Declare
from dustman.subscriber import Follower
from events.facts import DryRunCompleted
from events.feed import BATCH, Feed
from events.log import LogConflict, LogUnavailable, ProvableLog
from events.money import Amount
from events.postgres import PostgresLog
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from tests.events.clocks import utc_now
from tests.events.samples import AT, new
from workers.handling import ACCOUNTS, Streams
from workers.relaying import keep_up

# Spawned, not forked: a test process has threads.
SPAWN = multiprocessing.get_context("spawn")


def spawn(target: object, *arguments: object) -> BaseProcess:
    """Start `target(*arguments)` in a new process; the caller joins or kills it."""
    process = SPAWN.Process(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
    process.start()
    return process


def opened(place: Path | str) -> ProvableLog:
    """Open the log in a file or at a URL."""
    return SQLiteLog(place, utc_now) if isinstance(place, Path) else PostgresLog(place, utc_now)


def append_to_own_stream(place: Path | str, name: str, appends: int, batch: int) -> None:
    """Append `appends` batches to the stream `name`, going on where an earlier run of it ended."""
    log = opened(place)
    version = sum(1 for _ in log.stream(name))
    for _ in range(appends):
        log.append(name, version, [new(f"{name}-{version + offset}") for offset in range(batch)])
        version += batch
    log.close()


def append_whatever_happens(url: str, name: str, appends: int, acknowledged: Path) -> None:
    """Append one event after the other, each until it is taken, and note in a file each that was."""
    log = PostgresLog(url, utc_now, deadline=0.5)
    with acknowledged.open("a") as notes:
        for version in range(appends):
            for _ in range(60):
                try:
                    [recorded] = log.append(name, version, [new(f"{name}-{version}")])
                    break
                except LogUnavailable:
                    time.sleep(0.1)
            notes.write(f"{recorded.position} {recorded.event_id}\n")
            notes.flush()
    log.close()


def decide_whatever_happens(url: str, name: str, decisions: int, acknowledged: Path) -> None:
    """Decide about the account that all share, as the workers' loop does, and note the mark of each decision."""
    log = PostgresLog(url, utc_now, deadline=0.5)
    streams = Streams(ACCOUNTS, log, utc_now, lambda: None)
    with acknowledged.open("a") as notes:
        for number in range(decisions):
            mark = f"{name}-{number}"
            command = Declare(DryRunCompleted("main", mark, 0, 0, Amount(Decimal(0), "coinbase:BTC"), AT), mark)
            for _ in range(100):
                with suppress(LogUnavailable, LogConflict):
                    streams.handle("main", command, mark)
                    break
                time.sleep(0.05)
            notes.write(f"{mark}\n")
            notes.flush()
    log.close()


def insert_naively(url: str, appends: int, batch: int) -> None:
    """Append to a table whose positions come from a sequence, as one does at first."""
    with psycopg.connect(url, autocommit=True) as link:
        for _ in range(appends):
            with link.transaction():
                for _ in range(batch):
                    link.execute("INSERT INTO naive (data) SELECT 'crumb' FROM pg_sleep(0.001)")


def append_and_publish(place: Path | str, port: int, name: str, appends: int, batch: int = 1) -> None:
    """Append to the stream `name` until it has `appends` batches, going on where an earlier run ended.

    Publish each time, as a worker does; a Redis that is away is left to others.
    """
    log = opened(place)
    version = sum(1 for _ in log.stream(name))
    with Redis(port=port, protocol=2, retry=Retry(NoBackoff(), 0)) as client:
        feed = Feed(client, log.identity)
        while version < appends * batch:
            log.append(name, version, [new(f"{name}-{version + offset}") for offset in range(batch)])
            version += batch
            with suppress(RedisError):
                feed.publish_pending(log, most=BATCH)
    log.close()


def relay(place: Path | str, port: int) -> None:
    """Keep the feed up for ever."""
    log = opened(place)
    with Redis(port=port, protocol=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client:
        feed = Feed(client, log.identity)
        keep_up(lambda: feed.publish_pending(log), Event(), 0.05)


def follow_into_ledger(place: Path | str, port: int, ledger: Path, until: int) -> None:
    """Note each event and how far this is in one transaction; the table would take an event twice."""
    log = opened(place)
    with (
        closing(sqlite3.connect(ledger, isolation_level=None)) as book,
        Redis(port=port, protocol=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client,
    ):
        book.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing by it
        book.execute("CREATE TABLE IF NOT EXISTS entries (position INTEGER, event_id TEXT)")
        [[after]] = book.execute("SELECT ifnull(max(position), 0) FROM entries")
        for recorded in Follower(client, log, after):
            book.execute("INSERT INTO entries VALUES (?, ?)", (recorded.position, recorded.event_id))
            if recorded.position == until:
                break
    log.close()


def handle_events(place: Path | str, port: int, name: str, handled: Path) -> None:
    """Take events for ever and note each position in the file `handled`, as a worker does that may be killed."""
    log = opened(place)
    with (
        Redis(port=port, protocol=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client,
        handled.open("ab") as notes,
    ):
        feed = Feed(client, log.identity, window=20)
        subscription = Subscription(client, log, "group", name, batch=7, idle=0.5, most_deliveries=1000)
        while True:
            try:
                feed.publish_pending(log)
                for delivery in subscription.take(wait=0.1):
                    with subscription.handling(delivery) as recorded:
                        notes.write(b"%d\n" % recorded.position)
                        notes.flush()
            except RedisError:
                time.sleep(0.02)


def open_each_together(paths: list[Path], together: Barrier) -> None:
    """Open one log after the other, each at the same moment as the other processes do."""
    for path in paths:
        together.wait(30)
        log = SQLiteLog(path, utc_now)
        log.head()
        log.close()
