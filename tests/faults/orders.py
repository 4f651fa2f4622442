"""Trials of orders: lost, refused, slow, partial and late ones, of the sale and of the purchase."""

from __future__ import annotations

from itertools import product

from tests.faults.trial import CARRIED, NEVER, NO, OUTAGE, PATIENCE, UNKNOWN, Fault, Trial, trading
from views.row import LotState

LEGS = {"sell": "ADA-USDC", "buy": "BTC-USDC"}
# Each way in which the answer to an order is lost, and how it looks in the log.
LOST: dict[str, tuple[Fault, str]] = {
    "timeout": ({"kind": "timeout"}, "no answer within the time limit"),
    "reset": ({"kind": "reset"}, "the connection broke"),
    "http_500": ({"kind": "server_error", "status": 500}, "HTTP 500"),
    "http_503": ({"kind": "server_error", "status": 503}, "HTTP 503"),
    "html_200": ({"kind": "html"}, "unreadable reply"),
}
CUT: dict[str, tuple[Fault, str]] = {
    "cut_json": ({"kind": "cut_json"}, "unreadable reply"),
    "cut_body": ({"kind": "cut_body"}, "the connection broke"),
    "too_slow": ({"kind": "slow", "seconds": str(PATIENCE * 3)}, "no answer within the time limit"),
}
# Each way in which the venue turns an order away before it has read it.
TURNED_AWAY: dict[str, tuple[Fault, str]] = {
    "429_html": ({"kind": "rate_limited", "body": "html"}, "asked too often"),
    "429_json": ({"kind": "rate_limited", "body": "json"}, "asked too often"),
    "401": ({"kind": "unauthorized"}, "HTTP 401 once, though the key works"),
    "403_scopes": ({"kind": "forbidden", "reason": "scopes"}, "the key lacks a right"),
    "wallet_not_in_step": ({"kind": "invalid"}, "not in step yet"),
}
# Each no of the venue to an order that it has read.
REFUSED: dict[str, tuple[Fault, str]] = {
    "403_limit_only": ({"kind": "forbidden", "reason": "limit_only"}, "limit only"),
    "403_not_allowed": ({"kind": "forbidden", "reason": "convert"}, "not allowed"),
    "400": ({"kind": "invalid", "sentence": "order side is not supported"}, "order side is not supported"),
    "halted_since_the_scan": ({"kind": "refused", "reason": "PREVIEW_PRODUCT_TRADING_HALTED"}, "halted"),
    "insufficient_fund": ({"kind": "refused", "reason": "PREVIEW_INSUFFICIENT_FUND"}, "INSUFFICIENT_FUND"),
    "empty_book": ({"kind": "empty_book"}, "NO_LIQUIDITY"),
}


def on(leg: str, fault: Fault, **terms: object) -> Fault:
    """Aim a fault at the order of a leg."""
    return {"endpoint": "create_order", "product": LEGS[leg], **fault, **terms}


def lost() -> list[Trial]:
    """An answer that is lost is asked for: the order is found, comes later, or can no longer come."""
    trials = []
    for leg, (name, (fault, told)) in product(LEGS, LOST.items()):
        when = {"before": UNKNOWN | NEVER, "after": UNKNOWN, "later": UNKNOWN}
        for moment, says in when.items():
            struck = on(leg, fault, when=moment, **({"delay": 40} if moment == "later" else {}))
            trials.append(Trial(f"{leg}-{name}-{moment}_effect", (struck,), says, told, rounds=12))
    for leg, (name, (fault, told)) in product(LEGS, CUT.items()):
        trials.append(Trial(f"{leg}-{name}-after_effect", (on(leg, fault),), UNKNOWN, told))
    return trials


def never() -> list[Trial]:
    """An order that never arrives is asked three times under its key, and then given up."""
    sell = {"ADA": LotState.FAILED}
    both = {"ADA": LotState.FAILED, "XLM": LotState.FAILED}
    told = "asked 3 times and never reached the venue"
    reset: Fault = {"kind": "reset", "calls": "all"}
    busy: Fault = {"kind": "rate_limited", "calls": "all"}
    unauthorized: Fault = {"kind": "unauthorized", "calls": "all"}
    rightless: Fault = {"kind": "forbidden", "calls": "all"}
    return [
        Trial("sell-reset-for_ever", (on("sell", reset),), UNKNOWN | NEVER | NO, told, sell, rounds=30),
        Trial("buy-reset-for_ever", (on("buy", reset),), UNKNOWN | NEVER | NO | CARRIED, told, both, rounds=30),
        Trial("sell-429-for_ever", (on("sell", busy),), OUTAGE | NEVER | NO, told, sell, rounds=12),
        Trial("buy-429-for_ever", (on("buy", busy),), OUTAGE | NEVER | NO | CARRIED, told, both, rounds=12),
        Trial("sell-401-for_ever", (on("sell", unauthorized),), OUTAGE | NEVER | NO, told, sell, rounds=12),
        Trial("sell-403_scopes-for_ever", (on("sell", rightless),), OUTAGE | NEVER | NO, told, sell, rounds=12),
    ]


def turned_away() -> list[Trial]:
    """What was turned away is asked again, under its key."""
    return [
        Trial(f"{leg}-{name}-once", (on(leg, fault),), OUTAGE | NEVER, told)
        for leg, (name, (fault, told)) in product(LEGS, TURNED_AWAY.items())
    ]


def refused() -> list[Trial]:
    """What was refused ends the leg: a lot stays where it is, or its proceeds are named."""
    trials = []
    for name, (fault, told) in REFUSED.items():
        teaches = frozenset() if name in {"insufficient_fund", "empty_book"} else frozenset({"dust_unroutable"})
        sell, buy = {"ADA": LotState.FAILED}, {"ADA": LotState.FAILED, "XLM": LotState.FAILED}
        trials.append(Trial(f"sell-{name}-refused", (on("sell", fault),), NO | teaches, told, sell))
        trials.append(Trial(f"buy-{name}-refused", (on("buy", fault),), NO | CARRIED, told, buy))
    return trials


def duplicates() -> list[Trial]:
    """An id that the venue has seen already is answered by the order it belongs to, whichever came first.

    The purchase is turned away, wrongly, and so asked again under its key; the first request of the other order arrives
    when the second has, later than any real one can.
    """
    wrongly = on("buy", {"kind": "rate_limited", "when": "after"})
    too_late = {leg: on(leg, {"kind": "reset", "when": "later", "delay": 400}) for leg in LEGS}
    trials = []
    for answer in ("earlier", "refused"):
        scenario, how = trading(repeated_order=answer), f"duplicate_id-answered-{answer}"
        trials.append(Trial(f"buy-{how}", (wrongly,), OUTAGE | NEVER, "asked too often", scenario=scenario))
        for leg, late in too_late.items():
            trials.append(
                Trial(f"{leg}-first_comes_last-{how}", (late,), UNKNOWN | NEVER, scenario=scenario, rounds=20)
            )
    return trials


def filled_otherwise() -> list[Trial]:
    """Orders that are filled in part, late, or at another price."""
    carried = {"ADA": LotState.CARRIED, "XLM": LotState.CARRIED}
    late: Fault = {"kind": "settled_late", "seconds": 90}
    return [
        Trial("sell-partial", (on("sell", {"kind": "partial", "fraction": "0.5"}),)),
        Trial(
            "sell-partial-nothing",
            (on("sell", {"kind": "partial", "fraction": "0"}),),
            NO,
            "without a fill",
            {"ADA": LotState.FAILED},
        ),
        Trial(
            "buy-partial",
            (on("buy", {"kind": "partial", "fraction": "0.4"}),),
            CARRIED,
            "the rest joins the next sweep",
            carried,
        ),
        Trial("buy-partial-almost_all", (on("buy", {"kind": "partial", "fraction": "0.995"}),)),
        Trial(
            "buy-partial-nothing",
            (on("buy", {"kind": "partial", "fraction": "0"}),),
            NO | CARRIED,
            "without a fill",
            {"ADA": LotState.FAILED, "XLM": LotState.FAILED},
        ),
        Trial("sell-settled_late", (on("sell", late),), UNKNOWN, "not settled yet"),
        Trial("buy-settled_late", (on("buy", late),), UNKNOWN, "not settled yet"),
        Trial("sell-settled_a_moment_late", (on("sell", {"kind": "settled_late", "seconds": 1}),)),
        Trial("sell-slow_but_in_time", (on("sell", {"kind": "slow", "seconds": str(PATIENCE / 5)}),)),
        Trial("sell-price_jump-down-after_preview", (on("sell", {"kind": "price_jump", "factor": "0.9"}),)),
        Trial("sell-price_jump-up-after_preview", (on("sell", {"kind": "price_jump", "factor": "3"}),)),
        Trial("buy-price_jump-up-after_preview", (on("buy", {"kind": "price_jump", "factor": "1.5"}),)),
        Trial("buy-price_jump-down-after_preview", (on("buy", {"kind": "price_jump", "factor": "0.5"}),)),
    ]


TRIALS = (*lost(), *never(), *turned_away(), *refused(), *duplicates(), *filled_otherwise())
