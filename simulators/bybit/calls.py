"""A request's parameters, read as the venue reads them, and what goes differently for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

from simulators.bybit import refusals
from simulators.bybit.small import ORDINARY as ORDINARY_SMALL
from simulators.bybit.small import SmallCircumstances
from simulators.bybit.state import Key
from simulators.exchange.spot_orders import ORDINARY, Circumstances, OrderRequest, Side

NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
CLIENT_ORDER_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
EPOCH = datetime.fromtimestamp(0, UTC)
WEEK = timedelta(days=7)
SIDES: dict[str, Side] = {"Buy": "BUY", "Sell": "SELL"}


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks; `key` is whoever signed it.

    This time the books of `without_book` are empty, balances are `stale` seconds old, and what has ended is
    `forgotten` where the newest orders are listed.
    """

    given: Mapping[str, object]
    key: Key | None = None
    without_book: frozenset[str] = frozenset()
    stale: Decimal = Decimal(0)
    forgotten: bool = False
    circumstances: Circumstances = ORDINARY
    small: SmallCircumstances = ORDINARY_SMALL

    @classmethod
    def of(cls, method: str, query: str, body: bytes) -> Call:
        """Read the query of a GET, or the JSON of a POST."""
        if method == "GET":
            return cls(dict(parse_qsl(query, keep_blank_values=True)))
        try:
            given = json.loads(body or b"{}")
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise refusals.bad("the body")
        return cls(given)

    def word(self, name: str, default: str = "") -> str:
        """Read a parameter that may be missing."""
        found = self.given.get(name, default)
        if not isinstance(found, str):
            raise refusals.bad(name)
        return found

    def text(self, name: str) -> str:
        """Read a parameter that must be there."""
        if not (word := self.word(name)):
            raise refusals.bad(name)
        return word

    def named(self, name: str, *accepted: str) -> None:
        """Check a parameter that has to be one of these words."""
        if self.text(name) not in accepted:
            raise refusals.bad(name)

    def texts(self, name: str) -> list[str]:
        """Read a list of words."""
        found = self.given.get(name)
        if not isinstance(found, list) or not found or not all(isinstance(each, str) and each for each in found):
            raise refusals.bad(name)
        return found

    def products(self) -> frozenset[str]:
        """Name the symbol that the call is about, if it is about one."""
        symbol = self.given.get("symbol")
        return frozenset({symbol}) if isinstance(symbol, str) and symbol else frozenset()

    def whole(self, name: str, default: int, most: int) -> int:
        """Read a whole number from 1 to the most."""
        word = self.word(name, str(default))
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= most):
            raise refusals.bad(name)
        return int(word)

    def week(self, now: datetime) -> tuple[datetime, datetime]:
        """Read the time asked for: a week at most, that from its start on, or else the last one."""
        first, last = (self._moment(name) for name in ("startTime", "endTime"))
        if first is None:
            first = (last or now) - WEEK
        last = last or first + WEEK
        if not timedelta() <= last - first <= WEEK:
            raise refusals.bad("endTime")
        return first, last

    def _moment(self, name: str) -> datetime | None:
        milliseconds = self.whole(name, 1, 10**14)
        return EPOCH + timedelta(milliseconds=milliseconds) if self.word(name) else None

    def order(self) -> OrderRequest:
        """Read an order: a purchase is sized in quote currency unless it says otherwise, a sale in base units."""
        side = self.text("side")
        if side not in SIDES:
            raise refusals.bad("side")
        self.named("orderType", "Market")
        if not NUMBER.fullmatch(self.text("qty")):
            raise refusals.bad("qty")
        unit = self.word("marketUnit") or ("quoteCoin" if side == "Buy" else "baseCoin")
        if unit not in {"baseCoin", "quoteCoin"}:
            raise refusals.bad("marketUnit")
        size = Decimal(self.text("qty"))
        in_quote = unit == "quoteCoin"
        return OrderRequest(self.text("symbol"), SIDES[side], None if in_quote else size, size if in_quote else None)

    def client_order_id(self) -> str:
        """Read the client's id of a new order, empty where the venue is to make one."""
        name = self.word("orderLinkId")
        if name and not CLIENT_ORDER_ID.fullmatch(name):
            raise refusals.bad("orderLinkId")
        return name
