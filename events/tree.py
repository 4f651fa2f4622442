"""The Merkle tree over the log: hashes, roots, proofs and their verification, as RFC 6962, section 2.1, defines them.

An event's position completes one leaf and every subtree that ends with it; a store keeps these hashes, leaf first, in
one row a position. Everything else follows from rows: the node of `level` that ends at `position` stands at `level` in
that position's row. Leaves are counted from 0 and positions from 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from events.log import CorruptLog

HASH_SIZE: Final = 32
EMPTY: Final = hashlib.sha256().digest()

# What a store finds for positions: each with its row of hashes.
Rows = Callable[[Collection[int]], Mapping[int, bytes]]
# Leaves from the first to before the second, such as RFC 6962 writes D[k1:k2].
Span = tuple[int, int]
# A complete subtree: its level, 0 for a leaf, and the position that completed it.
Node = tuple[int, int]


class BadProof(ValueError):
    """A proof that does not lead from what it is about to the root it is held against."""


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree's complete subtrees, largest first: all that its root, and its growth, depend on."""

    def __init__(self, size: int, peaks: Iterable[bytes]) -> None:
        self.size = size
        self._peaks = list(peaks)

    def add(self, leaf: bytes) -> bytes:
        """Add a leaf and return its position's row."""
        completed, size = [leaf_hash(leaf)], self.size
        while size & 1:
            completed.append(node_hash(self._peaks.pop(), completed[-1]))
            size >>= 1
        self._peaks.append(completed[-1])
        self.size += 1
        return b"".join(completed)

    def root(self) -> bytes:
        return _joined(self._peaks)


def frontier(size: int, rows: Rows) -> Frontier:
    """Return the frontier of the first `size` leaves, from the rows kept."""
    nodes = list(_nodes((0, size)))
    found = rows([position for _, position in nodes])
    return Frontier(size, [_kept(found, node) for node in nodes])


def root(size: int, rows: Rows) -> bytes:
    """Return the root of the first `size` leaves."""
    return frontier(size, rows).root()


def inclusion(index: int, size: int, rows: Rows) -> list[bytes]:
    """Prove that the leaf `index` is in the tree of `size` leaves: the siblings on its way up, lowest first."""
    if not 0 <= index < size:
        raise ValueError(f"index: {index} is not a leaf of a tree of {size}")
    start, end, siblings = 0, size, list[Span]()
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return _hashes(siblings[::-1], rows)


def consistency(old: int, size: int, rows: Rows) -> list[bytes]:
    """Prove that the tree of `size` leaves begins with the leaves of the tree of `old`."""
    if not 0 < old <= size:
        raise ValueError(f"old: {old} is not a size from 1 to {size}")
    start, end, spans = 0, size, list[Span]()
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start > 0:  # the verifier knows the old root itself
        spans.append((start, end))
    return _hashes(spans[::-1], rows)


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that a proof leads to from the leaf with this hash (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise BadProof(f"leaf {index} is not in a tree of {size}")
    own, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise BadProof(f"the proof has more than the hashes that leaf {index} of {size} needs")
        if own & 1 or own == last:
            found = node_hash(sibling, found)
            while own and not own & 1:  # a right edge without a sibling on these levels
                own, last = own >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        own, last = own >> 1, last >> 1
    if last:
        raise BadProof(f"the proof has fewer than the hashes that leaf {index} of {size} needs")
    return found


def check_consistency(old: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise `BadProof` unless the proof leads to both roots (RFC 9162, section 2.1.4.2)."""
    if not 0 < old <= size:
        raise BadProof(f"a tree of {old} is not the beginning of a tree of {size}")
    path = list(proof) if old & (old - 1) else [old_root, *proof]  # a power of two is a node itself
    if old == size:
        path = [old_root]
    if not path or (old == size and proof):
        raise BadProof(f"the proof has not the hashes that {old} of {size} needs")
    own, last = old - 1, size - 1
    while own & 1:
        own, last = own >> 1, last >> 1
    if old == size:
        last = 0
    left = right = path[0]
    for hashed in path[1:]:
        if last == 0:
            raise BadProof(f"the proof has more than the hashes that {old} of {size} needs")
        if own & 1 or own == last:
            left, right = node_hash(hashed, left), node_hash(hashed, right)
            while own and not own & 1:
                own, last = own >> 1, last >> 1
        else:
            right = node_hash(right, hashed)
        own, last = own >> 1, last >> 1
    if last or (left, right) != (old_root, new_root):
        raise BadProof(f"the tree of {size} does not begin with the tree of {old}")


def _split(count: int) -> int:
    """Return the largest power of two below `count`, where RFC 6962 cuts a list in two."""
    return 1 << ((count - 1).bit_length() - 1)


def _nodes(span: Span) -> Iterator[Node]:
    """Yield the complete subtrees that a span consists of, largest first; its start is a multiple of each."""
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        start += 1 << level
        yield level, start


def _hashes(spans: Sequence[Span], rows: Rows) -> list[bytes]:
    """Return the hash of each span, with one look-up for all."""
    nodes = [list(_nodes(span)) for span in spans]
    found = rows({position for each in nodes for _, position in each})
    return [_joined([_kept(found, node) for node in each]) for each in nodes]


def _kept(found: Mapping[int, bytes], node: Node) -> bytes:
    level, position = node
    kept = found.get(position, b"")[level * HASH_SIZE : (level + 1) * HASH_SIZE]
    if len(kept) != HASH_SIZE:
        raise CorruptLog(f"the tree's node of level {level} at position {position} is missing")
    return kept


def _joined(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY
    joined = peaks[-1]
    for peak in reversed(peaks[:-1]):
        joined = node_hash(peak, joined)
    return joined
