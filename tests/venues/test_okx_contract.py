"""OKX keeps the venue contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from events.values import LegKind
from tests.venues.contract import TRADES, Stage, VenueContract
from tests.venues.okx_stage import OKXStage


class TestOKX(VenueContract):
    """The contract, played on the twin. Markets and prices are public, and nothing is exchanged one to one."""

    keyless: ClassVar = frozenset({"capabilities", "prices"})

    @pytest.fixture(params=TRADES)
    def kind(self, request: pytest.FixtureRequest) -> LegKind:
        return LegKind(request.param)

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with OKXStage() as stage:
            yield stage
