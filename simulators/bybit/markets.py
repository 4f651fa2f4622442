"""The venue's markets, by base and quote in one word."""

from __future__ import annotations

from simulators.bybit.refusals import INVALID_SYMBOL, ErrorReply
from simulators.bybit.scenario import SymbolForm
from simulators.exchange import markets

# Balances are kept to so many decimal places.
PLACES = 18


class Markets(markets.Markets[SymbolForm]):
    """Symbols by name."""

    @staticmethod
    def named(base: str, quote: str) -> str:
        """Name a symbol."""
        return base + quote

    def _unknown(self, name: str) -> ErrorReply:
        del name
        return ErrorReply(*INVALID_SYMBOL)
