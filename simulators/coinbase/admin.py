"""The admin port: what the twin knows, as JSON, and what a test or a demonstration may change while it runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel

from domain.errors import ConfigurationError
from events.money import plain
from simulators.coinbase import order_replies, replies
from simulators.coinbase.exchange import Exchange
from simulators.coinbase.faults import Faults
from simulators.coinbase.gate import Gate
from simulators.coinbase.keys import key_file
from simulators.coinbase.replies import Json
from simulators.coinbase.scenario import BookForm, KeyForm
from simulators.exchange.clock import rfc3339
from simulators.exchange.mischief import Mischief
from simulators.forms import Positive, Strict, read_form
from simulators.wire import Reply, Request, json_reply

Form = TypeVar("Form", bound=BaseModel)


class Step(Strict):
    """How far the venue's clock moves forward."""

    seconds: Positive


class BookChange(BookForm):
    """A new book for the book that `product` trades on."""

    product: str


class Deposit(Strict):
    """Money from outside into a wallet; `hold` sets it aside at once, as an open order would."""

    currency: str
    quantity: Positive
    hold: bool = False


class KeyWish(KeyForm):
    """A key by a name of the client's choice. The same wish gives the same key."""

    label: str


class Admin:
    """Serves the admin port: each path is a method's name, its verb included."""

    def __init__(self, exchange: Exchange, gate: Gate, mischief: Mischief) -> None:
        self._exchange = exchange
        self._gate = gate
        self._mischief = mischief
        self._routes: dict[tuple[str, str], Callable[[bytes], object]] = {
            ("GET", "/health"): self.health,
            ("GET", "/ledger"): self.ledger,
            ("GET", "/orders"): self.orders,
            ("GET", "/requests"): self.requests,
            ("GET", "/faults"): self.faults,
            ("POST", "/faults"): self.add_faults,
            ("DELETE", "/faults"): self.clear_faults,
            ("POST", "/clock"): self.advance,
            ("POST", "/books"): self.set_book,
            ("POST", "/wallets"): self.deposit,
            ("POST", "/keys"): self.issue_key,
        }

    def answer(self, request: Request) -> Reply:
        """Answer one request; a mistake in it comes back with status 400 and its sentence."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            known = ", ".join(" ".join(name) for name in self._routes)
            return json_reply(404, {"error": f"{request.method} {request.path} is not served; served are {known}"})
        try:
            with self._exchange.transaction():
                return json_reply(200, route(request.body))
        except ConfigurationError as mistake:
            return json_reply(400, {"error": str(mistake)})

    def health(self, _: bytes = b"") -> Json:
        """Say that the twin is up, and what time it is there."""
        return {"status": "ok", "time": rfc3339(self._exchange.clock.now()), "seed": self._exchange.state.seed}

    def ledger(self, _: bytes = b"") -> Json:
        """Show the whole ledger."""
        ledger = self._exchange.ledger
        return {
            "opening": _written(ledger.opening),
            "balances": _written(ledger.balances()),
            "movements": [
                {
                    "number": movement.number,
                    "time": rfc3339(movement.time),
                    "debit": movement.debit,
                    "credit": movement.credit,
                    "asset": movement.asset,
                    "quantity": plain(movement.quantity),
                    "reason": movement.reason,
                    "reference": movement.reference,
                }
                for movement in ledger.movements
            ],
        }

    def orders(self, _: bytes = b"") -> Json:
        """Show every order with its fills, and every conversion, newest first."""
        now = self._exchange.clock.now()
        return {
            "orders": [
                order_replies.order(self._exchange, order, now)
                | {"fills": [order_replies.fill(self._exchange, order, fill) for fill in order.fills]}
                for order in self._exchange.orders.all()
            ],
            "conversions": [replies.conversion(self._exchange, trade) for trade in self._exchange.conversions.all()],
        }

    def requests(self, _: bytes = b"") -> Json:
        """Count the requests of each endpoint."""
        return {"requests": self._gate.counts()}

    def faults(self, _: bytes = b"") -> Json:
        """Show the faults in force, how many calls each has counted and how many it has struck."""
        return {
            "faults": [
                {"fault": loaded.fault.model_dump(mode="json"), "seen": loaded.seen, "struck": loaded.struck}
                for loaded in self._mischief.loaded()
            ]
        }

    def add_faults(self, body: bytes) -> Json:
        """Load more faults, in the form of a fault file."""
        self._mischief.add(_form(body, Faults, "POST /faults").faults)
        return self.faults()

    def clear_faults(self, _: bytes = b"") -> Json:
        """Drop every fault."""
        self._mischief.clear()
        return self.faults()

    def advance(self, body: bytes) -> Json:
        """Move the venue's clock forward."""
        self._exchange.clock.advance(timedelta(seconds=float(_form(body, Step, "POST /clock").seconds)))
        return self.health()

    def set_book(self, body: bytes) -> Json:
        """Replace a book."""
        change = _form(body, BookChange, "POST /books")
        market = self._exchange.market
        if market.find(change.product) is None:
            raise ConfigurationError(
                f"POST /books: product: {change.product!r}: must be one of {', '.join(market.names())}"
            )
        market.set_book(change.product, change.book(market.price_increment(change.product)))
        return replies.best_prices(change.product, market.book(change.product), self._exchange.clock.now())

    def deposit(self, body: bytes) -> Json:
        """Bring money in."""
        deposit = _form(body, Deposit, "POST /wallets")
        self._exchange.wallets.deposit(deposit.currency, deposit.quantity, self._exchange.clock.now(), deposit.hold)
        return replies.account(self._exchange, self._exchange.wallets.wallet(deposit.currency), None)

    def issue_key(self, body: bytes) -> Json:
        """Issue an API key, in the form of the portal's file."""
        wish = _form(body, KeyWish, "POST /keys")
        key = self._exchange.issue_key(wish.label, frozenset(wish.scopes), wish.algorithm)
        issued: Json = json.loads(key_file(self._exchange.state.seed, key))
        return issued


def _form(body: bytes, form: type[Form], source: str) -> Form:
    try:
        given = json.loads(body or b"{}", parse_float=Decimal)
    except ValueError as error:
        raise ConfigurationError(f"{source}: the body is not JSON: {error}") from error
    return read_form(given, form, source)


def _written(balances: dict[str, dict[str, Decimal]]) -> Json:
    return {
        account: {asset: plain(quantity) for asset, quantity in assets.items() if quantity}
        for account, assets in balances.items()
    }
