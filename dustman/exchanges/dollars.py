"""An account at an exchange whose markets are in dollar coins, and which exchanges small balances itself."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

from pydantic import model_validator

from dustman.exchanges.account import Account
from dustman.forms import Code, Fraction
from dustman.section import Section, rule, setting
from venues.dollars import AT_PAR


class DollarAccount(Account):
    """Adds what follows from hubs in dollar coins: a unit of one counts as one unit of `currency`."""

    hubs: tuple[Code, ...] = setting(
        ("USDT", "USDC"), "The dollar coins that sales may be paid in, best first.", min_length=1
    )
    taker_fee: Fraction = setting("0.001", "The venue's fee for estimates; what the account pays decides.")

    @property
    @abstractmethod
    def pays(self) -> str:
        """Return what small balances are paid in."""

    @property
    @abstractmethod
    def exchanges_small(self) -> Section | None:
        """Return how small balances are exchanged, None where they are not."""

    @model_validator(mode="after")
    def _in_dollars(self) -> Self:
        if others := [hub for hub in self.hubs if hub not in AT_PAR]:
            raise rule(f"has {others[0]}, which is no dollar coin; caps count a hub as {self.currency}", "hubs")
        return self

    @model_validator(mode="after")
    def _paid_in_what_leads_on(self) -> Self:
        if self.exchanges_small is not None and self.pays not in {self.target, *self.hubs}:
            raise rule(f"pays {self.pays}, which is neither the target nor one of hubs", "small_balances", "pays")
        return self
