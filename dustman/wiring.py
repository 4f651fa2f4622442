"""What settings stand for: a log, a Redis, venues. Each is opened by whoever uses it, after any fork."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ConfigurationError, RefusedByPolicy
from domain.identity import stream_of
from dustman.addresses import PostgresDatabase, SqliteFile
from dustman.keys import key_of
from dustman.settings import Settings, load
from dustman.wallet_forms import Endpoint, endpoint_of
from dustman.wallet_keys import signer_of
from dustman.wallet_settings import Selling, WalletAccount

if TYPE_CHECKING:
    from redis import Redis

    from domain.equity import EquitySource
    from domain.venue import Venue
    from events.feed import Feed
    from events.log import EventLog, ProvableLog, Recorded
    from venues.evm.registry import Chain
    from venues.evm.rewards.source import ClaimableSource
    from venues.evm.terms import Terms
    from venues.evm.wallet import Wallet
    from venues.exchange import Exchange


def now() -> datetime:
    """Return the time of this machine, in UTC."""
    return datetime.now(UTC)


def found_settings(config: Path | None = None) -> Settings:
    """Read the settings file `config`, else what `DUSTMAN_CONFIG` names, else dustman.yaml."""
    return load(config or Path(os.environ.get("DUSTMAN_CONFIG", "dustman.yaml")), os.environ)


def open_log(settings: Settings) -> ProvableLog:
    """Open the log; a file's directory is made when it is missing, a server is asked on first use."""
    if isinstance(settings.log.url, PostgresDatabase):
        from events.postgres import PostgresLog

        return PostgresLog(settings.log.url.text, now)
    from events.sqlite import SQLiteLog

    return SQLiteLog(log_path(settings.log.url), now)


def restore_log(settings: Settings, identity: str, records: Iterable[Recorded]) -> int:
    """Make the log `identity` where the settings want theirs and none is yet; return how many events it has."""
    if isinstance(settings.log.url, PostgresDatabase):
        from dustman.database import owner_url, writer_login
        from events import postgres_install

        user, password = writer_login(settings)
        return postgres_install.restore(owner_url(settings), {user: password}, identity, records)
    from events.restore import restore

    return restore(log_path(settings.log.url), identity, records, now)


def log_path(file: SqliteFile) -> Path:
    """Return the log's file, in a directory that is made when it is missing."""
    try:
        file.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"log.url: {file.path.parent} cannot be made, {error.strerror}") from None
    return file.path


def recorded_account(settings: Settings, log: EventLog, name: str) -> None:
    """Raise `ConfigurationError` when an account, if one is named, is neither in the settings nor in the log."""
    if name and stream_of(name) not in log.streams():
        settings.account(name)


def open_redis(settings: Settings) -> Redis:
    """Return a client of the feed's database; it connects on first use.

    The client never sends a command twice by itself: a repeated write would be a second entry. It waits longer for an
    answer than any blocking read asks for.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(
        settings.redis.feed_url,
        protocol=2,
        socket_timeout=5,
        socket_connect_timeout=2,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


def open_feed(settings: Settings) -> Feed:
    """Return the feed of the settings' log; Redis is asked on first use."""
    from events.feed import Feed

    log = open_log(settings)
    try:
        return Feed(open_redis(settings), log.identity, settings.redis.feed_window)
    finally:
        log.close()


def open_equity(settings: Settings, strategy: str) -> EquitySource:
    """Return who knows a strategy's equity: whom the settings name, else its accounts."""
    from domain.equity import Computed

    ours = settings.equity.get(strategy)
    if ours is None:
        return Computed()
    from workers.equity import Supplied, from_redis, from_url

    max_age = timedelta(seconds=ours.max_age)
    if ours.url is not None:
        return Supplied(str(ours.url), from_url(f"{ours.url}{ours.url.target}"), max_age)
    key = ours.redis or ""
    return Supplied(f"redis {key}", from_redis(open_redis(settings), key), max_age)


def open_venue(settings: Settings, account: str, redis: Redis | None = None) -> Venue:
    """Return an account's venue; its key, where it takes one, is read and checked now.

    The limit of the key or the node is kept in `redis`, where all workers share it. Without one it is kept in the
    feed's Redis if that answers, else in this process alone: a command by hand needs no Redis.
    """
    if isinstance(settings.account(account), WalletAccount):
        return open_wallet(settings, account, redis)
    return open_exchange(settings, account, redis)


def open_wallet(settings: Settings, account: str, redis: Redis | None = None) -> Wallet:
    """Return an account that is a wallet; its nodes are asked on first use, its key, where it sells, is read now."""
    from venues.evm.discovery import Discovery
    from venues.evm.judgement import Allowed
    from venues.evm.keyed import KeyedWallet
    from venues.evm.routes import MIDDLES, THROUGH
    from venues.evm.rpc import Rpc
    from venues.evm.wallet import Wallet
    from venues.limits import Limiter

    ours = settings.wallet(account)
    urls = endpoint_urls(settings, account)
    limiter = Limiter(
        " ".join(urls),
        redis or answering_redis(settings),
        requests_per_second=settings.limits.requests_per_second,
        seconds_between_conversions=settings.limits.seconds_between_conversions,
    )
    rpc, where = Rpc(urls, ours.chain, limiter=limiter), ours.where()
    through = THROUGH if not settings.strategies_with(account) else (*THROUGH, *MIDDLES)
    found = Discovery(rpc, ours.address, ours.first_block, ours.cache / f"{ours.chain}-{ours.address}.json")
    judgement = Allowed(where, frozenset(ours.allow), ours.highest_tax / 100)
    rewards = reward_sources(ours)
    if ours.selling is None:
        return Wallet(
            where,
            ours.address,
            ours.target,
            rpc=rpc,
            discovery=found,
            judgement=judgement,
            clock=now,
            rewards=rewards,
            through=through,
        )
    relay = ours.selling.relay
    return KeyedWallet(
        where,
        ours.target,
        signer=signer_of(settings, account),
        terms=_terms(ours.selling, where),
        rpc=rpc,
        discovery=found,
        judgement=judgement,
        clock=now,
        relay=Rpc([_url(settings, account, relay)], ours.chain) if relay else None,
        rewards=rewards,
        through=through,
    )


def reward_sources(ours: WalletAccount) -> Sequence[ClaimableSource]:
    """Return what a wallet claims, by its settings."""
    from venues.evm.rewards.claim_data import ClaimData
    from venues.evm.rewards.eigenlayer import EigenLayer
    from venues.evm.rewards.king import KingDrop, KingRedemption

    pays, wanted = ours.where().rewards, ours.rewards
    found: list[ClaimableSource] = []
    if wanted.king and pays and pays.king and pays.drop:
        found += [KingDrop(pays.drop, pays.king, ClaimData(wanted.king)), KingRedemption(pays.king)]
    if wanted.eigenlayer and pays and pays.coordinator:
        found.append(EigenLayer(pays.coordinator, ClaimData(wanted.eigenlayer)))
    return found


def _terms(selling: Selling, where: Chain) -> Terms:
    from venues.evm.terms import GAS_PRICE_ORACLES, Terms

    return Terms(
        delegate=selling.delegate,
        confirmations=selling.confirmations or where.confirmations,
        slippage=selling.slippage,
        deadline=timedelta(seconds=selling.deadline),
        patience=timedelta(seconds=selling.patience),
        ceiling=int(selling.ceiling * 10**9),
        oracle=GAS_PRICE_ORACLES.get(where.chain_id),
    )


def endpoint_urls(settings: Settings, account: str) -> list[str]:
    """Return the URLs of an account's nodes; `ConfigurationError` names a variable that is not set or holds none."""
    return [_url(settings, account, endpoint) for endpoint in settings.wallet(account).endpoints]


def _url(settings: Settings, account: str, endpoint: Endpoint) -> str:
    if not endpoint.variable:
        return endpoint.url
    place = f"account {account}: {endpoint.variable}"
    if not (value := settings.secret(endpoint.variable)):
        raise ConfigurationError(f"{place} is not set; set it in the environment or in .env beside the settings")
    try:
        found = endpoint_of(value)
    except ValueError:
        found = None
    if found is None or found.variable:
        raise ConfigurationError(f"{place} holds no URL of a node, https://… or http://… (its value is not shown)")
    return found.url


def open_exchange(settings: Settings, account: str, redis: Redis | None = None) -> Exchange:
    """Return an account at an exchange; its key is read and checked now."""
    from venues.limits import Limiter
    from venues.times import Times

    ours, key = settings.exchange(account), key_of(settings, account)
    limiter = Limiter(
        key.name,
        redis or answering_redis(settings),
        requests_per_second=settings.limits.requests_per_second,
        seconds_between_conversions=settings.limits.seconds_between_conversions,
    )
    times = Times(now, never_arrived_after=timedelta(seconds=settings.reconcile.never_arrived_after))
    return ours.opened(key, limiter, times)


def answering_redis(settings: Settings) -> Redis | None:
    """Return a client of the feed's database, or None when nobody answers there now."""
    from redis.exceptions import RedisError

    redis = open_redis(settings)
    try:
        redis.ping()
    except RedisError:
        redis.close()
        return None
    return redis


def refuse_dangerous_key(settings: Settings, account: str) -> None:
    """Raise `RefusedByPolicy` when the account's key could do more harm than converting dust."""
    if isinstance(settings.account(account), WalletAccount):
        if settings.wallet(account).selling is None:
            raise RefusedByPolicy(f"{account}: is a wallet that is only watched; it has no key to sell with")
        signer_of(settings, account)
        return
    venue = open_exchange(settings, account)
    if danger := venue.danger():
        raise RefusedByPolicy(f"{account}: {danger}")
    rights = venue.permissions()
    if not (rights.can_view and rights.can_trade):
        raise ConfigurationError(f"{account}: its key must have the rights to view and to trade")
