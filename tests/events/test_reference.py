"""The page of events says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from events.catalogue import FACT_OF
from events.reference import PAGE, page

ROOT = Path(__file__).parents[2]


def test_page__in_the_repository__is_what_the_code_would_write() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), "run: python -m events.reference"


def test_page__every_type__has_its_section_and_every_link_its_place() -> None:
    text = page()
    headings = re.findall(r"^### (\w+)$", text, re.MULTILINE)
    assert {word for word, _ in FACT_OF} <= set(headings)
    assert len(headings) == len(set(headings))
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= {heading.lower() for heading in headings}
