"""How much of what could be tried is tried: all of it in a campaign, a share of it in every other run."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

CAMPAIGN = "CHAOS_ROUNDS" in os.environ


def steps(stride: int = 2, first: int = 1) -> Iterator[int]:
    """Number the steps to strike: every one in a campaign, else each `stride`-th from `first` on.

    Half of them is all of them where a step is struck before and after, since just after one is just before the next.
    """
    return itertools.count(1) if CAMPAIGN else itertools.count(first, stride)
