"""What an exchange says of an API key besides what every venue does, whatever it calls the rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from domain.venue import Venue

DANGER = "its key may transfer money out of the account; make one that may view and trade only, and delete this one"


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do, and the portfolio it is bound to where there are several."""

    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio: str = ""

    @property
    def danger(self) -> str:
        """Say why the key must not be used unwatched, empty when it may."""
        return DANGER if self.can_transfer else ""


class Exchange(Venue, Protocol):
    """One key's account at an exchange."""

    def permissions(self) -> KeyRights:
        """Read what the key may do: `doctor` fails and live mode refuses a key that may move money out."""
        ...

    def close(self) -> None:
        """Close the connections that are kept open between requests; a later request opens new ones."""
        ...
