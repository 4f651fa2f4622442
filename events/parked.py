"""Parked events: what a group failed to handle as often as it may, set aside until the owner decides.

A parked event holds its group's checkpoint back, so that a wipe of Redis hands it out again. Retrying it makes it open
again, with all its tries; dropping it lets the checkpoint pass, for good.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from redis import Redis

from events.group import GROUP, Group, parked_key

# ARGV: group, log, position, 1 to open it again. Returns 1 when it was parked. Both happen or none: an event that is
# neither parked nor open would be passed over.
UNPARK: Final = f"""{GROUP}
for _, message in ipairs(redis.call('XRANGE', parked, '-', '+')) do
    if field(message[2], 'log') == ARGV[2] and field(message[2], 'position') == ARGV[3] then
        if ARGV[4] == '1' then
            redis.call('HDEL', tries, ARGV[3])
            owe(tonumber(ARGV[3]), tonumber(ARGV[3]))
        end
        return redis.call('XDEL', parked, message[1])
    end
end
return 0
"""


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event of the log `log` that `group` gave up on: how often it was handed out, the last error, and since when.

    `event` is the CloudEvent as it was; the log has it as well.
    """

    group: str
    log: str
    position: int
    type: str
    deliveries: int
    error: str
    parked_at: datetime
    event: Any


def groups(redis: Redis) -> Sequence[str]:
    """Return the names of the groups that ever parked an event, as far as Redis remembers."""
    prefix = parked_key("")
    return sorted(key.decode().removeprefix(prefix) for key in redis.scan_iter(match=f"{prefix}*", count=1000))


class Parked:
    """The events that a group parked. Every method raises `redis.RedisError` when Redis cannot be used now."""

    def __init__(self, redis: Redis, identity: str, group: str) -> None:
        self._redis = redis
        self._identity = identity
        self._group = group
        self._keys = Group(redis, identity, group, consumer="", idle=0).keys
        self._unpark = redis.register_script(UNPARK)

    def __iter__(self) -> Iterator[ParkedEvent]:
        """Yield what is parked, the longest first; also what another log's feed left under the group's name."""
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", self._redis.xrange(parked_key(self._group)))
        for entry, fields in entries:
            yield self._read(entry, {name.decode(): value.decode() for name, value in fields.items()})

    def owns(self, event: ParkedEvent) -> bool:
        """Say whether an event is of this log, so that it can be retried or dropped here."""
        return event.log == self._identity

    def retry(self, position: int) -> bool:
        """Hand the event out again, at once and with all its tries; False when this log has no such parked event."""
        return self._take_out(position, again=True)

    def drop(self, position: int) -> bool:
        """Give the event up, so that the checkpoint passes it; False when this log has no such parked event."""
        return self._take_out(position, again=False)

    def _take_out(self, position: int, again: bool) -> bool:
        return bool(self._unpark(keys=self._keys, args=[self._group, self._identity, position, int(again)]))

    def _read(self, entry: bytes, fields: dict[str, str]) -> ParkedEvent:
        milliseconds = int(entry.partition(b"-")[0])
        return ParkedEvent(
            group=self._group,
            log=fields["log"],
            position=int(fields["position"]),
            type=fields["type"],
            deliveries=int(fields["deliveries"]),
            error=fields["error"],
            parked_at=datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000),
            event=json.loads(fields["event"]),
        )
