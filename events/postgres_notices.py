"""What PostgreSQL tells of commits, whoever made them and on whichever host: `LISTEN` on the log's channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg

from events.log import LogUnavailable
from events.postgres_schema import CHANNEL

# How long a listener may take to see that it is wanted no more, in seconds.
LOOK: Final = 0.5
# A server that went without a word is known after half a minute, instead of two hours.
ALIVE: Final[dict[str, Any]] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4}


def commits(url: str, wanted: Callable[[], bool]) -> Iterator[None]:
    """Yield once when it listens, since there may have been commits before, then after each commit, while `wanted`.

    Commits that follow each other closely may be one. Raises `LogUnavailable` when the connection cannot be had or is
    lost; call it again then.
    """
    try:
        alive = psycopg.conninfo.make_conninfo(url, **ALIVE)
        with psycopg.connect(alive, autocommit=True, connect_timeout=5, application_name="dustman listener") as link:
            link.execute(f"LISTEN {CHANNEL}")
            yield
            while wanted():
                if list(link.notifies(timeout=LOOK, stop_after=1)):
                    yield
    except psycopg.OperationalError as error:
        raise LogUnavailable(f"nobody tells of commits: {' '.join(str(error).split())}") from error
