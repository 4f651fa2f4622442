"""Every fact has its word, for ever."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import events
from events.catalogue import FACT_OF, TYPE_OF, UnknownType, type_of
from events.facts import Fact
from tests.events.samples import SAMPLES


def test_catalogue__every_fact__has_a_type_and_back() -> None:
    assert set(TYPE_OF) == set(get_args(Fact))
    assert {FACT_OF[event_type] for event_type in TYPE_OF.values()} == set(TYPE_OF)
    assert len(FACT_OF) == len(TYPE_OF)


def test_catalogue__words__are_the_class_names_in_snake_case() -> None:
    for form, event_type in TYPE_OF.items():
        assert event_type.word == re.sub(r"(?<!^)(?=[A-Z])", "_", form.__name__).lower()
        assert event_type.version >= 1


def test_catalogue__samples__cover_every_type_once() -> None:
    assert sorted(type_of(sample).word for sample in SAMPLES) == sorted(word for word, _ in FACT_OF)


def test_catalogue__something_else__is_refused_by_name() -> None:
    with pytest.raises(UnknownType, match="int is not a fact"):
        type_of(3)  # type: ignore[arg-type]


def test_events__imported__are_those_of_this_checkout() -> None:
    assert Path(events.__file__).parent == Path(__file__).parents[2] / "events"
