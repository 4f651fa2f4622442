"""A small twin and a client of it, for every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import client_of


@pytest.fixture
def twin() -> Iterator[CoinbaseTwin]:
    with CoinbaseTwin(small()) as twin:
        yield twin


@pytest.fixture
def client(twin: CoinbaseTwin) -> Iterator[Any]:
    with client_of(twin) as client:
        yield client
