"""A call to an endpoint: what was sent, read as the venue reads it, and what goes differently this time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Self, TypeVar

from simulators.coinbase.orders import ORDINARY, Circumstances, OrderRequest
from simulators.coinbase.refusals import invalid
from simulators.coinbase.replies import Json
from simulators.coinbase.state import Side

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """Path argument, query and JSON body; the caller's scopes; and the faults that change what it is served."""

    argument: str
    query: dict[str, list[str]]
    body: Json
    permissions: frozenset[str] = frozenset()
    circumstances: Circumstances = ORDINARY
    as_of: datetime | None = None
    repeat_cursor: bool = False
    refusal: str = ""
    without_book: AbstractSet[str] = frozenset()

    @classmethod
    def of(cls, argument: str, query: dict[str, list[str]], raw: bytes) -> Self:
        """Read a call; raises the venue's 400 for a body that is no JSON object."""
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise invalid("the body is not a JSON object")
        return cls(argument, query, body)

    def products(self) -> frozenset[str]:
        """Name the products that the call is about."""
        named = self.body.get("product_id")
        return frozenset((*self.words("product_ids"), self.argument, named if isinstance(named, str) else "")) - {""}

    def word(self, name: str) -> str:
        """Return a query parameter, empty when it was not sent."""
        return self.query.get(name, [""])[-1]

    def words(self, name: str) -> list[str]:
        """Return every value of a repeated query parameter."""
        return self.query.get(name, [])

    def count(self, name: str, default: int, most: int) -> int:
        """Return a query parameter that counts; more than the most is the most."""
        text = self.word(name) or str(default)
        if not text.isdecimal() or int(text) < 1:
            raise invalid(f"{name}: {text!r} is not a whole number above zero")
        return min(int(text), most)

    def moment(self, name: str) -> datetime | None:
        """Return a query parameter that is a time."""
        text = self.word(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise invalid(f"{name}: {text!r} is not an RFC 3339 time") from None
        if moment.tzinfo is None:
            raise invalid(f"{name}: {text!r} names no time zone")
        return moment

    def text(self, name: str) -> str:
        """Return a field of the body that must be text."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise invalid(f"{name} is required")
        return value

    def number(self, name: str) -> Decimal:
        """Return a field of the body that must be a number."""
        return _number(self.text(name), name)

    def order(self) -> OrderRequest:
        """Return the order in the body; raises the venue's 400 for one that it cannot read."""
        configuration = self.body.get("order_configuration")
        if not isinstance(configuration, dict) or len(configuration) != 1:
            raise invalid("order_configuration must hold exactly one order type")
        terms = configuration.get("market_market_ioc")
        if not isinstance(terms, dict):
            kind = next(iter(configuration))
            raise invalid(f"order_configuration: market_market_ioc is the only kind served here, not {kind}")
        sides: dict[str, Side] = {"BUY": "BUY", "SELL": "SELL"}
        side = self.text("side")
        if side not in sides:
            raise invalid(f"side: {side!r} is neither BUY nor SELL")
        sizes = [_number(terms[name], name) if terms.get(name) else None for name in ("base_size", "quote_size")]
        return OrderRequest(self.text("product_id"), sides[side], sizes[0], sizes[1], configuration)

    def page(self, items: Sequence[T], key: Callable[[T], str], limit: int) -> tuple[Sequence[T], str, bool]:
        """Cut the wanted page out of a list: its items, the next cursor, and whether more follows."""
        cursor, start = self.word("cursor"), 0
        if cursor:
            start = next((place for place, item in enumerate(items) if key(item) == cursor), -1)
            if start < 0:
                raise invalid(f"cursor: {cursor!r} is unknown")
        cut, rest = items[start : start + limit], items[start + limit :]
        if self.repeat_cursor and cut:
            return cut, key(cut[0]), True
        return (cut, key(rest[0]), True) if rest else (cut, "", False)


def _number(text: object, name: str) -> Decimal:
    try:
        number = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise invalid(f"{name}: {text!r} is not a number in a string")
    return number
