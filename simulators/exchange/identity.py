"""Ids and secrets as pure functions of the seed: one seed gives one venue, down to its order numbers."""

from __future__ import annotations

import hashlib
from uuid import UUID, uuid5

from simulators.exchange.state import ExchangeState

NAMESPACE = UUID("0f5a5a52-7a5e-5d3c-8a43-64c1d4c92b7e")


def id_of(seed: int, *words: str) -> str:
    """Give the id that belongs to these words under a seed."""
    return str(uuid5(NAMESPACE, "\x1f".join((str(seed), *words))))


def secret_of(seed: int, name: str) -> bytes:
    """Give 32 bytes for the secret of a throw-away key. Whoever knows the seed knows them."""
    return hashlib.sha256(f"twin\x1f{seed}\x1f{name}".encode()).digest()


class Ids:
    """Numbers what the venue makes, and turns the numbers into ids. A restart goes on where it stopped."""

    def __init__(self, state: ExchangeState) -> None:
        self._state = state

    def next(self, kind: str) -> str:
        """Give a new id of a kind."""
        number = self._state.issued.get(kind, 0) + 1
        self._state.issued[kind] = number
        return id_of(self._state.seed, kind, str(number))
