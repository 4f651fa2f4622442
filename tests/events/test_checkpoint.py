"""Signed notes and checkpoints: published vectors, keys, and what is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.checkpoint import (
    BadCheckpoint,
    BadKey,
    Checkpoint,
    SignerKey,
    VerifierKey,
    notes,
    opened,
    origin,
    parsed_key,
)

# The example of https://pkg.go.dev/golang.org/x/mod/sumdb/note.
GO_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="

KEY, OTHER = SignerKey("dustman/one", bytes(range(32))), SignerKey("dustman/one", bytes(32))
HEAD = Checkpoint("dustman/one", 12, bytes(range(100, 132)))
NOTE = HEAD.signed(KEY)


def test_key__the_published_example__is_read_written_and_signs_alike() -> None:
    signer, verifier = parsed_key(GO_SIGNER), parsed_key(GO_VERIFIER)
    assert isinstance(signer, SignerKey)
    assert (signer.verifier, str(signer), str(verifier)) == (verifier, GO_SIGNER, GO_VERIFIER)
    assert base64.b64encode(signer.sign(GO_TEXT)).decode() == GO_SIGNATURE
    assert "ARpc" not in repr(signer)
    assert GO_SIGNER[-20:] not in repr(signer)


@pytest.mark.parametrize(
    "text",
    ["", "nobody", GO_VERIFIER[:-1], GO_VERIFIER.replace("c74f20a3", "c74f20a4"), GO_VERIFIER.replace("ARpc", "AhpC")],
)
def test_key__of_another_form__is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadKey) as refused:
        parsed_key(text)
    assert not text or text not in str(refused.value)


def test_note__signed__has_the_lines_of_the_specification() -> None:
    name, size, root, blank, signature = NOTE.decode().splitlines()
    assert (name, size, base64.b64decode(root), blank) == (origin("one"), "12", HEAD.root, "")
    dash, signer, raw = signature.split(" ")
    assert (dash, signer, base64.b64decode(raw)[:4]) == ("—", "dustman/one", KEY.verifier.id)
    assert NOTE.endswith(b"\n")


def test_note__opened_with_its_key__is_the_checkpoint() -> None:
    assert opened(NOTE, [OTHER.verifier, KEY.verifier]) == HEAD
    extended = f"{HEAD.text()}more\n"
    line = f"— {KEY.name} {base64.b64encode(KEY.sign(extended.encode())).decode()}\n"
    assert opened(f"{extended}\n{line}".encode(), [KEY.verifier]) == HEAD


def test_note__by_several_keys__needs_one_that_is_known_and_none_that_is_false() -> None:
    by_other = HEAD.signed(OTHER).splitlines(keepends=True)[-1]
    stranger = SignerKey("witness.example", bytes(32)).verifier
    assert opened(NOTE + by_other, [OTHER.verifier]) == HEAD
    with pytest.raises(BadCheckpoint, match="none of its signatures is by a known key"):
        opened(NOTE + by_other, [stranger])
    forged = Checkpoint("dustman/one", 13, HEAD.root).signed(OTHER).splitlines(keepends=True)[-1]
    with pytest.raises(BadCheckpoint, match=r"its signature by dustman/one\+[0-9a-f]{8} is false"):
        opened(NOTE + forged, [KEY.verifier, OTHER.verifier])


@given(st.integers(0, len(NOTE) * 8 - 1))
def test_note__any_bit_flipped__is_refused(bit: int) -> None:
    changed = (int.from_bytes(NOTE) ^ (1 << bit)).to_bytes(len(NOTE))
    with pytest.raises(BadCheckpoint):
        opened(changed, [KEY.verifier])


@pytest.mark.parametrize("text", ["dustman/one\n012\n{root}\n", "dustman/one\n-1\n{root}\n", "dustman/one\n12\nAAAA\n"])
def test_note__signed_over_no_tree_head__is_refused(text: str) -> None:
    text = text.format(root=base64.b64encode(HEAD.root).decode())
    note = f"{text}\n— {KEY.name} {base64.b64encode(KEY.sign(text.encode())).decode()}\n"
    with pytest.raises(BadCheckpoint, match="its size or its root is not one"):
        opened(note.encode(), [KEY.verifier])


def test_notes__one_after_the_other__are_told_apart() -> None:
    two = Checkpoint("dustman/one", 13, HEAD.root).signed(OTHER)
    assert list(notes(NOTE + two + NOTE)) == [NOTE, two, NOTE]
    assert list(notes(b"")) == []
    with pytest.raises(BadCheckpoint, match=f"what begins at byte {len(NOTE)} is no checkpoint"):
        list(notes(NOTE + b"something else\n"))


def test_verifier_key__its_id__binds_name_and_key() -> None:
    assert VerifierKey("a", KEY.verifier.public).id != VerifierKey("b", KEY.verifier.public).id
