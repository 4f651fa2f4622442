"""Settings of an account at an exchange."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from dustman.forms import Code, File, Fraction, KeySource, NotNegative, Positive, VenueName, VenueUrl, When, Yes
from dustman.section import Caps, Section, all_or_list, rule, setting, word_or
from events.money import Amount
from events.values import Policy
from venues.dollars import AT_PAR


class TopUp(Section):
    """Permission to buy a coin up to its minimum in order to sell all of it."""

    allowance: NotNegative = setting(
        "0",
        "How much of the owner's own hub currency one sweep may lay out; 0 spends carried proceeds only.",
    )


def _top_up(value: object) -> object:
    return word_or("off", 'off, or {allowance: "0"}', (dict, TopUp), value)


class Account(Section):
    """One account at an exchange, and what its owner wants of it."""

    tag: ClassVar[str] = "coinbase"
    host: ClassVar[str] = "api.coinbase.com"

    venue: VenueName = setting(..., "The exchange.")
    key: KeySource = setting(
        "env",
        "Where the API key is: `env` for `DUSTMAN_<ACCOUNT>_KEY_NAME` and `DUSTMAN_<ACCOUNT>_KEY_SECRET` in the "
        "environment or in .env beside this file, or the path of the key file the venue gave you; never the key.",
    )
    base_url: VenueUrl = setting(
        "https://api.coinbase.com", "Where the venue is reached; a simulated one is elsewhere."
    )
    ca_file: File | None = setting(None, "The certificate authority of a simulated venue.")
    permit_other_host: Yes = setting("false", "Permit a `base_url` that is neither the venue nor this machine.")
    target: Code = setting("BTC", "What dust is converted into.")
    currency: Code = setting("USD", "What threshold, caps and gain are counted in.")
    threshold: Positive = setting("0.50", "A holding worth less than this is dust.")
    exclude: tuple[Code, ...] = setting(("USD", "USDC", "USDT", "BTC"), "What is never sold.")
    admit: Annotated[tuple[Code, ...] | None, BeforeValidator(all_or_list('["ETH", "ADA"]'))] = setting(
        "all", "What may be sold with nobody watching: `all`, or a list of codes."
    )
    reserve: dict[Code, Positive] = setting({}, "How much of a coin always stays, by code.")
    hubs: tuple[Code, ...] = setting(
        ("USDC", "USD"), "The currencies that sales may be paid in, best first.", min_length=1
    )
    caps: Caps = setting({}, "The most that is sold without asking.")
    taker_fee: Fraction = setting("0.012", "The venue's fee for estimates; its preview decides.")
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
