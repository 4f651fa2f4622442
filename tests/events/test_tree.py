"""The tree against the definitions of RFC 6962, section 2.1, written down here as they stand there."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.log import CorruptLog
from events.tree import (
    EMPTY,
    HASH_SIZE,
    BadProof,
    Frontier,
    check_consistency,
    consistency,
    frontier,
    inclusion,
    leaf_hash,
    root,
    root_of_inclusion,
)

MOST = 130


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def largest_power_of_two_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: Sequence[bytes]) -> bytes:
    if not d:
        return sha(b"")
    if len(d) == 1:
        return sha(b"\x00" + d[0])
    k = largest_power_of_two_below(len(d))
    return sha(b"\x01" + mth(d[:k]) + mth(d[k:]))


def path(m: int, d: Sequence[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = largest_power_of_two_below(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: Sequence[bytes], known: bool) -> list[bytes]:
    if m == len(d):
        return [] if known else [mth(d)]
    k = largest_power_of_two_below(len(d))
    if m <= k:
        return [*subproof(m, d[:k], known), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


class Kept:
    """A tree's rows in memory, as a store keeps them."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        tree = Frontier(0, [])
        self.rows = {position: tree.add(leaf) for position, leaf in enumerate(leaves, start=1)}

    def __call__(self, positions: Collection[int]) -> Mapping[int, bytes]:
        return {position: self.rows[position] for position in positions if position in self.rows}


LEAVES = [b"leaf %d" % number for number in range(MOST)]
KEPT = Kept(LEAVES)
SIZES = st.integers(1, MOST)


@st.composite
def two(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(SIZES)
    return draw(st.integers(1, size)), size


def test_root__every_size__is_the_definition_s() -> None:
    assert [root(size, KEPT) for size in range(MOST + 1)] == [mth(LEAVES[:size]) for size in range(MOST + 1)]
    assert root(0, KEPT) == EMPTY


def test_root__the_published_vectors__are_met() -> None:
    """The leaves and roots that Certificate Transparency's own tests use (google/certificate-transparency)."""
    texts = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    kept = Kept([bytes.fromhex(text) for text in texts])
    assert root(1, kept).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root(8, kept).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(two())
def test_inclusion__any_leaf_of_any_size__is_the_definition_s_and_leads_to_the_root(pair: tuple[int, int]) -> None:
    position, size = pair
    proof = inclusion(position - 1, size, KEPT)
    assert proof == path(position - 1, LEAVES[:size])
    assert root_of_inclusion(leaf_hash(LEAVES[position - 1]), position - 1, size, proof) == mth(LEAVES[:size])


@given(two())
def test_consistency__any_two_sizes__is_the_definition_s_and_is_accepted(pair: tuple[int, int]) -> None:
    old, size = pair
    proof = consistency(old, size, KEPT)
    assert proof == subproof(old, LEAVES[:size], True)
    check_consistency(old, mth(LEAVES[:old]), size, mth(LEAVES[:size]), proof)


@given(two(), st.data())
def test_inclusion__anything_changed__leads_elsewhere(pair: tuple[int, int], data: st.DataObject) -> None:
    position, size = pair
    index, leaf, proof = position - 1, leaf_hash(LEAVES[position - 1]), path(position - 1, LEAVES[:size])
    match data.draw(st.sampled_from(["leaf", "index", "shorter", "longer", *(["hash"] if proof else [])])):
        case "leaf":
            leaf = _flipped(leaf, data)
        case "index":
            index = data.draw(st.integers(0, size).filter(lambda other: other != position - 1))
        case "shorter":
            proof = proof[:-1] if proof else [leaf]
        case "longer":
            proof = [*proof, data.draw(st.binary(min_size=HASH_SIZE, max_size=HASH_SIZE))]
        case "hash":
            which = data.draw(st.integers(0, len(proof) - 1))
            proof[which] = _flipped(proof[which], data)
    try:
        assert root_of_inclusion(leaf, index, size, proof) != mth(LEAVES[:size])
    except BadProof as bad:
        assert "leaf" in str(bad)


@given(two(), st.data())
def test_consistency__anything_changed__is_refused(pair: tuple[int, int], data: st.DataObject) -> None:
    old, size = pair
    roots = [mth(LEAVES[:old]), mth(LEAVES[:size])]
    proof = subproof(old, LEAVES[:size], True)
    match data.draw(st.sampled_from(["root", "shorter", "longer", *(["hash"] if proof else [])])):
        case "root":
            which = data.draw(st.integers(0, 1))
            roots[which] = _flipped(roots[which], data)
        case "shorter":
            proof = proof[:-1] if proof else [roots[0]]
        case "longer":
            proof = [*proof, data.draw(st.binary(min_size=HASH_SIZE, max_size=HASH_SIZE))]
        case "hash":
            which = data.draw(st.integers(0, len(proof) - 1))
            proof[which] = _flipped(proof[which], data)
    with pytest.raises(BadProof):
        check_consistency(old, roots[0], size, roots[1], proof)


@given(st.integers(0, MOST), st.integers(0, MOST))
def test_frontier__taken_up_at_any_size__grows_the_same_tree(first: int, then: int) -> None:
    first, size = min(first, then), max(first, then)
    tree = frontier(first, KEPT)
    rows = [tree.add(leaf) for leaf in LEAVES[first:size]]
    assert rows == [KEPT.rows[position] for position in range(first + 1, size + 1)]
    assert (tree.size, tree.root()) == (size, mth(LEAVES[:size]))


def test_rows__one_gone_or_cut__is_a_corrupt_log_with_the_position() -> None:
    kept = Kept(LEAVES)
    kept.rows[64] = kept.rows[64][:-1]
    del kept.rows[66]
    with pytest.raises(CorruptLog, match="level 6 at position 64 is missing"):
        root(65, kept)
    with pytest.raises(CorruptLog, match="level 1 at position 66 is missing"):
        inclusion(66, 67, kept)


@pytest.mark.parametrize(("old", "size"), [(0, 3), (4, 3)])
def test_proofs__of_what_is_not_there__name_the_number(old: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"old: {old} is not a size from 1 to 3"):
        consistency(old, size, KEPT)
    with pytest.raises(BadProof, match=f"a tree of {old} is not the beginning"):
        check_consistency(old, EMPTY, size, EMPTY, [])
    with pytest.raises(ValueError, match="index: 3 is not a leaf of a tree of 3"):
        inclusion(3, 3, KEPT)


def _flipped(value: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, len(value) * 8 - 1))
    return (int.from_bytes(value) ^ (1 << bit)).to_bytes(len(value))
