"""Mischief: which faults strike a call, and what those that any exchange may have make of its answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from simulators.exchange.faults import ConnectionReset, CutBody, CutJson, FaultForm, HtmlPage, Spoiling, Timeout
from simulators.forms import strikes
from simulators.wire import Answer, Reply, Reset, Silence

HTML = "text/html; charset=utf-8"
MAINTENANCE = Reply(200, b"<!DOCTYPE html><html><body><h1>Be right back</h1></body></html>", HTML)


@dataclass(slots=True)
class Loaded:
    """A fault with the calls it has counted, and those it has struck."""

    fault: FaultForm
    seen: int = 0
    struck: int = 0


class Mischief:
    """The faults in force."""

    def __init__(self, faults: Iterable[FaultForm] = ()) -> None:
        self._loaded = [Loaded(fault) for fault in faults]
        self._lock = threading.Lock()

    def add(self, faults: Iterable[FaultForm]) -> None:
        """Load more faults; they count calls from now on."""
        with self._lock:
            self._loaded.extend(Loaded(fault) for fault in faults)

    def clear(self) -> None:
        """Drop every fault."""
        with self._lock:
            self._loaded.clear()

    def loaded(self) -> list[Loaded]:
        """List the faults in force."""
        with self._lock:
            return list(self._loaded)

    def due(self, endpoint: str, products: frozenset[str]) -> list[FaultForm]:
        """Count a call, and return the faults that strike it."""
        with self._lock:
            return [loaded.fault for loaded in self._loaded if _counted(loaded, endpoint, products)]


def broken(fault: Spoiling, reply: Reply) -> Answer:
    """Replace an answer by what a fault of the wire makes of it; `TypeError` for a fault that is the venue's own."""
    match fault:
        case Timeout():
            return Silence(float(fault.seconds))
        case ConnectionReset():
            return Reset()
        case HtmlPage():
            return MAINTENANCE
        case CutJson():
            return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.content_type)
        case CutBody():
            return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.content_type, len(reply.body))
    raise TypeError(f"{type(fault).__name__} spoils no answer")


def _counted(loaded: Loaded, endpoint: str, products: frozenset[str]) -> bool:
    if not loaded.fault.strikes(endpoint, products):
        return False
    loaded.seen += 1
    struck = strikes(loaded.fault.calls, loaded.seen)
    loaded.struck += struck
    return struck
