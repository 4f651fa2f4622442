"""The log and Redis: do they answer, and will they keep what they are given?"""

from __future__ import annotations

from collections.abc import Iterator

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from domain.errors import ConfigurationError
from dustman.addresses import PostgresDatabase, SqliteFile
from dustman.checks.finding import Finding, fail, ok, warn
from dustman.settings import Settings
from dustman.wiring import open_log, open_redis
from events.log import CorruptLog, LogUnavailable, StoreMisconfigured

# Streams with XAUTOCLAIM (https://redis.io/docs/latest/commands/xautoclaim/).
OLDEST_REDIS = (6, 2)


def check_log(settings: Settings) -> Iterator[Finding]:
    """Open the log, read its head, and write to it a mark of the doctor's own, which is no event."""
    place = settings.log.url
    try:
        log = open_log(settings)
        head = log.head()
        log.save_checkpoint("doctor", head)
        log.close()
    except CorruptLog as error:
        yield fail("log", str(error), "stop all workers and keep what is there; do not write to it")
    except (ConfigurationError, StoreMisconfigured, LogUnavailable) as error:
        yield fail("log", str(error), _fix(place))
    else:
        yield ok("log", f"{place} holds {head} events and can be written")


def _fix(place: SqliteFile | PostgresDatabase) -> str:
    if isinstance(place, PostgresDatabase):
        return "start PostgreSQL, mend log.url or DUSTMAN_LOG_URL, or make the log with `dustman log create`"
    return "let this user read and write the file and its directory, on a local disk with room"


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Ask Redis for its version and whether it would throw entries away."""
    with open_redis(settings) as redis:
        try:
            version = str(redis.info("server")["redis_version"])
        except RedisError as error:
            fix = (
                "start Redis, or set redis.url or DUSTMAN_REDIS_URL; `dustman scan` and `dustman sweep` work without it"
            )
            yield fail("redis", f"{settings.redis.url} does not answer ({type(error).__name__})", fix)
            return
        yield _version(settings, version)
        yield _eviction(redis)


def _version(settings: Settings, version: str) -> Finding:
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        return fail("redis", f"{settings.redis.url} is version {version}", "install Redis 6.2 or newer")
    return ok("redis", f"{settings.redis.url} answers, version {version}")


def _eviction(redis: Redis) -> Finding:
    check = "redis eviction"
    try:
        policy = str(redis.config_get("maxmemory-policy")["maxmemory-policy"])
    except (ResponseError, KeyError):
        fix = "ask whoever runs it that maxmemory-policy is noeviction"
        return warn(check, "this user may not read the server's configuration", fix)
    if policy != "noeviction":
        fix = "set maxmemory-policy noeviction; another throws tasks and events away when memory is short"
        return fail(check, f"maxmemory-policy is {policy}", fix)
    return ok(check, "maxmemory-policy is noeviction")
