"""Asking: an answer is asked for again until it is accepted, never for ever."""

from __future__ import annotations

import sys
from io import StringIO

import pytest

from domain.errors import ConfigurationError
from dustman.interview import TRIES, ask, ask_secret


def answering(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("".join(f"{line}\n" for line in lines)))


def not_a_digit(answer: str) -> str | None:
    return None if answer.isdigit() else f"{answer} is not a digit"


def test_ask__an_empty_answer__is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "  ")
    assert ask("How many", "3", not_a_digit) == "3"


def test_ask__bad_answers__are_explained_and_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "x", " 7 ")
    assert ask("How many", "", not_a_digit) == "7"
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "How many:   x is not a digit\nHow many: "


def test_ask__only_bad_answers__ends(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, *["x"] * (TRIES + 1))
    with pytest.raises(ConfigurationError, match=f"{TRIES} answers were not accepted"):
        ask("How many", "", not_a_digit)


def test_ask__nobody_there__says_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch)
    with pytest.raises(ConfigurationError, match="the answers ended too early; --no-input takes options"):
        ask("How many", "3", not_a_digit)


def test_ask_secret__a_pem_pasted_with_its_lines__is_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(["-----BEGIN EC PRIVATE KEY-----", "abc", "-----END EC PRIVATE KEY-----", "not read"])
    monkeypatch.setattr("dustman.interview.getpass", lambda _: next(lines))
    assert ask_secret("Secret") == "-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----"
    assert next(lines) == "not read"


def test_ask_secret__a_pem_without_an_end__is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dustman.interview.getpass", lambda _: "-----BEGIN")
    assert len(ask_secret("Secret").splitlines()) == 40
