"""The shell of the product: settings, composition root, command line; and for other services `subscribe`, `follow`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dustman.subscriber import Follower, Subscriber

VERSION = "0.1.0"


def subscribe(
    group: str,
    types: Collection[str] = (),
    from_: int = 0,
    *,
    consumer: str = "",
    config: Path | None = None,
    **options: Any,
) -> Subscriber:
    """Subscribe as one consumer of a group, whose checkpoint Dustman keeps.

    `config` is the settings file, else what `DUSTMAN_CONFIG` names, else dustman.yaml. `consumer` is this machine's
    name by default, so each of several processes needs one of its own. For the rest see `Subscriber`.
    """
    import platform

    from dustman.subscriber import Subscriber
    from dustman.wiring import found_settings, open_log, open_redis

    settings = found_settings(config)
    name = consumer or platform.node()
    return Subscriber(open_redis(settings), open_log(settings), group, types, from_, consumer=name, **options)


def follow(after: int, types: Collection[str] = (), *, config: Path | None = None) -> Follower:
    """Follow the log after a position that the caller keeps; see `Follower`, and `subscribe` for `config`."""
    from dustman.subscriber import Follower
    from dustman.wiring import found_settings, open_log, open_redis

    settings = found_settings(config)
    return Follower(open_redis(settings), open_log(settings), after, types)
