"""The feed: the newest events of the log, copied to a Redis stream in the same order, for whoever wants to listen.

An entry's id is `<position>-0`; its fields are `type` and `event`, a CloudEvents JSON. The stream's key holds the log's
identity, and `dustman:feed` holds the stream's key. Only the script below writes: it skips what is there and refuses a
gap, so it may be sent twice, late, and by many processes at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final

from redis import Redis

from events.envelope import cloud_event
from events.log import EventLog, StoreMisconfigured, Written

POINTER: Final = "dustman:feed"
WINDOW: Final = 100_000
BATCH: Final = 500
ROUNDS: Final = 10

# Shared by all scripts on the stream. Redis below 7 forbids writes after XINFO unless effects are replicated.
PRELUDE: Final = """
if redis.replicate_commands then redis.replicate_commands() end
local function entry(position) return string.format('%.0f-0', position) end
local function position_of(id) return tonumber(string.match(id, '^(%d+)%-')) end
local function field(reply, name)
    for i = 1, #reply, 2 do
        if reply[i] == name then return reply[i + 1] end
    end
end
local function last_entry(stream)
    if redis.call('EXISTS', stream) == 0 then return '0-0' end
    return field(redis.call('XINFO', 'STREAM', stream), 'last-generated-id')
end
"""
LAST: Final = f"{PRELUDE} return last_entry(KEYS[1])"
# KEYS: stream, pointer. ARGV: the position before the first event, 1 when the caller found the feed empty, the window;
# then type and event, again and again. Returns the number added, or -1 when the caller must look again.
PUBLISH: Final = f"""{PRELUDE}
local last = position_of(last_entry(KEYS[1]))
local position, fresh, window = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
if position > last and not (fresh and last == 0) then return -1 end
local added = 0
for i = 4, #ARGV, 2 do
    position = position + 1
    if position > last then
        redis.call('XADD', KEYS[1], entry(position), 'type', ARGV[i], 'event', ARGV[i + 1])
        added = added + 1
    end
end
if added > 0 then
    redis.call('XTRIM', KEYS[1], 'MINID', entry(math.max(position - window + 1, 0)))
    redis.call('SET', KEYS[2], KEYS[1])
end
return added
"""
# Deletes a stream that is not a copy of the log, unless somebody did so since its last entry was read.
RESET: Final = f"{PRELUDE} if last_entry(KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


def stream_key(identity: str) -> str:
    """Return the key of the stream that copies the log `identity`."""
    return f"{POINTER}:{identity}"


class Feed:
    """The stream of the log `identity`, holding its newest `window` events.

    Every method raises `redis.RedisError` when Redis cannot be used now: nothing is lost, the next call makes it up.
    """

    def __init__(self, redis: Redis, identity: str, window: int = WINDOW) -> None:
        if window < 1:
            raise ValueError(f"window: {window} is not above zero")
        self.key = stream_key(identity)
        self._redis = redis
        self._identity = identity
        self._window = window
        self._safe = False
        self._last = redis.register_script(LAST)
        self._publish = redis.register_script(PUBLISH)
        self._reset = redis.register_script(RESET)

    def refuse_eviction(self) -> None:
        """Raise `StoreMisconfigured` unless Redis keeps what it was given when its memory is full."""
        policy = str(self._redis.info("memory")["maxmemory_policy"])
        if policy != "noeviction":
            raise StoreMisconfigured(
                f"redis: maxmemory-policy is {policy}, which drops entries when memory is short; set it to noeviction"
            )
        self._safe = True

    def last(self) -> int:
        """Return the position of the newest entry, 0 when there is none."""
        return _position(self._last_entry())

    def publish_pending(self, log: EventLog, most: int | None = None) -> int:
        """Copy what the stream lacks up to the log's head and return how many events that were.

        A stream that was wiped begins again with the newest `window` events; one that is ahead of its log, or not
        written by us, is deleted and begins again. A caller with other things to do copies `most` events at a time.
        """
        if not self._safe:
            self.refuse_eviction()
        published = 0
        for _ in range(ROUNDS):  # another process, or a wipe, may change the stream between look and write
            entry = self._last_entry()
            last, head = _position(entry), log.head()  # in this order: an event is in the log before it is here
            if last > head or not entry.endswith(b"-0"):
                self._reset(keys=[self.key], args=[entry])
                continue
            after = last or max(0, head - self._window)
            until = head if most is None else min(head, after + most)
            added, whole = self._copy(log.written(after, until), after, fresh=last == 0)
            published += added
            if whole:
                break
        return published

    def _copy(self, events: Iterator[Written], after: int, fresh: bool) -> tuple[int, bool]:
        """Write in batches; return how many were added, and whether the stream stayed as it was found."""
        batch = list(islice(events, BATCH))
        if len(batch) < BATCH:
            added = self._write(self._words(batch, after, fresh)) if batch else 0
            return max(added, 0), added >= 0
        # Redis takes a batch while the next one is made.
        total = 0
        with ThreadPoolExecutor(1, "feed") as writing:
            under_way: Future[int] | None = None
            while batch or under_way:
                words = self._words(batch, after, fresh) if batch else None
                added = under_way.result() if under_way else 0
                if added < 0:
                    return total, False
                under_way = writing.submit(self._write, words) if words else None
                total, after, fresh = total + added, batch[-1].position if batch else after, False
                batch = list(islice(events, BATCH)) if batch else []
        return total, True

    def _words(self, batch: Sequence[Written], after: int, fresh: bool) -> list[bytes | str | int]:
        words: list[bytes | str | int] = [after, int(fresh), self._window]
        for written in batch:
            words += (written.type, cloud_event(written, self._identity))
        return words

    def _write(self, words: list[bytes | str | int]) -> int:
        return int(self._publish(keys=[self.key, POINTER], args=words))

    def _last_entry(self) -> bytes:
        return bytes(self._last(keys=[self.key]))


def _position(entry: bytes) -> int:
    return int(entry.partition(b"-")[0])
