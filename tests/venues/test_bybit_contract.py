"""Bybit keeps the venue contract, with either kind of key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from events.values import LegKind
from tests.venues.bybit_stage import BybitStage
from tests.venues.contract import TRADES, Stage, VenueContract


class TestBybit(VenueContract):
    """The contract, played on the twin. Markets and prices are public, and nothing is exchanged one to one."""

    keyless: ClassVar = frozenset({"capabilities", "prices"})

    @pytest.fixture(params=TRADES)
    def kind(self, request: pytest.FixtureRequest) -> LegKind:
        return LegKind(request.param)

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with BybitStage() as stage:
            yield stage


class TestBybitWithRsa(TestBybit):
    """The same with an RSA key."""

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with BybitStage(algorithm="rsa") as stage:
            yield stage
