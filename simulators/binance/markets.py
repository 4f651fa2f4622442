"""The venue's markets, by base and quote in one word."""

from __future__ import annotations

from simulators.binance.refusals import INVALID_SYMBOL, ErrorReply
from simulators.binance.scenario import SymbolForm
from simulators.exchange import markets

# Balances are kept to so many decimal places.
PLACES = 8


class Markets(markets.Markets[SymbolForm]):
    """Symbols by name."""

    @staticmethod
    def named(base: str, quote: str) -> str:
        """Name a symbol."""
        return base + quote

    def _unknown(self, name: str) -> ErrorReply:
        del name
        return ErrorReply(*INVALID_SYMBOL)
