"""What an account has in flight on its chain, in words."""

from __future__ import annotations

from typing import assert_never

from domain.lane import Idle, Included, Lane, Signed


def in_flight(lane: Lane) -> str:
    """Name the transaction whose end is not known yet, empty for none."""
    match lane.state:
        case Idle():
            return ""
        case Signed(attempts, displaced):
            where = "whose nonce others used" if displaced else "in no block yet"
        case Included(attempts, seen):
            where = f"in block {seen.block.number}, not final yet"
        case _:
            assert_never(lane.state)
    first, newest = attempts[0], attempts[-1].transaction
    since = f"since {first.signed_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{newest.purpose} {newest.tx_hash} under nonce {newest.nonce}, {since}, {where}"
