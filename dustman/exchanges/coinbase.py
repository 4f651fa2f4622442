"""Coinbase: an account there, its key, and what simulates it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from dustman.exchanges.account import Account
from dustman.forms import Code, Fraction, VenueUrl
from dustman.section import setting

if TYPE_CHECKING:
    from dustman.exchanges.key import Key
    from simulators.coinbase.twin import CoinbaseTwin
    from venues.coinbase.venue import Coinbase
    from venues.limits import Limiter
    from venues.times import Times

QUOTE_LIFE = timedelta(minutes=10)


class CoinbaseAccount(Account):
    """One account at Coinbase, and what its owner wants of it."""

    tag: ClassVar[str] = "coinbase"
    host: ClassVar[str] = "api.coinbase.com"
    # docs.cdp.coinbase.com, "Get Server Time".
    time_path: ClassVar[str] = "/api/v3/brokerage/time"
    key_advice: ClassVar[str] = (
        "at portal.cdp.coinbase.com make a key with the rights View and Trade, bound to the right portfolio"
    )

    base_url: VenueUrl = setting(
        "https://api.coinbase.com", "Where the venue is reached; a simulated one is elsewhere."
    )
    exclude: tuple[Code, ...] = setting(("USD", "USDC", "USDT", "BTC"), "What is never sold.")
    hubs: tuple[Code, ...] = setting(
        ("USDC", "USD"), "The currencies that sales may be paid in, best first.", min_length=1
    )
    taker_fee: Fraction = setting("0.012", "The venue's fee for estimates; its preview decides.")

    @staticmethod
    def check_key(key: Key) -> None:
        """Raise `ConfigurationError` unless the key is of a kind that the CDP portal gives."""
        from venues.coinbase.client import check_key

        check_key(key.name, key.secret)

    def opened(self, key: Key, limiter: Limiter, times: Times) -> Coinbase:
        """Return the account; a quote of a conversion can be committed for ten minutes, at a simulated one for none."""
        from venues.coinbase.venue import Coinbase

        quote_life = timedelta() if self.base_url.loopback else QUOTE_LIFE
        return Coinbase(
            key.name,
            key.secret,
            limiter=limiter,
            base_url=self.base_url.address,
            ca_file=self.ca_file,
            times=times,
            convert_never_arrived_after=times.never_arrived_after + quote_life,
        )

    @staticmethod
    def twin() -> type[CoinbaseTwin]:
        """Return the simulated Coinbase."""
        from simulators.coinbase.twin import CoinbaseTwin

        return CoinbaseTwin
