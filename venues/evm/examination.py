"""An examination: everything that one look at one token found, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.judgement import Observation, Ruling, Standing


@dataclass(frozen=True, slots=True)
class Examination:
    """What a token is at a block. Names are its own, made harmless; `seen` is in base units, None where nothing was.

    `kept` says why it may not be sold, empty when it may; `remedy` says what would change that. `route` is where it
    would sell, empty where nowhere.
    """

    asset: str
    block: int
    symbol: str
    title: str
    decimals: int
    standing: Standing
    ruling: Ruling
    kept: str
    remedy: str
    route: str
    seen: Observation | None
