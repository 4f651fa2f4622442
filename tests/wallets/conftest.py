"""What every test of a wallet starts from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wallets.fuse import Fuse


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """An accident of one test must not befall the next, however the first one ends."""
    yield
    Fuse.disarm()
