"""Bybit: an account there, its key, and what simulates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from dustman.exchanges.dollars import DollarAccount
from dustman.forms import Code, VenueUrl
from dustman.section import Section, rule, setting, word_or

if TYPE_CHECKING:
    from dustman.exchanges.key import Key
    from simulators.bybit.twin import BybitTwin
    from venues.bybit.venue import Bybit
    from venues.limits import Limiter
    from venues.times import Times

# What the venue pays small balances in; bybit-exchange.github.io/docs/v5, "Get Small Balance Coins".
PAID_IN = ("MNT", "USDT", "USDC")


class SmallConversion(Section):
    """The venue's own exchange of small balances: what markets are too coarse for, twenty coins in one request."""

    pays: Code | None = setting(
        None,
        "What it pays in, MNT, USDT or USDC: the target, or one of `hubs`. Without it the target where it is one of "
        "these, else the first such hub.",
    )


def _small_balances(value: object) -> object:
    return word_or("off", "off, or {pays: USDT}", (dict, SmallConversion), value)


class BybitAccount(DollarAccount):
    """One unified account at Bybit, and what its owner wants of it."""

    tag: ClassVar[str] = "bybit"
    host: ClassVar[str] = "api.bybit.com"
    # bybit-exchange.github.io/docs/v5, "Get Bybit Server Time".
    time_path: ClassVar[str] = "/v5/market/time"
    key_advice: ClassVar[str] = (
        "at bybit.com, API, make a key of the kind Read-Write with Trade under SPOT and with Convert, and nothing else"
    )

    base_url: VenueUrl = setting("https://api.bybit.com", "Where the venue is reached; a simulated one is elsewhere.")
    exclude: tuple[Code, ...] = setting(("USD", "USDT", "USDC", "BTC", "MNT"), "What is never sold.")
    small_balances: Annotated[SmallConversion | None, BeforeValidator(_small_balances)] = setting(
        {}, "The venue's own exchange of small balances, or `off`."
    )

    @model_validator(mode="after")
    def _paid_in_what_there_is(self) -> Self:
        if self.small_balances is not None and self.pays not in PAID_IN:
            raise rule(f"pays {self.pays}, but Bybit pays in {', '.join(PAID_IN)}", "small_balances", "pays")
        return self

    @property
    def pays(self) -> str:
        """Return what small balances are paid in: what is named, else what leads on best of what there is."""
        named = self.small_balances.pays if self.small_balances else None
        return named or next((code for code in (self.target, *self.hubs) if code in PAID_IN), self.target)

    @property
    def exchanges_small(self) -> SmallConversion | None:
        """Return how small balances are exchanged, None where they are not."""
        return self.small_balances

    @staticmethod
    def check_key(key: Key) -> None:
        """Raise `ConfigurationError` unless the key is of a kind that the venue gives."""
        from venues.bybit.client import check_key

        check_key(key.name, key.secret)

    def opened(self, key: Key, limiter: Limiter, times: Times) -> Bybit:
        """Return the account, with the venue's exchange of small balances where the settings use it."""
        from venues.bybit.dust import Desk
        from venues.bybit.venue import Bybit

        return Bybit(
            key.name,
            key.secret,
            limiter=limiter,
            base_url=self.base_url.address,
            ca_file=self.ca_file,
            times=times,
            small_balances=None if self.small_balances is None else Desk(self.pays),
        )

    @staticmethod
    def twin() -> type[BybitTwin]:
        """Return the simulated Bybit."""
        from simulators.bybit.twin import BybitTwin

        return BybitTwin
