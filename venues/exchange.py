"""What an API key may do, whatever the exchange calls it."""

from __future__ import annotations

from dataclasses import dataclass

DANGER = "its key may transfer money out of the account; make one that may view and trade only, and delete this one"


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do, and the portfolio it is bound to where there are several."""

    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio: str = ""
