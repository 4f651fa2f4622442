"""The venue's markets, by base and quote with a dash between them."""

from __future__ import annotations

from simulators.exchange import markets
from simulators.okx.refusals import NO_INSTRUMENT, ErrorReply
from simulators.okx.scenario import MarketForm

# Balances are kept to so many decimal places.
PLACES = 16


class Markets(markets.Markets[MarketForm]):
    """Instruments by name."""

    @staticmethod
    def named(base: str, quote: str) -> str:
        """Name an instrument."""
        return f"{base}-{quote}"

    def _unknown(self, name: str) -> ErrorReply:
        del name
        return ErrorReply(*NO_INSTRUMENT)
