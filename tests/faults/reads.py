"""Trials of reading: what a scan, a preview, and the looking up of an order make of an answer that is none."""

from __future__ import annotations

from itertools import product

from tests.faults.orders import on
from tests.faults.trial import NO, OUTAGE, PATIENCE, UNKNOWN, Fault, Trial
from views.row import LotState

SCAN = ("list_accounts", "list_products", "best_bid_ask")
BEFORE_ASKING = ("key_permissions", "get_account", "preview_order")
READING_BACK = ("get_order", "list_fills")
# Each way in which a read gets no usable answer; what may pass is tried again at once, and costs nothing.
PASSING: dict[str, tuple[Fault, str]] = {
    "timeout": ({"kind": "timeout"}, "no answer within the time limit"),
    "reset": ({"kind": "reset"}, "the connection broke"),
    "http_500": ({"kind": "server_error", "status": 500}, "HTTP 500"),
    "html_200": ({"kind": "html"}, "unreadable reply"),
    "cut_json": ({"kind": "cut_json"}, "unreadable reply"),
    "cut_body": ({"kind": "cut_body"}, "the connection broke"),
    "429_html": ({"kind": "rate_limited", "body": "html"}, "asked too often"),
    "429_json": ({"kind": "rate_limited", "body": "json"}, "asked too often"),
    "401": ({"kind": "unauthorized"}, "does not accept the key"),
}
FINAL: dict[str, tuple[Fault, str]] = {
    "403_scopes": ({"kind": "forbidden", "reason": "scopes"}, "the key lacks a right"),
    "wallet_not_in_step": ({"kind": "invalid"}, "not in step yet"),
}
LIMITED: Fault = {"kind": "forbidden", "reason": "limit_only"}
# One of each sort, where every kind would only repeat what the venue's errors are tested for.
LASTING = ("reset", "html_200", "429_html", "401", "403_scopes")


def once() -> list[Trial]:
    """A read that fails once is repeated where that may help; else the sweep goes on a little later."""
    endpoints = (*SCAN, *BEFORE_ASKING, *READING_BACK)
    passing = [
        Trial(f"{where}-{how}-once", (PASSING[how][0] | {"endpoint": where},))
        for where, how in product(endpoints, PASSING)
    ]
    final = [
        Trial(
            f"{where}-{how}-once",
            (FINAL[how][0] | {"endpoint": where},),
            UNKNOWN if where in READING_BACK else OUTAGE,
            FINAL[how][1],
        )
        for where, how in product(endpoints, FINAL)
    ]
    slow: Fault = {"kind": "slow", "seconds": str(PATIENCE * 3)}
    late = [Trial(f"{where}-too_slow-once", (slow | {"endpoint": where},)) for where in ("list_accounts", "get_order")]
    return [*passing, *late, *final]


def for_ever() -> list[Trial]:
    """A read that always fails is an outage: never an empty account, never an order that was not made."""
    trials = [lasting("list_accounts", "timeout", OUTAGE)]
    for where, how in product(SCAN + BEFORE_ASKING, LASTING):
        trials.append(lasting(where, how, OUTAGE))
    for where, how in product(READING_BACK, LASTING):
        trials.append(lasting(where, how, OUTAGE | UNKNOWN))
    return trials


def lasting(where: str, how: str, says: frozenset[str]) -> Trial:
    """A read that fails until the faults are over."""
    fault, told = (PASSING | FINAL)[how]
    return Trial(f"{where}-{how}-for_ever", (fault | {"endpoint": where, "calls": "all"},), says, told, rounds=3)


def everywhere() -> list[Trial]:
    """A venue that is away, or does not know the key any more, is an outage whatever was asked of it."""
    return [lasting("any", how, OUTAGE) for how in LASTING]


def looking_up() -> list[Trial]:
    """While the orders can't be listed, a lost one stays unknown, however long that takes."""
    lost, trials = on("sell", {"kind": "reset", "when": "after"}), []
    for how in LASTING:
        fault, told = (PASSING | FINAL)[how]
        faults = lost, fault | {"endpoint": "list_orders", "calls": "all"}
        trials.append(Trial(f"lost_order-list_orders-{how}-for_ten_minutes", faults, UNKNOWN | OUTAGE, told, rounds=20))
    return trials


def explaining() -> list[Trial]:
    """What a refused preview falls short of is looked up, and said as soon as that can be read."""
    small: Fault = {"kind": "refused", "endpoint": "preview_order", "product": "ADA-USDC"}
    small["reason"] = "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"
    says, failed = NO | {"dust_unroutable"}, {"ADA": LotState.FAILED}
    lost: Fault = {"kind": "reset", "endpoint": "get_product"}
    told = "below the product's minimum"
    return [
        # The lot stays until it has grown by what is missing.
        Trial("get_product-reset-once", (small, lost), says, told, failed, heals=False),
        Trial("get_product-reset-for_ever", (small | {"calls": "all"}, lost | {"calls": "all"}), OUTAGE, "broke"),
        Trial("get_product-403_limit_only", (small, LIMITED | {"endpoint": "get_product"}), says, told, failed),
    ]


def pages() -> list[Trial]:
    """A list that does not end is not a list; a page that comes twice counts once."""
    lost = on("sell", {"kind": "reset", "when": "after"})
    turning: Fault = {"kind": "repeated_cursor"}
    told = "twice, so its list cannot be read whole"
    return [
        Trial("list_accounts-repeated_cursor-once", (turning | {"endpoint": "list_accounts"},)),
        Trial(
            "list_accounts-repeated_cursor-for_ever",
            (turning | {"endpoint": "list_accounts", "calls": "all"},),
            OUTAGE,
            told,
            rounds=3,
        ),
        Trial("list_fills-repeated_cursor-once", (turning | {"endpoint": "list_fills"},)),
        Trial("lost_order-list_orders-repeated_cursor-once", (lost, turning | {"endpoint": "list_orders"}), UNKNOWN),
        Trial(
            "lost_order-list_orders-repeated_cursor-for_ever",
            (lost, turning | {"endpoint": "list_orders", "calls": "all"}),
            UNKNOWN,
            "the connection broke",
        ),
    ]


TRIALS = (*once(), *for_ever(), *everywhere(), *looking_up(), *explaining(), *pages())
