"""An id is kept in one form, the shortest, and comes back as it was."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.sqlite_rows import id_of, stored_id
from tests.events.samples import ANY_TEXT

USUAL = "23cd2345-9815-55d1-ab5c-7a330afd30cd"
UUIDS = st.uuids().map(str)


@given(UUIDS)
def test_stored_id__a_uuid_in_its_usual_spelling__is_its_16_bytes(text: str) -> None:
    assert stored_id(text) == UUID(text).bytes
    assert id_of(stored_id(text)) == text


@given(ANY_TEXT | UUIDS.map(str.upper) | UUIDS.map(lambda text: text.replace("-", "")))
def test_stored_id__any_other_text__comes_back_as_it_was(text: str) -> None:
    assert id_of(stored_id(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        f"{USUAL}\n",
        f"{{{USUAL}}}",
        f"urn:uuid:{USUAL}",
        USUAL.replace("-", " "),
        USUAL.replace("2", "２"),
        "23cd23459815-55d1-ab5c-7a330afd30cd-",
        "x" * 36,
    ],
)
def test_stored_id__nearly_a_uuid__stays_text(text: str) -> None:
    assert stored_id(text) == text
    assert id_of(text) == text


def test_id_of__what_is_never_stored__is_refused() -> None:
    with pytest.raises(ValueError, match="an id has 15 bytes, not the 16 of a UUID"):
        id_of(bytes(15))
    with pytest.raises(ValueError, match=f"the id {USUAL} is kept as text"):
        id_of(USUAL)
