"""`dustman up`: the workers and beat on this machine, in the foreground."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ConfigurationError
from dustman.child import Again
from dustman.crew import Crew
from dustman.exits import Exit
from dustman.invocation import Invocation
from dustman.lock import locked
from dustman.roles import EVERY_ROLE, Role, wanted
from dustman.screen import Screen

if TYPE_CHECKING:
    from dustman.settings import Settings

# Five interpreters start at once; a small machine takes its time.
UP_WITHIN = 90.0
# As long as a container is given in docker-compose.yml: tasks have eight of these to end.
GRACE = 20.0


def _role(name: str) -> Role:
    if name not in EVERY_ROLE:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(EVERY_ROLE)}")
    return EVERY_ROLE[name]


def up(
    context: typer.Context,
    role: Annotated[
        list[Role] | None,
        typer.Option(
            "--role", parser=_role, metavar="ROLE", help=f"Only this one of {', '.join(EVERY_ROLE)}; may be repeated."
        ),
    ] = None,
) -> Exit:
    """Run the workers and the schedule on this machine until Ctrl-C or SIGTERM."""
    invocation, screen = Invocation.of(context), Screen()
    _require_redis(invocation.settings)
    settings = invocation.settings
    there = wanted(settings)
    for each in role or ():
        if each.name not in there:
            raise ConfigurationError(f"{each.name}: the settings name none, so this role has nothing to do")
    chosen = [each.sized(settings.workers) for each in there.values() if not role or each in role]
    var = invocation.config.absolute().parent / "var"
    # The log lies here too, and is nobody else's business.
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            for each in chosen:
                stack.enter_context(locked(var / "run" / f"{each.name}.lock", f"the {each.name}"))
            crew = stack.enter_context(Crew(var / "log", grace=GRACE, tell=screen.note))
            children = [crew.start(each.job(invocation.config, var, os.environ, Again())) for each in chosen]
            crew.settle(UP_WITHIN)
            lines = [
                f"{each.name:<10}  process {child.pid:<7}  {each.duty}; {_near(child.log)}"
                for each, child in zip(chosen, children, strict=True)
            ]
            screen.show(None, *lines, f"All are up. Ctrl-C, or `kill {os.getpid()}`, stops them.")
            crew.watch()
    except KeyboardInterrupt:
        screen.note("All are stopped.")
    return Exit.DONE


def _near(path: Path) -> str:
    return os.path.relpath(path)


def _require_redis(settings: Settings) -> None:
    """Ask both databases for an answer before anything is started, and say in a sentence what is wrong."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    once = Retry(NoBackoff(), 0)
    for url in (settings.redis.broker_url, settings.redis.feed_url):
        with redis.Redis.from_url(url, protocol=2, socket_timeout=2, socket_connect_timeout=2, retry=once) as client:
            try:
                client.ping()
            except (redis.AuthenticationError, redis.ResponseError) as refusal:
                raise ConfigurationError(f"Redis at {settings.redis.url} refuses us: {refusal}") from None
            except (redis.ConnectionError, redis.TimeoutError) as outage:
                raise type(outage)(
                    f"Redis at {settings.redis.url} does not answer ({str(outage).rstrip('.')}). Start it, or say in "
                    "redis.url of the settings or in DUSTMAN_REDIS_URL where it is."
                ) from None
