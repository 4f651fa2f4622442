"""The screen: people see text and only text, programs get JSON and only JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pytest
from rich.table import Table

from dustman.screen import Screen
from dustman.secret import conceal
from events.money import Amount

NASTY = "[bold red]PEPE[/] :skull: \x1b[2J\x9b31m\u202eCTB\r\nx"


class Word(StrEnum):
    LOST = "lost"


@dataclass(frozen=True)
class Told:
    amount: Amount
    at: datetime
    word: Word
    nothing: None = None


def test_show__to_a_program__is_one_line_of_exact_json(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2025, 11, 21, 14, tzinfo=timezone(timedelta(hours=2)))
    told = Told(Amount(Decimal("1E-8"), "coinbase:BTC"), at, Word.LOST)
    screen = Screen(as_json=True)
    screen.show({"told": told, "list": (told.word, 1, True), "path": Path("a/b")}, "for people")
    screen.note("beside")
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "told": {
            "amount": {"quantity": "0.00000001", "asset": "coinbase:BTC"},
            "at": "2025-11-21T12:00:00Z",
            "word": "lost",
            "nothing": None,
        },
        "list": ["lost", 1, True],
        "path": "a/b",
    }
    assert said.out.count("\n") == 1
    assert said.err == "beside\n"


def test_show__a_value_without_a_form_in_json__is_an_error() -> None:
    with pytest.raises(TypeError, match="float has no form in JSON"):
        Screen(as_json=True).show({"price": 0.1})


def test_show__to_people__is_the_drawing(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().show({"x": 1}, "one", "two")
    assert capsys.readouterr().out == "one\ntwo\n"


@pytest.mark.parametrize("as_json", [True, False])
def test_show__a_stranger_s_name__is_text_and_nothing_else(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    table = Table("name")
    table.add_row(NASTY)
    Screen(as_json=as_json).show({"name": NASTY}, NASTY, table)
    said = capsys.readouterr().out
    assert "[bold red]PEPE[/] :skull:" in said
    assert all(character.isprintable() or character == "\n" for character in said)


@pytest.mark.parametrize("as_json", [True, False])
def test_show__a_concealed_secret__is_hidden(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    conceal("hunter2hunter2")
    screen = Screen(as_json=as_json)
    screen.show({"key": "hunter2hunter2"}, "hunter2hunter2")
    screen.note("hunter2hunter2")
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
    assert "***" in said.out


def test_jsonable__times__are_utc(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(as_json=True).show([datetime(2025, 1, 1, 0, 0, 0, 5, tzinfo=UTC)])
    assert capsys.readouterr().out == '["2025-01-01T00:00:00.000005Z"]\n'
