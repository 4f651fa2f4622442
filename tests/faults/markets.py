"""Trials of markets that move between scan, preview and order, and of balances that lag behind them."""

from __future__ import annotations

from dataclasses import replace

from simulators.coinbase.scenarios import small
from tests.faults.trial import CARRIED, NO, Fault, Trial, trading
from views.row import LotState

FAILED = {"ADA": LotState.FAILED}
BOTH_FAILED = FAILED | {"XLM": LotState.FAILED}
# The proceeds are all the USDC there is, so a balance that lags does not show them.
BARE = trading(wallets=small().model_dump()["wallets"] | {"USDC": {}})


def preview(market: str, fault: Fault) -> Fault:
    """Aim a fault at the previews of a market."""
    return {"endpoint": "preview_order", "product": market} | fault


def moved() -> list[Trial]:
    """Books that changed after the scan: the preview sees it, and no order is made that should not be."""
    empty: Fault = {"kind": "empty_book"}
    halted: Fault = {"kind": "refused", "reason": "PREVIEW_PRODUCT_TRADING_HALTED"}
    limited: Fault = {"kind": "forbidden", "reason": "limit_only"}
    lesson = frozenset({"dust_unroutable"})
    trials = [
        Trial("sell-empty_book-at_preview", (preview("ADA-USDC", empty),), NO, "NO_LIQUIDITY", FAILED),
        Trial("buy-empty_book-at_preview", (preview("BTC-USDC", empty),), NO | CARRIED, "NO_LIQUIDITY", BOTH_FAILED),
        Trial("sell-halted-since_the_scan", (preview("ADA-USDC", halted),), NO | lesson, "halted", FAILED),
        Trial("buy-halted-since_the_scan", (preview("BTC-USDC", halted),), NO | CARRIED, "halted", BOTH_FAILED),
        Trial("sell-limit_only-since_the_scan", (preview("ADA-USDC", limited),), NO | lesson, "limit only", FAILED),
    ]
    return [replace(trial, after_scan=True) for trial in trials]


def jumped() -> list[Trial]:
    """Prices that jumped between scan and preview: what is no longer dust stays, what is still goes."""
    return [
        Trial(
            "sell-price_up-since_the_scan-over_the_threshold",
            (),
            NO,
            "not below the threshold",
            FAILED,
            jump=("ADA-USDC", "1.4"),
            heals=False,
        ),
        Trial("sell-price_up-since_the_scan-below_the_threshold", (), jump=("ADA-USDC", "1.2")),
        Trial("sell-price_down-since_the_scan", (), jump=("ADA-USDC", "0.2")),
        Trial("buy-price_up-since_the_scan", (), jump=("BTC-USDC", "3")),
        Trial(
            "buy-price_up-since_the_scan-beyond_what_was_earned",
            (),
            CARRIED | {"leg_refused"},
            "below the product's minimum",
            {"ADA": LotState.CARRIED, "XLM": LotState.CARRIED},
            jump=("BTC-USDC", "1000000"),
            heals=False,
        ),
    ]


def unpriced() -> list[Trial]:
    """A book that is empty at the scan leaves a coin unpriced, never worth nothing."""
    empty: Fault = {"kind": "empty_book", "endpoint": "best_bid_ask"}
    return [
        Trial(
            "best_bid_ask-empty_book-of_one",
            (empty | {"product": "ADA-USDC"},),
            sentence="ADA-USDC has no bid and ask",
            kept=("ADA",),
        ),
        Trial(
            "best_bid_ask-empty_book-of_the_target",
            (empty | {"product": "BTC-USDC"},),
            frozenset({"dust_unroutable"}),
            "BTC-USDC has no price",
            kept=("ADA", "XLM"),
        ),
        Trial("best_bid_ask-empty_book-of_all", (empty,), sentence="ADA-USDC has no bid and ask", kept=("ADA", "XLM")),
    ]


def lagging() -> list[Trial]:
    """Balances that lag behind a fill are read again a little later; what still is not there waits."""
    stale: Fault = {"kind": "stale_balances", "calls": "all"}
    read, whole = stale | {"endpoint": "get_account"}, stale | {"endpoint": "list_accounts"}
    return [
        Trial("scan-stale_balances", (whole | {"seconds": "60"},)),
        Trial("sell-stale_balances", (read | {"seconds": "60"},)),
        Trial("buy-stale_balances-for_a_second", (read | {"seconds": "1"},), scenario=BARE),
        Trial(
            "buy-stale_balances-for_ever",
            (read | {"seconds": "86400"},),
            NO | CARRIED,
            "no USDC is free",
            BOTH_FAILED,
            scenario=BARE,
        ),
    ]


TRIALS = (*moved(), *jumped(), *unpriced(), *lagging())
