"""The metrics there are: name, kind, labels and one sentence each, by the conventions of Prometheus
(https://prometheus.io/docs/practices/naming/).

Labels have few values: what the owner named (accounts, strategies, currencies, targets) or what the code names
(venues, reasons, outcomes), never an asset that strangers may send.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """How a number may move: a counter only grows."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Measure(NamedTuple):
    """One metric. A counter's name ends in `_total`, as it is exposed."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()


ALL: Final[list[Measure]] = []


def _counter(name: str, meaning: str, *labels: str) -> Measure:
    ALL.append(Measure(f"dustman_{name}_total", Kind.COUNTER, meaning, labels))
    return ALL[-1]


def _gauge(name: str, meaning: str, *labels: str) -> Measure:
    ALL.append(Measure(f"dustman_{name}", Kind.GAUGE, meaning, labels))
    return ALL[-1]


_AT: Final = ("account", "venue")

SCANS = _counter("scans", "Accounts read whole.", *_AT)
REQUESTS = _counter("scan_requests", "Requests that scans made to the venue.", *_AT)
SCANNED = _gauge("last_scan_timestamp_seconds", "When the account was last read whole.", *_AT)
DUST = _gauge("dust_value", "Value of the dust that the last scan found, in the account's currency.", *_AT, "currency")
KEPT = _gauge("kept_holdings", "Holdings that the last scan let stay.", *_AT, "reason")
OUTAGES = _counter("venue_outages", "Scans and conversions that had to wait for a venue.", *_AT, "operation")
REACHED = _gauge("venue_up", "1 when the venue answered last time, 0 when it did not.", *_AT)

DETECTED = _counter("dust_detected_lots", "Lots announced; mode says whether to be sold or only seen.", *_AT, "mode")
DETECTED_VALUE = _counter("dust_detected_value", "Value of the lots announced.", *_AT, "mode", "currency")
CONVERTED = _counter("dust_converted_lots", "Lots that became the target.", *_AT)
CONVERTED_VALUE = _counter("dust_converted_value", "Gross value at which they were sold.", *_AT, "currency")
FAILED = _counter("dust_failed_lots", "Lots that did not become the target.", *_AT, "reason")
FAILED_VALUE = _counter("dust_failed_value", "Value at which those were announced.", *_AT, "reason", "currency")
PROCEEDS = _counter("proceeds", "What was received of the target, in units of the asset.", *_AT, "asset")
FEES = _counter("fees", "Fees inside the conversions, shared gas included, in units of the asset.", *_AT, "asset")
OTHER_FEES = _counter("other_fees", "Fees taken in another asset than the account's own: counted, not added up.", *_AT)
UNROUTABLE = _gauge("unroutable_lots", "Dust that nothing converts today.", *_AT, "reason")
UNROUTABLE_VALUE = _gauge("unroutable_value", "Its value, as last judged.", *_AT, "reason", "currency")
CARRIED = _gauge("carried_proceeds", "Proceeds that are not the target yet, in units of the asset.", *_AT, "asset")

SWEEPS = _counter("sweeps", "Sweeps completed.", *_AT)
OPEN_SINCE = _gauge("open_sweep_timestamp_seconds", "When the open sweep was opened; none when none is.", *_AT)
LEGS = _counter("legs", "What became of requests to venues, one each time it is said.", *_AT, "outcome")
REFUSALS = _counter("leg_refusals", "Legs that were not made.", *_AT, "reason")
OPEN_LEGS = _gauge("open_legs", "Legs without a final answer.", *_AT, "state")
OLDEST_LEG = _gauge(
    "oldest_open_leg_timestamp_seconds", "When the oldest leg without a final answer was requested.", *_AT, "state"
)
TRANSACTIONS = _counter("transactions", "Transactions that became final.", *_AT, "outcome")
REORGS = _counter("transaction_reorgs", "Blocks with a transaction of ours that left the chain.", *_AT)
GAS = _counter("gas_used_units", "Units of gas used by final transactions.", *_AT)
GAS_FEES = _counter("gas_fees", "What the account paid for gas, in units of the chain's coin.", *_AT, "asset")

RESERVATIONS = _counter(
    "reservations", "Trades that were promised ETH; answer says whether it had to be converted.", *_AT, "answer"
)
OPEN_RESERVATIONS = _gauge("open_reservations", "Trades that ETH is promised to; none when it is to none.", *_AT)
RESERVED = _gauge("reserved_eth", "ETH promised to trades, what is kept for their gas included.", *_AT)
FUNDINGS = _counter(
    "fundings", "Conversions for trades that ended; outcome says whether what was short arrived.", *_AT, "outcome"
)
FUNDED_VALUE = _counter("funding_spent_value", "Value of what they spent.", *_AT, "currency")
FUNDED = _counter("funding_received_eth", "ETH that they brought, gas taken off.", *_AT)
DECLINED = _counter("fundings_declined", "Trades that got no ETH.", *_AT, "reason")

HALTED = _gauge("account_halted", "1 while the account is halted, else 0.", *_AT)
HALTS = _counter("account_halts", "Halts.", *_AT)

RATIO = _gauge("strategy_dust_ratio", "Dust over equity at the last measurement.", "strategy")
THRESHOLD = _gauge("strategy_dust_threshold_value", "Dust above this is sold.", "strategy", "currency")
STRATEGY_DUST = _gauge("strategy_dust_value", "Dust at the last measurement.", "strategy", "currency")
UNEXPECTED = _gauge(
    "strategy_unexpected_value", "Value of tokens without a reason to be there.", "strategy", "currency"
)
EQUITY = _gauge("strategy_equity_value", "Equity at the last measurement.", "strategy", "currency")
EXCEEDS = _gauge("strategy_dust_exceeds", "1 when the dust was over its threshold, else 0.", "strategy")
MEASURED = _gauge("strategy_last_measured_timestamp_seconds", "When the strategy was last measured.", "strategy")
MEASUREMENTS = _counter("strategy_measurements", "Measurements made.", "strategy")
DOUBTS = _counter("strategy_doubts", "Measurements that could not be made.", "strategy", "reason")
INSTRUCTIONS = _counter("strategy_instructed_lots", "Lots that were to be sold for a strategy.", "strategy")
INSTRUCTED = _counter("strategy_instructed_value", "Their value.", "strategy", "currency")
ANSWERS = _counter("strategy_approvals", "How instructions that waited for approval ended.", "strategy", "answer")
POSSIBLE_ANSWERS: Final = ("approved", "cancelled", "expired")
AWAITED = _gauge(
    "strategy_approval_until_timestamp_seconds",
    "Until when instructions wait for approval; none when none do.",
    "strategy",
)

EVENTS = _counter("log_events", "Events in the log.", "type")
LOG_UP = _gauge("log_up", "1 when the log could be read for this answer; 0: the rest is as it was last known.")
HEAD = _gauge("log_position", "Position of the last event in the log.")
VIEW = _gauge("metrics_position", "Position up to which these numbers are true.")
FEED_UP = _gauge("feed_up", "1 when the feed's Redis answered for this answer, else 0.")
FEED_LAG = _gauge("feed_lag_events", "Events in the log that are not in the feed yet.")
CONSUMER_LAG = _gauge("consumer_lag_events", "Events that a consumer was not through with.", "consumer")
PARKED = _gauge("parked_events", "Events that a consumer could not handle.", "consumer")
