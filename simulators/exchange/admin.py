"""The admin port: what a twin knows, as JSON, and what a test or a demonstration may change while it runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel

from domain.errors import ConfigurationError
from events.money import plain
from simulators.exchange.clock import rfc3339
from simulators.exchange.faults import FaultFile
from simulators.exchange.mischief import Mischief
from simulators.exchange.venue import SimulatedExchange
from simulators.forms import Positive, Strict, read_form
from simulators.wire import Reply, Request, json_reply

Form = TypeVar("Form", bound=BaseModel)
Json = dict[str, object]


class Step(Strict):
    """How far the venue's clock moves forward."""

    seconds: Positive


class Counted(Protocol):
    """Whoever lets requests in and counts them."""

    def counts(self) -> dict[str, int]: ...


class KeyWish(Strict):
    """A key by a name of the client's choice. The same wish gives the same key."""

    label: str


Exchange = TypeVar("Exchange", bound=SimulatedExchange[Any, Any, Any])


class AdminPort(Generic[Exchange]):
    """Serves what every twin has; `fault_file` is the form of its faults, and a twin adds routes of its own."""

    key_wish: ClassVar[type[KeyWish]]

    def __init__(self, exchange: Exchange, gate: Counted, mischief: Mischief, fault_file: type[FaultFile]) -> None:
        self._exchange = exchange
        self._counted = gate
        self._mischief = mischief
        self._fault_file = fault_file
        self._routes: dict[tuple[str, str], Callable[[bytes], object]] = {
            ("GET", "/health"): self.health,
            ("GET", "/ledger"): self.ledger,
            ("GET", "/requests"): self.requests,
            ("GET", "/faults"): self.faults,
            ("POST", "/faults"): self.add_faults,
            ("DELETE", "/faults"): self.clear_faults,
            ("POST", "/clock"): self.advance,
            **self.own_routes(),
            ("POST", "/keys"): self.issue_key,
        }

    def own_routes(self) -> Mapping[tuple[str, str], Callable[[bytes], object]]:
        """Say which routes this twin adds."""
        return {}

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

    def requests(self, _: bytes = b"") -> Json:
        """Count the requests of each endpoint."""
        return {"requests": self._counted.counts()}

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
        self._mischief.add(form_in(body, self._fault_file, "POST /faults").faults)
        return self.faults()

    def clear_faults(self, _: bytes = b"") -> Json:
        """Drop every fault."""
        self._mischief.clear()
        return self.faults()

    def advance(self, body: bytes) -> Json:
        """Move the venue's clock forward."""
        self._exchange.clock.advance(timedelta(seconds=float(form_in(body, Step, "POST /clock").seconds)))
        return self.health()

    def issue_key(self, body: bytes) -> Json:
        """Issue an API key, in the form of a key file."""
        wish = form_in(body, self.key_wish, "POST /keys")
        issued: Json = json.loads(self._exchange.issue(wish.label, wish))
        return issued


def form_in(body: bytes, form: type[Form], source: str) -> Form:
    """Read the body of an admin request."""
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
