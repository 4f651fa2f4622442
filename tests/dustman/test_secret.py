"""Secrets: concealed once, they are in nothing that is shown; the rest is shown as it is."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dustman.secret import HIDDEN, Redacting, conceal, redacted, shown, visible

PEM = (
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBmarker0markerAA\noAoGCCqGSM49marker1AA==\n-----END EC PRIVATE KEY-----\n"
)


@pytest.mark.parametrize(
    "said",
    [PEM, PEM.replace("\n", "\\n"), repr(PEM), "line MHcCAQEEIBmarker0markerAA alone", f"{{'privateKey': {PEM!r}}}"],
)
def test_redacted__a_concealed_key__is_gone_in_every_form(said: str) -> None:
    conceal(PEM)
    assert "marker" not in redacted(said)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("redis://user:hunter2@host:1/0", "redis://***@host:1/0"),
        ("redis://:hun/t@er2@host", "redis://***@host"),
        ("redis://host/0?password=hunter2&x=1", "redis://host/0?password=***&x=1"),
        ("Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl!", "Bearer ***!"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2", HIDDEN),
        ("https://host/path, a sentence", "https://host/path, a sentence"),
    ],
)
def test_redacted__what_has_the_shape_of_a_secret__is_hidden(said: str, left: str) -> None:
    assert redacted(said) == left


def test_conceal__short_or_empty_pieces__blot_nothing_out() -> None:
    conceal("")
    conceal("ab\n-----\n")
    assert redacted("ab ----- c") == "ab ----- c"


@given(st.text())
def test_visible__whatever_a_name_holds__cannot_steer_a_terminal(name: str) -> None:
    assert all(character.isprintable() or character == "\n" for character in visible(name))
    assert visible(visible(name)) == visible(name)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0,5", '"0,5"'),
        ("\x1b[31m", r'"\x1b[31m"'),
        ("x" * 61, "a text of 61 characters"),
        (None, "an empty value"),
        ([1], "a list"),
        ({}, "a mapping"),
        (1.5, "1.5"),
    ],
)
def test_shown__a_value__is_quoted_or_only_measured(value: object, said: str) -> None:
    assert shown(value) == said


def test_redacting__a_log_line_with_its_trace__shows_no_secret() -> None:
    conceal("hunter2hunter2")
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "key %s", ("hunter2hunter2",), None)
    try:
        raise ValueError("hunter2hunter2")
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    said = Redacting("%(levelname)s %(message)s").format(record)
    assert said.startswith("ERROR key ***\n")
    assert "hunter2" not in said
