"""OKX: an account there, its key, and what simulates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from dustman.exchanges.account import Account
from dustman.forms import Code, Fraction, Seconds, VenueUrl
from dustman.section import Section, rule, setting, word_or
from venues.dollars import AT_PAR

if TYPE_CHECKING:
    from dustman.exchanges.key import Key
    from simulators.okx.twin import OKXTwin
    from venues.limits import Limiter
    from venues.okx.venue import OKX
    from venues.times import Times


class EasyConvert(Section):
    """The venue's easy convert: what markets are too coarse for, five coins in one request."""

    pays: Code | None = setting(None, "What it pays in: the target, or one of `hubs`; without it the target.")
    seconds_between: Seconds = setting("2", "How far apart two requests to it are; the venue wants two seconds.")


def _easy_convert(value: object) -> object:
    return word_or("off", "off, or {pays: USDT}", (dict, EasyConvert), value)


class OKXAccount(Account):
    """One trading account at OKX, and what its owner wants of it."""

    tag: ClassVar[str] = "okx"
    host: ClassVar[str] = "www.okx.com"
    # okx.com/docs-v5, "Get system time".
    time_path: ClassVar[str] = "/api/v5/public/time"
    key_advice: ClassVar[str] = (
        "at okx.com, API keys, make a key with the permissions Read and Trade only, bound to this machine's address"
    )
    takes_passphrase: ClassVar[bool] = True

    base_url: VenueUrl = setting("https://www.okx.com", "Where the venue is reached; a simulated one is elsewhere.")
    exclude: tuple[Code, ...] = setting(("USD", "USDT", "USDC", "BTC", "OKB"), "What is never sold.")
    hubs: tuple[Code, ...] = setting(
        ("USDT", "USDC"), "The dollar coins that sales may be paid in, best first.", min_length=1
    )
    taker_fee: Fraction = setting("0.001", "The venue's fee for estimates; what the account pays decides.")
    small_balances: Annotated[EasyConvert | None, BeforeValidator(_easy_convert)] = setting(
        {}, "The venue's own exchange of small balances, easy convert, or `off`."
    )

    @model_validator(mode="after")
    def _in_dollars(self) -> Self:
        if others := [hub for hub in self.hubs if hub not in AT_PAR]:
            raise rule(f"has {others[0]}, which is no dollar coin; caps count a hub as {self.currency}", "hubs")
        return self

    @model_validator(mode="after")
    def _paid_in_what_leads_on(self) -> Self:
        if self.small_balances is not None and self.pays not in {self.target, *self.hubs}:
            raise rule(f"pays {self.pays}, which is neither the target nor one of hubs", "small_balances", "pays")
        return self

    @property
    def pays(self) -> str:
        """Return what small balances are paid in."""
        return (self.small_balances.pays if self.small_balances else None) or self.target

    @staticmethod
    def check_key(key: Key) -> None:
        """Raise `ConfigurationError` unless the key is of a kind that the venue gives."""
        from venues.okx.client import check_key

        check_key(key.name, key.secret, key.passphrase)

    def opened(self, key: Key, limiter: Limiter, times: Times) -> OKX:
        """Return the account, with the venue's easy convert where the settings use it."""
        from venues.okx.easy_convert import Desk
        from venues.okx.venue import OKX

        small = self.small_balances
        return OKX(
            key.name,
            key.secret,
            key.passphrase,
            limiter=limiter,
            base_url=self.base_url.address,
            ca_file=self.ca_file,
            times=times,
            easy_convert=None if small is None else Desk(self.pays, small.seconds_between),
        )

    @staticmethod
    def twin() -> type[OKXTwin]:
        """Return the simulated OKX."""
        from simulators.okx.twin import OKXTwin

        return OKXTwin
