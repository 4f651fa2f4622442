"""Something that happens to a worker just before or just after one of its steps: a request, or an append to the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from events.log import Recorded
from events.sqlite import SQLiteLog
from venues.evm.rpc import Rpc

KINDS = ("request", "append")
MOMENTS = ("before", "after")


class Crash(BaseException):
    """The process is gone: nothing catches this."""


def die() -> None:
    raise Crash


class Fuse:
    """Blows once, at the n-th step of a kind, before or after it was done."""

    kind: ClassVar[str] = ""
    when: ClassVar[str] = ""
    left: ClassVar[int] = 0
    act: ClassVar[Callable[[], None]] = die

    @classmethod
    def arm(cls, kind: str, when: str, step: int, act: Callable[[], None] = die) -> None:
        cls.kind, cls.when, cls.left, cls.act = kind, when, step, act

    @classmethod
    def disarm(cls) -> None:
        cls.kind, cls.act = "", die

    @classmethod
    def burn(cls, kind: str, when: str) -> None:
        if (kind, when) != (cls.kind, cls.when):
            return
        cls.left -= 1
        if cls.left == 0:
            act = cls.act
            cls.disarm()
            act()


class FusedRpc(Rpc):
    def _post(self, endpoint: Any, body: bytes) -> bytes:
        Fuse.burn("request", "before")
        answer = super()._post(endpoint, body)
        Fuse.burn("request", "after")
        return answer


class FusedLog(SQLiteLog):
    def append(self, *given: Any, **named: Any) -> Sequence[Recorded]:
        Fuse.burn("append", "before")
        recorded = super().append(*given, **named)
        Fuse.burn("append", "after")
        return recorded
