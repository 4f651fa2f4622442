"""Which tokens of a wallet are believed: those of the registry and those that the owner allows, by their address.

Anybody can send anybody a token, call it USDC, and open a market for it that nobody can sell into.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from domain.judgement import Observation, Ruling, Standing, Verdict, judge, quarantine, remedy
from domain.likeness import resembled, skeleton
from venues.evm.discovery import Claim
from venues.evm.registry import ETH, TITLES, Chain


class Judgement(Protocol):
    """Says of tokens what they are and why they are quarantined."""

    def quarantined(self, claims: Mapping[str, Claim | None]) -> Mapping[str, str]:
        """Return a sentence for each address that is not to be believed; the others are."""
        ...

    def rule(self, address: str, claim: Claim | None, seen: Observation | None) -> Ruling:
        """Say what a token is by what it did."""
        ...

    def standing(self, address: str) -> Standing:
        """Say who vouches for an address."""
        ...

    def kept(self, address: str, ruling: Ruling) -> str:
        """Say why a token may not be sold, empty when it may."""
        ...

    def remedy(self, address: str, ruling: Ruling) -> str:
        """Say what would change a ruling."""
        ...


@dataclass(frozen=True, slots=True)
class Allowed:
    """Believes the registry of a chain, and the addresses that its owner `allows`; bears taxes up to `highest_tax`."""

    chain: Chain
    allows: frozenset[str] = frozenset()
    highest_tax: Decimal = Decimal(0)

    def quarantined(self, claims: Mapping[str, Claim | None]) -> Mapping[str, str]:
        """Quarantine every token that is unknown; one that looks like a known token is said to be another."""
        return {
            address: self._sentence(address, claim)
            for address, claim in claims.items()
            if self.standing(address) is Standing.STRANGER
        }

    def rule(self, address: str, claim: Claim | None, seen: Observation | None) -> Ruling:
        """Say what a token is by what it did."""
        return judge(self.standing(address), self._likeness(claim), seen)

    def standing(self, address: str) -> Standing:
        """Say who vouches for an address."""
        if self.chain.known(address) is not None:
            return Standing.KNOWN
        return Standing.ALLOWED if address in self.allows else Standing.STRANGER

    def kept(self, address: str, ruling: Ruling) -> str:
        """Say why a token may not be sold, empty when it may."""
        return quarantine(self.standing(address), ruling, self.highest_tax)

    def remedy(self, address: str, ruling: Ruling) -> str:
        """Say what would change a ruling."""
        return remedy(self.standing(address), ruling, self.highest_tax)

    def _sentence(self, address: str, claim: Claim | None) -> str:
        if likeness := self._likeness(claim):
            return self.kept(address, Ruling(Verdict.LOOK_ALIKE, likeness))
        named = f'it calls itself "{claim.symbol}"' if claim and claim.symbol else "it has no name"
        return f"unknown, {named}; to have it judged like any other, put {address} under allow"

    def _likeness(self, claim: Claim | None) -> str:
        """Say which known token a stranger could be taken for by its symbol or its name."""
        names = ((claim.symbol, claim.looks), (claim.title, claim.title_looks)) if claim else ()
        symbols = {skeleton(symbol): symbol for symbol in (ETH, *self.chain.tokens)}
        titles = {skeleton(TITLES[symbol]): symbol for symbol in symbols.values() if symbol in TITLES}
        for name, looks in names:
            if ours := resembled(looks, symbols | titles):
                real = self.chain.tokens.get(ours)
                there = f"{real.address} here" if real else "the coin that pays for gas"
                return f'it calls itself "{name}" and is not {ours}, which is {there}'
        return ""
