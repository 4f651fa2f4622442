"""An account at an exchange: what its settings are whichever it is, and what each exchange adds."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from dustman.forms import Code, File, Fraction, KeySource, NotNegative, Positive, VenueName, VenueUrl, When, Yes
from dustman.section import Caps, Section, all_or_list, rule, setting, word_or
from events.money import Amount
from events.values import Policy

if TYPE_CHECKING:
    from dustman.exchanges.key import Key
    from simulators.exchange.twin import Twin
    from venues.exchange import Exchange
    from venues.limits import Limiter
    from venues.times import Times


class TopUp(Section):
    """Permission to buy a coin up to its minimum in order to sell all of it."""

    allowance: NotNegative = setting(
        "0",
        "How much of the owner's own hub currency one sweep may lay out; 0 spends carried proceeds only.",
    )


def _top_up(value: object) -> object:
    return word_or("off", 'off, or {allowance: "0"}', (dict, TopUp), value)


class Account(Section):
    """One account at an exchange, and what its owner wants of it.

    `tag` is the exchange's word in settings and assets. `time_path` is a public address on `host`: it tells an
    exchange that cannot be reached from a bad key. `key_advice` says how to make a key with the right rights.
    `takes_passphrase` says whether a key has a third part.
    """

    tag: ClassVar[str]
    host: ClassVar[str]
    time_path: ClassVar[str]
    key_advice: ClassVar[str]
    takes_passphrase: ClassVar[bool] = False

    venue: VenueName = setting(..., "The exchange.")
    key: KeySource = setting(
        "env",
        "Where the API key is: `env` for `DUSTMAN_<ACCOUNT>_KEY_NAME` and `DUSTMAN_<ACCOUNT>_KEY_SECRET` (and "
        "`DUSTMAN_<ACCOUNT>_KEY_PASSPHRASE` where there is one) in the environment or in .env beside this file, or "
        "the path of the key file the venue gave you; never the key.",
    )
    base_url: VenueUrl = setting(..., "Where the venue is reached; a simulated one is elsewhere.")
    ca_file: File | None = setting(None, "The certificate authority of a simulated venue.")
    permit_other_host: Yes = setting("false", "Permit a `base_url` that is neither the venue nor this machine.")
    target: Code = setting("BTC", "What dust is converted into.")
    currency: Code = setting("USD", "What threshold, caps and gain are counted in.")
    threshold: Positive = setting("0.50", "A holding worth less than this is dust.")
    exclude: tuple[Code, ...] = setting(..., "What is never sold.")
    admit: Annotated[tuple[Code, ...] | None, BeforeValidator(all_or_list('["ETH", "ADA"]'))] = setting(
        "all", "What may be sold with nobody watching: `all`, or a list of codes."
    )
    reserve: dict[Code, Positive] = setting({}, "How much of a coin always stays, by code.")
    hubs: tuple[Code, ...] = setting(..., "The currencies that sales may be paid in, best first.", min_length=1)
    caps: Caps = setting({}, "The most that is sold without asking.")
    taker_fee: Fraction = setting(..., "The venue's fee for estimates.")
    minimum_gain: NotNegative = setting("0", "What must be left of a lot after fees and spread, at least.")
    top_up: Annotated[TopUp | None, BeforeValidator(_top_up)] = setting(
        "off", "Buying a coin up to its minimum in order to sell all of it."
    )
    schedule: When = setting("0 2 * * sun", "When the account is scanned, in UTC.")

    @model_validator(mode="after")
    def _known_host(self) -> Self:
        there = self.base_url
        if there.host != self.host and not there.loopback and not self.permit_other_host:
            raise rule(f"leads to {there.host}, not to {self.host}; permit_other_host: true allows it", "base_url")
        return self

    @staticmethod
    @abstractmethod
    def check_key(key: Key) -> None:
        """Raise `ConfigurationError` unless the key is of a kind that the exchange gives."""

    @abstractmethod
    def opened(self, key: Key, limiter: Limiter, times: Times) -> Exchange:
        """Return the account with its API key; the exchange is asked on first use."""

    @staticmethod
    @abstractmethod
    def twin() -> type[Twin[Any, Any]]:
        """Return what simulates the exchange."""

    def policy(self) -> Policy:
        """Return what the owner wants, with assets named as the record names them: `coinbase:BTC`."""
        return Policy(
            target=self._asset(self.target),
            threshold=self.threshold,
            currency=self.currency,
            excluded=self._assets(self.exclude),
            hubs=self._assets(self.hubs),
            sweep_cap=self.caps.per_sweep,
            day_cap=self.caps.per_day,
            reserves=tuple(Amount(quantity, self._asset(code)) for code, quantity in sorted(self.reserve.items())),
            admitted=None if self.admit is None else self._assets(self.admit),
            taker_fee=self.taker_fee,
            minimum_gain=self.minimum_gain,
            top_up=None if self.top_up is None else self.top_up.allowance,
        )

    def _asset(self, code: str) -> str:
        return f"{self.venue}:{code}"

    def _assets(self, codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self._asset, codes))
