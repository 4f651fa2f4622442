"""Mischief: which faults strike a call, and what they make of the HTTP answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from simulators.chain.faults import (
    BadGateway,
    ConnectionReset,
    CutBody,
    CutJson,
    FaultForm,
    RateLimited,
    Spoiling,
    StaleHead,
    Timeout,
)
from simulators.forms import strikes
from simulators.wire import Answer, Reply, Reset, Silence, json_reply

HTML = "text/html; charset=utf-8"
TOO_MANY = {"jsonrpc": "2.0", "id": None, "error": {"code": -32005, "message": "rate limit exceeded"}}


@dataclass(slots=True)
class Loaded:
    """A fault, the head when it was loaded, the calls it has counted, and those it has struck."""

    fault: FaultForm
    head: int
    seen: int = 0
    struck: int = 0


class Mischief:
    """The faults in force."""

    def __init__(self) -> None:
        self._loaded: list[Loaded] = []
        self._lock = threading.Lock()

    def add(self, faults: Iterable[FaultForm], head: int) -> None:
        """Load more faults; they count calls from now on."""
        with self._lock:
            self._loaded.extend(Loaded(fault, head) for fault in faults)

    def clear(self) -> None:
        """Drop every fault."""
        with self._lock:
            self._loaded.clear()

    def loaded(self) -> list[Loaded]:
        """List the faults in force."""
        with self._lock:
            return list(self._loaded)

    def due(self, method: str) -> list[Loaded]:
        """Count a call, and return the faults that strike it."""
        with self._lock:
            return [loaded for loaded in self._loaded if _counted(loaded, method)]


def head_for(loaded: Loaded, stale: StaleHead, head: int) -> int:
    """Return the newest block that a stale answer may know, given the real head."""
    return max(0, (loaded.head if stale.frozen else head) - stale.blocks)


def spoiled(fault: Spoiling, reply: Reply) -> Answer:
    """Replace an answer by what the fault makes of it."""
    match fault:
        case BadGateway(status=status):
            return Reply(status, b"<html><body><h1>%d Bad Gateway</h1></body></html>" % status, HTML)
        case RateLimited():
            return json_reply(429, TOO_MANY)
        case Timeout(seconds=seconds):
            return Silence(float(seconds))
        case ConnectionReset():
            return Reset()
        case CutJson():
            return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.content_type)
        case CutBody():
            return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.content_type, len(reply.body))
    raise TypeError(f"{type(fault).__name__} spoils no answer")


def _counted(loaded: Loaded, method: str) -> bool:
    if loaded.fault.method not in {"any", method}:
        return False
    loaded.seen += 1
    struck = strikes(loaded.fault.calls, loaded.seen)
    loaded.struck += struck
    return struck
