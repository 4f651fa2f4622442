"""What market orders have in common at every exchange."""

from __future__ import annotations

from domain.venue import Order
from events.values import LegKind


def base_and_quote(order: Order) -> tuple[str, str]:
    """Name the assets of the order's market."""
    return (order.spend.asset, order.receive) if order.kind is LegKind.SELL else (order.receive, order.spend.asset)


def side(order: Order) -> str:
    """Return the side of the market that an order takes, in the exchanges' word."""
    return "SELL" if order.kind is LegKind.SELL else "BUY"


def first_difference(facts: dict[str, bool]) -> str:
    """Name the first fact in which an exchange's order is not the one that was asked for, empty when all hold."""
    return next((name for name, same in facts.items() if not same), "")
