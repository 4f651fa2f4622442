"""Binance: an account there, its key, and what simulates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from dustman.exchanges.account import Account
from dustman.forms import Code, Fraction, VenueUrl, Yes
from dustman.section import Section, rule, setting, word_or
from venues.dollars import AT_PAR

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


class BinanceAccount(Account):
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
    hubs: tuple[Code, ...] = setting(
        ("USDT", "USDC"), "The dollar coins that sales may be paid in, best first.", min_length=1
    )
    taker_fee: Fraction = setting("0.001", "The venue's fee for estimates; what the account pays decides.")
    small_balances: Annotated[SmallBalances | None, BeforeValidator(_small_balances)] = setting(
        {}, "The venue's own exchange of small balances, or `off`."
    )

    @model_validator(mode="after")
    def _in_dollars(self) -> Self:
        if others := [hub for hub in self.hubs if hub not in AT_PAR]:
            raise rule(f"has {others[0]}, which is no dollar coin; caps count a hub as {self.currency}", "hubs")
        return self

    @model_validator(mode="after")
    def _paid_in_what_leads_on(self) -> Self:
        small = self.small_balances
        if small is not None and self.pays not in {self.target, *self.hubs}:
            raise rule(f"pays {self.pays}, which is neither the target nor one of hubs", "small_balances", "pays")
        if small is not None and small.classic and self.pays != "BNB":
            raise rule(f"is true, but pays is {self.pays}: the older endpoint pays in BNB", "small_balances", "classic")
        return self

    @property
    def pays(self) -> str:
        """Return what small balances are paid in."""
        return (self.small_balances.pays if self.small_balances else None) or self.target

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
