"""A request's parameters, read as the venue reads them, and what goes differently for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qs

from simulators.exchange.spot_orders import ORDINARY, Circumstances, OrderRequest, Side
from simulators.okx import refusals
from simulators.okx.easy_convert import ORDINARY as ORDINARY_CONVERT
from simulators.okx.easy_convert import ConvertCircumstances
from simulators.okx.state import Key

NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
WHOLE = re.compile(r"[0-9]{1,20}")
CLIENT_ORDER_ID = re.compile(r"[a-zA-Z0-9]{1,32}")
SIDES: dict[str, Side] = {"buy": "BUY", "sell": "SELL"}
UNITS = {"BUY": "quote_ccy", "SELL": "base_ccy"}


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks; `key` is whoever signed it. `empty_book` says that the books it is about are empty this
    time, `stale` is how many seconds old balances are."""

    given: Mapping[str, object]
    key: Key | None = None
    without_book: frozenset[str] = frozenset()
    stale: Decimal = Decimal(0)
    circumstances: Circumstances = ORDINARY
    convert: ConvertCircumstances = field(default=ORDINARY_CONVERT)

    @classmethod
    def of(cls, query: str, body: bytes) -> Call:
        """Read query and body, which is JSON."""
        given: dict[str, object] = {name: words[0] for name, words in parse_qs(query, keep_blank_values=True).items()}
        if not body:
            return cls(given)
        try:
            more = json.loads(body, parse_float=Decimal)
        except ValueError:
            raise refusals.ErrorReply("50002", "JSON syntax error", 400) from None
        if not isinstance(more, dict):
            raise refusals.ErrorReply("50002", "JSON syntax error", 400)
        return cls(given | more)

    def word(self, name: str, default: str = "") -> str:
        """Read a parameter that may be missing."""
        word = self.given.get(name, default)
        if not isinstance(word, str):
            raise refusals.wrong(name)
        return word

    def text(self, name: str) -> str:
        """Read a parameter that must be there."""
        if not (word := self.word(name)):
            raise refusals.missing(name)
        return word

    def number(self, name: str) -> Decimal:
        """Read a number."""
        if not NUMBER.fullmatch(word := self.text(name)):
            raise refusals.wrong(name)
        return Decimal(word)

    def whole(self, name: str) -> int | None:
        """Read a whole number that may be missing."""
        if word := self.word(name):
            if not WHOLE.fullmatch(word):
                raise refusals.wrong(name)
            return int(word)
        return None

    def products(self) -> frozenset[str]:
        """Name the market that the call is about."""
        name = self.given.get("instId")
        return frozenset({name} if isinstance(name, str) and name else ())

    def codes(self) -> list[str]:
        """Name the currencies to convert: a list."""
        codes = self.given.get("fromCcy", [])
        if not isinstance(codes, list) or not all(isinstance(code, str) and code for code in codes):
            raise refusals.wrong("fromCcy")
        return codes

    def order(self) -> OrderRequest:
        """Read an order."""
        name, side, size = self.text("instId"), self.text("side"), self.number("sz")
        if side not in SIDES:
            raise refusals.wrong("side")
        if self.text("ordType") != "market":
            raise refusals.wrong("ordType")
        if self.text("tdMode") != "cash":
            raise refusals.wrong("tdMode")
        in_base = self.word("tgtCcy", UNITS[SIDES[side]]) == "base_ccy"
        if self.word("tgtCcy", "base_ccy") not in UNITS.values():
            raise refusals.wrong("tgtCcy")
        return OrderRequest(name, SIDES[side], size if in_base else None, None if in_base else size)

    def client_order_id(self) -> str:
        """Read the client's id of an order, empty where there is none."""
        name = self.word("clOrdId")
        if name and not CLIENT_ORDER_ID.fullmatch(name):
            raise refusals.wrong("clOrdId")
        return name
