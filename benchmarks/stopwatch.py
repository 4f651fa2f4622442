"""A stopwatch on methods, wherever they are called from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from time import perf_counter_ns
from typing import Any, ClassVar

# In nanoseconds.
MILLISECOND, SECOND = 1_000_000, 1_000_000_000


class Stopwatch:
    """Adds up the nanoseconds that one thread spends inside the methods it watches.

    Where watched methods call each other, time counts for the innermost one alone.
    """

    _running: ClassVar[list[Stopwatch]] = []

    def __init__(self) -> None:
        self.total = 0

    @contextmanager
    def over(self, owner: type, *methods: str) -> Iterator[None]:
        """Watch methods until the block ends."""
        watched = {method: getattr(owner, method) for method in methods}
        for method, function in watched.items():
            setattr(owner, method, self._timed(function))
        try:
            yield
        finally:
            for method, function in watched.items():
                setattr(owner, method, function)

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._running.append(self)
            start = perf_counter_ns()
            try:
                return function(*args, **kwargs)
            finally:
                spent = perf_counter_ns() - start
                self._running.pop()
                self.total += spent
                if self._running:
                    self._running[-1].total -= spent

        return timed
