"""A consumer group on the feed, seen from Redis: which positions are to be handled, by whom, how often tried.

A position is with a consumer in one of two ways: as a pending entry of the Redis group, or as *owed*: a position that
the stream lost before the group got it (trimmed, deleted), kept in a sorted set by when it was last handed out. Each
script is one atomic step, so neither a crash nor a trim between two commands can lose a position.

XAUTOCLAIM would not do: since Redis 7 it drops pending entries whose message was trimmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from events.feed import PRELUDE, stream_key

# KEYS are everywhere: stream, owed, tries, parked. ARGV 1 is the group.
GROUP: Final = f"""{PRELUDE}
local stream, owed, tries, parked, group = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local function delivered()
    if redis.call('EXISTS', stream) == 0 then return nil end
    for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
        if field(info, 'name') == group then return position_of(field(info, 'last-delivered-id')) end
    end
end
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function owe(first, last)
    -- Not handed out yet: the position as its score is below any time, and the order in which they are taken.
    for position = first, last do redis.call('ZADD', owed, 'NX', position, string.format('%.0f', position)) end
end
local function answer(position)
    redis.call('HDEL', tries, position)
    return redis.call('ZREM', owed, position) + redis.call('XACK', stream, group, position .. '-0')
end
"""

# ARGV: group, consumer, count, idle in ms, history: the id after which this consumer's own pending entries are read
# first, or '' for none. Returns nil without a group, else {history, last delivered, {position, deliveries, ...}}.
TAKE: Final = f"""{GROUP}
local consumer, count, idle, history = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local last = delivered()
if not last then return nil end
local taken = {{}}
local function take(position, deliveries)
    taken[#taken + 1] = string.format('%.0f', position)
    taken[#taken + 1] = deliveries
end
local function left() return count - #taken / 2 end
local function read(from)
    local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', left(), 'STREAMS', stream, from)
    return reply and reply[1][2] or {{}}
end

if history ~= '' then
    local own = read(history)
    for _, message in ipairs(own) do
        take(position_of(message[1]), redis.call('XPENDING', stream, group, message[1], message[1], 1)[1][4])
    end
    history = #own > 0 and own[#own][1] or ''
    if history ~= '' then return {{history, entry(last), taken}} end
end

local time = now()
for _, pending in ipairs(redis.call('XPENDING', stream, group, 'IDLE', idle, '-', '+', left())) do
    local id = pending[1]
    if #redis.call('XRANGE', stream, id, id) > 0 then
        redis.call('XCLAIM', stream, group, consumer, 0, id)
        take(position_of(id), pending[4] + 1)
    else -- trimmed while pending: since Redis 7 a claim would forget it
        owe(position_of(id), position_of(id))
        redis.call('HSETNX', tries, string.format('%.0f', position_of(id)), pending[4])
        redis.call('XACK', stream, group, id)
    end
end

local upcoming = redis.call('XRANGE', stream, '(' .. entry(last), '+', 'COUNT', 1)[1]
upcoming = upcoming and position_of(upcoming[1]) or position_of(last_entry(stream)) + 1
if last + 1 < upcoming then -- lost before the group got there; a part now, the rest at the next call
    local reached = math.min(last + count, upcoming - 1)
    owe(last + 1, reached)
    redis.call('XGROUP', 'SETID', stream, group, entry(reached))
    last = reached
end

if left() > 0 then
    for _, position in ipairs(redis.call('ZRANGEBYSCORE', owed, 0, time - idle, 'LIMIT', 0, left())) do
        redis.call('ZADD', owed, time, position)
        take(tonumber(position), redis.call('HINCRBY', tries, position, 1))
    end
end

if left() > 0 and last + 1 == upcoming then
    for _, message in ipairs(read('>')) do
        local position = position_of(message[1])
        owe(last + 1, position - 1) -- lost from the middle
        take(position, 1)
        last = position
    end
end
return {{history, entry(last), taken}}
"""

# ARGV: group, positions. Returns how many were still open.
ANSWER: Final = f"""{GROUP}
local answered = 0
for i = 2, #ARGV do answered = answered + answer(ARGV[i]) end
return answered
"""

# ARGV: group, log, position, deliveries, error, type, event. Parks what is still open, and nothing twice.
PARK: Final = f"""{GROUP}
if answer(ARGV[3]) == 0 then return 0 end
for _, message in ipairs(redis.call('XRANGE', parked, '-', '+')) do
    if field(message[2], 'log') == ARGV[2] and field(message[2], 'position') == ARGV[3] then return 0 end
end
redis.call('XADD', parked, '*', 'log', ARGV[2], 'position', ARGV[3], 'deliveries', ARGV[4], 'error', ARGV[5],
    'type', ARGV[6], 'event', ARGV[7])
return 1
"""

# ARGV: group, log. Returns the position up to which nothing is open or parked, nil without a group.
FLOOR: Final = f"""{GROUP}
local floor = delivered()
if not floor then return nil end
local function below(position) floor = math.min(floor, position - 1) end
local pending = redis.call('XPENDING', stream, group)
if pending[1] > 0 then below(position_of(pending[2])) end
for _, position in ipairs(redis.call('ZRANGE', owed, 0, -1)) do below(tonumber(position)) end
for _, message in ipairs(redis.call('XRANGE', parked, '-', '+')) do
    if field(message[2], 'log') == ARGV[2] then below(tonumber(field(message[2], 'position'))) end
end
return string.format('%.0f', floor)
"""

# ARGV: group. Makes all that is unanswered owed and not handed out, so that it is taken in order, before what is next.
REOPEN: Final = f"""{GROUP}
if not delivered() then return end
for _, position in ipairs(redis.call('ZRANGE', owed, 0, -1)) do redis.call('ZADD', owed, position, position) end
local pending = redis.call('XPENDING', stream, group, '-', '+', redis.call('XPENDING', stream, group)[1] + 1)
for _, message in ipairs(pending) do
    owe(position_of(message[1]), position_of(message[1]))
    redis.call('XACK', stream, group, message[1])
end
"""
# ARGV: group. Returns {position handed out so far, how many of these are unanswered}, nil without a group.
OPEN: Final = f"""{GROUP}
local last = delivered()
if not last then return nil end
return {{string.format('%.0f', last), redis.call('XPENDING', stream, group)[1] + redis.call('ZCARD', owed)}}
"""

# The feed's clients read with a socket timeout of 2 s or more; a block must end well before it.
LONGEST_BLOCK_SECONDS: Final = 1.0
BEGINNING: Final = b"0-0"


def parked_key(group: str) -> str:
    """Return the key of the stream of events that a group parked."""
    return f"dustman:parked:{group}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A position handed out, and how many times it was by now."""

    position: int
    deliveries: int


class Group:
    """The group `name` on the stream of the log `identity`, used by one consumer.

    A consumer's name stays the same over restarts and belongs to one process (or thread) at a time: what it held when
    it died is handed to it first. What nobody answered for `idle` seconds is handed to whoever asks. Every method
    raises `redis.RedisError` when Redis cannot be used now.
    """

    def __init__(self, redis: Redis, identity: str, name: str, consumer: str, idle: float) -> None:
        self._redis = redis
        self._identity = identity
        self.name = name
        self._consumer = consumer
        self._idle = round(idle * 1000)
        self._stream = stream_key(identity)
        scope = f"{identity}:{name}"
        self.keys = [self._stream, f"dustman:owed:{scope}", f"dustman:tries:{scope}", parked_key(name)]
        self._scripts = {script: redis.register_script(script) for script in (TAKE, ANSWER, PARK, FLOOR, OPEN, REOPEN)}
        self._history = BEGINNING
        self._delivered = BEGINNING

    def create(self, position: int) -> None:
        """Make the group so that it begins after `position`; harmless when it is there."""
        try:
            self._redis.xgroup_create(self._stream, self.name, id=f"{position}-0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def take(self, count: int) -> Sequence[Taken] | None:
        """Take up to `count` positions, oldest debts first; None when Redis has no such group."""
        reply = self._run(TAKE, self._consumer, count, self._idle, self._history)
        if reply is None:
            return None
        self._history, self._delivered, words = reply
        pairs = zip(words[::2], words[1::2], strict=True)
        return [Taken(int(position), int(deliveries)) for position, deliveries in pairs]

    def wait(self, seconds: float) -> None:
        """Return when the stream has something the group was not given, or after a second at most."""
        block = max(1, round(min(seconds, LONGEST_BLOCK_SECONDS) * 1000))
        self._redis.xread({self._stream: self._delivered}, count=1, block=block)

    def answer(self, positions: Sequence[int]) -> None:
        """Acknowledge: these need not be handed out again."""
        if positions:
            self._run(ANSWER, *positions)

    def park(self, taken: Taken, error: str, word: str, event: bytes) -> None:
        """Set a position aside with its error and its event, so that those behind it go on."""
        self._run(PARK, self._identity, taken.position, taken.deliveries, error, word, event)

    def floor(self) -> int | None:
        """Return the position up to which nothing is open or parked; None when Redis has no such group."""
        reply = self._run(FLOOR, self._identity)
        return None if reply is None else int(reply)

    def reopen(self) -> None:
        """Have all that is unanswered handed out again at once and in order: of use where a group is one consumer."""
        self._run(REOPEN)

    def waiting(self, head: int) -> int | None:
        """Return how many events up to `head` are not answered for, those of other types included, parked ones not.

        None when Redis has no such group.
        """
        reply = self._run(OPEN)
        return None if reply is None else head - int(reply[0]) + int(reply[1])

    def _run(self, script: str, *words: str | bytes | int) -> Any:
        """Run a script; after an error its answer may be lost, so this consumer's own entries are read again."""
        try:
            return self._scripts[script](keys=self.keys, args=[self.name, *words])
        except RedisError:
            self._history = BEGINNING
            raise
