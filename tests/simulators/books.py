"""A simulated exchange's books: what is there in all is what was there when it opened."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulators.exchange.twin import Twin


def conserved(twin: Twin[Any, Any]) -> None:
    """Assert that every asset adds up, over all accounts and the world outside, to what it did at the start."""
    ledger: Any = twin.ledger()
    for asset in {asset for account in ledger["balances"].values() for asset in account}:
        now, then = (
            sum((Decimal(account.get(asset, "0")) for account in ledger[when].values()), Decimal(0))
            for when in ("balances", "opening")
        )
        assert now == then, asset
