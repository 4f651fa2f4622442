"""eth-account, imported without what its import does to the whole process.

py_ecc, which it brings, lets Python recurse 100,000 deep for its own sake. The stack is full before that limit is
reached: a deeply nested JSON would end the process with a segmentation fault instead of raising `RecursionError`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _recursion_limit_kept() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


with _recursion_limit_kept():
    from eth_account import Account

__all__ = ["Account"]
