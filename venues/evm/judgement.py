"""Which tokens of a wallet are believed: those of the registry and those that the owner allows, by their address.

Anybody can send anybody a token, call it USDC, and open a market for it that nobody can sell into.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from venues.evm.discovery import Claim
from venues.evm.registry import Chain


class Judgement(Protocol):
    """Says of tokens why they are quarantined."""

    def quarantined(self, claims: Mapping[str, Claim | None]) -> Mapping[str, str]:
        """Return a sentence for each address that is not to be believed; the others are."""
        ...


@dataclass(frozen=True, slots=True)
class Allowed:
    """Believes the registry of a chain, and the addresses that its owner `allows`."""

    chain: Chain
    allows: frozenset[str] = frozenset()

    def quarantined(self, claims: Mapping[str, Claim | None]) -> Mapping[str, str]:
        """Quarantine every token that is unknown; one with a known token's symbol is said to be another."""
        return {
            address: self._sentence(address, claim) for address, claim in claims.items() if not self._knows(address)
        }

    def _knows(self, address: str) -> bool:
        return address in self.allows or self.chain.known(address) is not None

    def _sentence(self, address: str, claim: Claim | None) -> str:
        symbol = claim.symbol if claim else ""
        ours = self.chain.tokens.get(symbol)
        if ours is not None:
            return f"it calls itself {symbol} and is not: {symbol} is {ours.address} here"
        named = f'it calls itself "{symbol}"' if symbol else "it has no name"
        return f"unknown, {named}; to have it judged like any other, put {address} under allow"
