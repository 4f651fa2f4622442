"""OKX: an account there, its key, and what simulates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BeforeValidator

from dustman.exchanges.dollars import DollarAccount
from dustman.forms import Code, Seconds, VenueUrl
from dustman.section import Section, setting, word_or

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


class OKXAccount(DollarAccount):
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
    small_balances: Annotated[EasyConvert | None, BeforeValidator(_easy_convert)] = setting(
        {}, "The venue's own exchange of small balances, easy convert, or `off`."
    )

    @property
    def pays(self) -> str:
        """Return what small balances are paid in."""
        return (self.small_balances.pays if self.small_balances else None) or self.target

    @property
    def exchanges_small(self) -> EasyConvert | None:
        """Return how small balances are exchanged, None where they are not."""
        return self.small_balances

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
