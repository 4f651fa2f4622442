"""The table of exchanges: each is named, has settings of its own, and a twin that goes by the same word."""

from __future__ import annotations

from typing import get_args

import pytest

from dustman.exchanges import NAMES
from dustman.exchanges.table import EXCHANGES, AnyExchange


def test_table__of_exchanges__names_each_once_and_the_same_everywhere() -> None:
    assert [get_args(each)[0] for each in get_args(AnyExchange)] == list(EXCHANGES.values())
    assert list(NAMES) == list(EXCHANGES)


@pytest.mark.parametrize("word", NAMES)
def test_exchange__by_its_word__is_reached_where_its_settings_say_and_simulated_under_its_name(word: str) -> None:
    account = EXCHANGES[word]
    assert account.tag == account.twin().kind.name == word
    assert account.model_fields["base_url"].default == f"https://{account.host}"
    assert account.time_path.startswith("/")
    assert account.key_advice
