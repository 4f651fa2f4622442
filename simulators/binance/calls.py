"""A request's parameters, read as the venue reads them, and what goes differently for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qs

from simulators.binance import refusals
from simulators.binance.dust import ORDINARY as ORDINARY_DUST
from simulators.binance.dust import DustCircumstances
from simulators.binance.state import Key
from simulators.exchange.spot_orders import ORDINARY, Circumstances, OrderRequest, Side

NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
CLIENT_ORDER_ID = re.compile(r"[a-zA-Z0-9-_.]{1,36}")
SIDES: dict[str, Side] = {"BUY": "BUY", "SELL": "SELL"}


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks; `key` is whoever signed it. `without_book` are the symbols whose book
    is empty this time, `stale` is how many seconds old balances are."""

    given: Mapping[str, list[str]]
    key: Key | None = None
    without_book: frozenset[str] = frozenset()
    stale: Decimal = Decimal(0)
    circumstances: Circumstances = ORDINARY
    dust: DustCircumstances = field(default=ORDINARY_DUST)

    @classmethod
    def of(cls, query: str, body: bytes) -> Call:
        """Read query and body; a parameter may stand in either."""
        return cls(parse_qs(query, keep_blank_values=True) | parse_qs(body.decode("latin-1"), keep_blank_values=True))

    def word(self, name: str, default: str = "") -> str:
        """Read a parameter that may be missing."""
        return self.given.get(name, [default])[0]

    def text(self, name: str) -> str:
        """Read a parameter that must be there."""
        if not (word := self.word(name)):
            raise refusals.missing(name)
        return word

    def number(self, name: str) -> Decimal | None:
        """Read a number that may be missing."""
        word = self.word(name)
        if not word:
            return None
        if not NUMBER.fullmatch(word):
            raise refusals.bad_number(name)
        return Decimal(word)

    def products(self) -> frozenset[str]:
        """Name the symbols that the call is about."""
        listed = self.word("symbols")
        try:
            names = json.loads(listed) if listed else []
        except ValueError:
            raise refusals.bad_number("symbols") from None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise refusals.bad_number("symbols")
        one = self.word("symbol")
        return frozenset(names) | ({one} if one else set())

    def assets(self) -> list[str]:
        """Name the assets: the parameter is repeated, once for each."""
        if not (assets := self.given.get("asset", [])):
            raise refusals.missing("asset")
        return assets

    def order(self) -> OrderRequest:
        """Read an order."""
        side, kind = self.text("side"), self.text("type")
        if side not in SIDES:
            raise refusals.ErrorReply(-1117, "Invalid side.")
        if kind != "MARKET":
            raise refusals.ErrorReply(-1116, "Invalid orderType.")
        quantity, money = self.number("quantity"), self.number("quoteOrderQty")
        if (quantity is None) == (money is None):
            raise refusals.missing("quantity")
        return OrderRequest(self.text("symbol"), SIDES[side], quantity, money)

    def client_order_id(self) -> str:
        """Read the client's id of a new order, empty where the venue is to make one."""
        name = self.word("newClientOrderId")
        if name and not CLIENT_ORDER_ID.fullmatch(name):
            raise refusals.ErrorReply(
                -1100,
                "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
            )
        return name
