"""Coinbase keeps the venue contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.venues.coinbase_stage import CoinbaseStage
from tests.venues.contract import Stage, VenueContract


class TestCoinbase(VenueContract):
    """The contract, played on the twin."""

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with CoinbaseStage() as stage:
            yield stage
