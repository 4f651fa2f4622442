"""Binance keeps the venue contract, with either kind of key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from events.values import LegKind
from tests.venues.binance_stage import BinanceStage
from tests.venues.contract import TRADES, Stage, VenueContract


class TestBinance(VenueContract):
    """The contract, played on the twin. Markets and prices are public, and nothing is exchanged one to one."""

    keyless: ClassVar = frozenset({"capabilities", "prices"})

    @pytest.fixture(params=TRADES)
    def kind(self, request: pytest.FixtureRequest) -> LegKind:
        return LegKind(request.param)

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with BinanceStage() as stage:
            yield stage


class TestBinanceWithEd25519(TestBinance):
    """The same with an Ed25519 key."""

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with BinanceStage(algorithm="ed25519") as stage:
            yield stage
