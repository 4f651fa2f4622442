"""Binance: an account there, its key, and what simulates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from dustman.exchanges.dollars import DollarAccount
from dustman.forms import Code, VenueUrl, Yes
from dustman.section import Section, rule, setting, word_or

if TYPE_CHECKING:
    from dustman.exchanges.key import Key
    from simulators.binance.twin import BinanceTwin
    from venues.binance.venue import Binance
    from venues.limits import Limiter
    from venues.times import Times


class SmallBalances(Section):
    """The venue's own exchange of small balances: what markets are too coarse for, many coins in one request."""

    pays: Code | None = setting(None, "What it pays in: the target, or one of `hubs`; without it the target.")
    classic: Yes = setting("false", "Use the older endpoint, which pays in BNB and takes no id of the request.")


def _small_balances(value: object) -> object:
    return word_or("off", "off, or {pays: BNB, classic: true}", (dict, SmallBalances), value)


class BinanceAccount(DollarAccount):
    """One spot account at Binance, and what its owner wants of it."""

    tag: ClassVar[str] = "binance"
    host: ClassVar[str] = "api.binance.com"
    # developers.binance.com, "Check server time".
    time_path: ClassVar[str] = "/api/v3/time"
    key_advice: ClassVar[str] = (
        "at binance.com, API Management, make a key with Enable Reading and Enable Spot & Margin Trading only"
    )

    base_url: VenueUrl = setting("https://api.binance.com", "Where the venue is reached; a simulated one is elsewhere.")
    exclude: tuple[Code, ...] = setting(("USD", "USDT", "USDC", "BTC", "BNB"), "What is never sold.")
    small_balances: Annotated[SmallBalances | None, BeforeValidator(_small_balances)] = setting(
        {}, "The venue's own exchange of small balances, or `off`."
    )

    @model_validator(mode="after")
    def _classic_in_bnb(self) -> Self:
        if self.small_balances is not None and self.small_balances.classic and self.pays != "BNB":
            raise rule(f"is true, but pays is {self.pays}: the older endpoint pays in BNB", "small_balances", "classic")
        return self

    @property
    def pays(self) -> str:
        """Return what small balances are paid in."""
        return (self.small_balances.pays if self.small_balances else None) or self.target

    @property
    def exchanges_small(self) -> SmallBalances | None:
        """Return how small balances are exchanged, None where they are not."""
        return self.small_balances

    @staticmethod
    def check_key(key: Key) -> None:
        """Raise `ConfigurationError` unless the key is of a kind that the venue gives."""
        from venues.binance.client import check_key

        check_key(key.name, key.secret)

    def opened(self, key: Key, limiter: Limiter, times: Times) -> Binance:
        """Return the account, with the venue's exchange of small balances where the settings use it."""
        from venues.binance.dust import Desk
        from venues.binance.venue import Binance

        small = self.small_balances
        return Binance(
            key.name,
            key.secret,
            limiter=limiter,
            base_url=self.base_url.address,
            ca_file=self.ca_file,
            times=times,
            small_balances=None if small is None else Desk(self.pays, small.classic),
        )

    @staticmethod
    def twin() -> type[BinanceTwin]:
        """Return the simulated Binance."""
        from simulators.binance.twin import BinanceTwin

        return BinanceTwin
