"""Merkle trees as those who pay rewards build them: what a root stands for, and the proof of each of its leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak

EMPTY = bytes(32)
Join = Callable[[bytes, bytes], bytes]


def sorted_pair(one: bytes, other: bytes) -> bytes:
    """Join two nodes, the smaller first, so that a proof needs no places (OpenZeppelin's MerkleProof)."""
    return keccak(b"".join(sorted((one, other))))


def ordered_pair(left: bytes, right: bytes) -> bytes:
    """Join two nodes as they stand (EigenLayer's Merkle)."""
    return keccak(left + right)


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree over leaves, filled up with empty ones to a power of two."""

    leaves: tuple[bytes, ...]
    join: Join

    @property
    def root(self) -> bytes:
        """Return the root; of one leaf that leaf."""
        return self._levels()[-1][0]

    def proof(self, place: int) -> list[bytes]:
        """Return the siblings on the way from a leaf to the root."""
        return [level[(place >> height) ^ 1] for height, level in enumerate(self._levels()[:-1])]

    def _levels(self) -> list[Sequence[bytes]]:
        width = 1 << (len(self.leaves) - 1).bit_length()
        levels: list[Sequence[bytes]] = [[*self.leaves, *[EMPTY] * (width - len(self.leaves))]]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append([self.join(below[n], below[n + 1]) for n in range(0, len(below), 2)])
        return levels
