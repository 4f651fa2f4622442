"""How a trade's request for ETH is answered, and how its promise ends."""

from __future__ import annotations

from enum import StrEnum


class FundingAnswer(StrEnum):
    """What became of a trade's request for ETH."""

    COVERED = "covered"
    CONVERTED = "converted"
    NOT_POSSIBLE = "not_possible"
    NOT_NOW = "not_now"


class Release(StrEnum):
    """Why ETH is reserved no more: its trade was made, given up, or too late, or the conversion fell short."""

    USED = "used"
    RELEASED = "released"
    EXPIRED = "expired"
    FELL_SHORT = "fell_short"
