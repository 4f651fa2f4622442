"""The generated reference pages say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from dustman.exchanges.account import Account
from dustman.exits import Exit
from dustman.reference import PAGES, pages, write
from dustman.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", pages())
def test_reference__as_committed__is_what_the_code_says(name: str) -> None:
    assert (ROOT / PAGES / name).read_text("utf-8") == pages()[name], "run `python -m dustman.reference`"


def test_reference__settings__names_every_key_with_its_form() -> None:
    page = pages()["settings.md"]
    for key in (*Settings.model_fields, *Account.model_fields):
        assert f"| `{key}` | " in page
    assert "| `threshold` | a number above zero, such as 0.50 | `0.50` | " in page
    assert "| `venue` | coinbase, binance, bybit, okx or evm | must be written | " in page
    assert "| `ca_file` | the path of a file | none | " in page
    assert "## accounts.NAME (venue: coinbase).caps" in page


def test_reference__exit_codes__names_every_number() -> None:
    for end in Exit:
        assert f"| {int(end)} | " in pages()["exit-codes.md"]


def test_write__into_a_new_directory__makes_every_page(tmp_path: Path) -> None:
    write(tmp_path / "docs")
    assert {page.name: page.read_text("utf-8") for page in (tmp_path / "docs").iterdir()} == pages()
