"""The values that facts are made of. Each is frozen, compares by content and has a golden form on the wire."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from events.money import Amount


class Keep(StrEnum):
    """Why a holding that is not dust stays where it is."""

    TARGET = "target"
    EXCLUDED = "excluded"
    ZERO = "zero"
    ON_HOLD = "on_hold"
    RESERVED = "reserved"
    NOT_TRADABLE = "not_tradable"
    UNPRICED = "unpriced"
    ABOVE_THRESHOLD = "above_threshold"
    NOT_ADMITTED = "not_admitted"
    OVER_CAP = "over_cap"
    QUARANTINED = "quarantined"
    BELONGS = "belongs"
    UNEXPECTED = "unexpected"
    NOT_INSTRUCTED = "not_instructed"


class Unroutable(StrEnum):
    """Why dust has no way out today."""

    BELOW_MINIMUM = "below_minimum"
    NO_ROUTE = "no_route"
    NO_NET_GAIN = "no_net_gain"
    REFUSED_BY_VENUE = "refused_by_venue"
    COOLDOWN = "cooldown"


class Unmeasured(StrEnum):
    """Why a strategy's dust was not held against its equity."""

    EQUITY_ZERO = "equity_zero"
    EQUITY_NEGATIVE = "equity_negative"
    EQUITY_STALE = "equity_stale"
    EQUITY_UNPRICED = "equity_unpriced"
    EQUITY_UNAVAILABLE = "equity_unavailable"
    VENUE_UNREACHABLE = "venue_unreachable"


class LegKind(StrEnum):
    """What a leg asks of the venue."""

    TOP_UP = "top_up"
    SELL = "sell"
    CONVERT = "convert"
    BUY = "buy"
    SWAP = "swap"
    DUST = "dust"


class Purpose(StrEnum):
    """What a transaction is for: it carries legs, lets the account carry them, claims, or only uses its nonce up.

    `approve` lets a market take what one leg sells, or takes that back.
    """

    DELEGATE = "delegate"
    APPROVE = "approve"
    SWEEP = "sweep"
    CLAIM = "claim"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """How a nonce of ours was finally used; `displaced` by a transaction that is not ours."""

    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    CANCELLED = "cancelled"
    DISPLACED = "displaced"


class Source(StrEnum):
    """Where a lot came from, as an event on its chain proves; `leftover` where nothing is proven."""

    LEFTOVER = "leftover"
    TRANSFER = "transfer"
    KING_CLAIM = "king_claim"
    KING_REDEEM = "king_redeem"
    EIGENLAYER_CLAIM = "eigenlayer_claim"


class Unclaimed(StrEnum):
    """Why a reward is not claimed now."""

    NOTHING = "nothing"
    NO_NET_GAIN = "no_net_gain"
    SALE_NETS_MORE = "sale_nets_more"
    NO_PRICE = "no_price"
    NO_GAS = "no_gas"
    REFUSED = "refused"
    NO_CLAIM_DATA = "no_claim_data"
    NOT_ALLOWED = "not_allowed"


class RefusalCode(StrEnum):
    """Why a leg was not made. The venue's own word is kept beside it."""

    BELOW_MINIMUM = "below_minimum"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    NO_LIQUIDITY = "no_liquidity"
    NO_NET_GAIN = "no_net_gain"
    NO_LONGER_DUST = "no_longer_dust"
    NOT_TRADABLE = "not_tradable"
    POLICY_CHANGED = "policy_changed"
    OVER_CAP = "over_cap"
    NOT_PERMITTED = "not_permitted"
    NEVER_ARRIVED = "never_arrived"
    COOLDOWN = "cooldown"
    OTHER = "other"


class FundingMode(StrEnum):
    """Which token is converted first where ETH is short: what costs least, or what the owner ranks highest."""

    CHEAPEST = "cheapest"
    PRIORITIES = "priorities"


class FundingAnswer(StrEnum):
    """What became of a trade's request for ETH."""

    COVERED = "covered"
    CONVERTED = "converted"
    NOT_POSSIBLE = "not_possible"
    NOT_NOW = "not_now"


class Release(StrEnum):
    """Why ETH is reserved no more: its trade was made, given up, or too late, or the conversion fell short."""

    USED = "used"
    RELEASED = "released"
    EXPIRED = "expired"
    FELL_SHORT = "fell_short"


class FundingSource(msgspec.Struct, frozen=True, gc=False):
    """A token that may become ETH: what of it always stays, in the policy's currency; a higher priority goes first."""

    asset: str
    reserve: Decimal
    priority: int


class Funding(msgspec.Struct, frozen=True, gc=False):
    """How ETH, the account's `coin`, is made for a trade that lacks it.

    `buffer` is what may be converted beyond the shortage and `eth_reserve` what of ETH counts as not available, both
    in the policy's currency. `slippage` is a fraction. Besides its trade an account keeps `gas_multiple` times what
    `gas` units cost, at least `least_gas` ETH. A reservation lives `life` seconds; no trade below `smallest` is funded.
    """

    coin: str
    sources: tuple[FundingSource, ...]
    mode: FundingMode = FundingMode.CHEAPEST
    eth_reserve: Decimal = Decimal(100)
    buffer: Decimal = Decimal(5)
    slippage: Decimal = Decimal("0.02")
    gas: int = 300_000
    gas_multiple: Decimal = Decimal(2)
    least_gas: Decimal = Decimal("0.005")
    life: int = 300
    smallest: Decimal = Decimal("0.001")


class Policy(msgspec.Struct, frozen=True, gc=False):
    """What the owner wants of one account. Its fingerprint ties a dry run to a go-live.

    `threshold` and caps are in `currency`; `hubs` are the currencies that sales may be paid in, best first;
    `admitted` is None when every asset may be sold automatically; `top_up` is None when off, else how much of the
    owner's own hub currency one sweep may lay out (0: carried proceeds only); `taker_fee` is a fraction used for
    estimates, the venue's preview decides. `rewards` names the sources that are claimed and redeemed. `belongs` is None
    for an account that no strategy names; else it lists what its strategies hold on purpose and what funds trades: all
    else is dust whatever it is worth, if they expect rewards, and only reported if none does. `funding` is None where
    nothing is converted for trades.
    """

    target: str
    threshold: Decimal
    currency: str
    excluded: tuple[str, ...]
    hubs: tuple[str, ...]
    sweep_cap: Decimal
    day_cap: Decimal
    reserves: tuple[Amount, ...] = ()
    admitted: tuple[str, ...] | None = None
    taker_fee: Decimal = Decimal("0.012")
    minimum_gain: Decimal = Decimal(0)
    top_up: Decimal | None = None
    rewards: tuple[Source, ...] = ()
    belongs: tuple[str, ...] | None = None
    expects_rewards: bool = False
    funding: Funding | None = None


class Proof(msgspec.Struct, frozen=True, gc=False):
    """The transaction whose event proves where something came from: its hash, and the block that holds it."""

    tx_hash: str
    block: int


class Reward(msgspec.Struct, frozen=True, gc=False):
    """An amount that a claim brings, and what a simulated sale of it was worth."""

    amount: Amount
    value: Decimal


class Lot(msgspec.Struct, frozen=True, gc=False):
    """One piece of dust: what would be sold, its price and value in `currency`, and where it came from.

    `proof` is the event on chain that says so; without one the source is `leftover`. What came from several sources
    bears the word of the greatest part of what is there.
    """

    lot_id: str
    asset: str
    quantity: Decimal
    price: Decimal
    value: Decimal
    currency: str
    source: Source = Source.LEFTOVER
    proof: Proof | None = None


class PlannedLeg(msgspec.Struct, frozen=True, gc=False):
    """One request to one venue, as planned.

    `spend` leaves the account and `receive` arrives. `quantity` is of `spend`; None when it follows from legs before
    it. `increment` and `minimum` are the venue's for `spend`. `lot_id` is None for legs that serve the whole sweep.
    Where exactly `output` is to arrive, `quantity` is the most that may be spent for it.
    """

    leg_id: str
    kind: LegKind
    product: str
    spend: str
    receive: str
    lot_id: str | None
    quantity: Decimal | None
    increment: Decimal
    minimum: Decimal
    output: Decimal | None = None


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A holding that stays, with the sentence that says why and what would change it."""

    asset: str
    quantity: Decimal
    reason: Keep
    sentence: str


class Quote(msgspec.Struct, frozen=True, gc=False):
    """What the venue offers for a leg: `spend` leaves in all, `receive` arrives after fees."""

    spend: Amount
    receive: Amount
    fees: tuple[Amount, ...]
    price: Decimal
    reference: str
    expires_at: datetime | None = None


class Execution(msgspec.Struct, frozen=True, gc=False):
    """One trade of an order: price in quote currency per base unit, size in base units, fee in `fee.asset`."""

    trade_id: str
    price: Decimal
    size: Decimal
    fee: Amount
    traded_at: datetime


class Fill(msgspec.Struct, frozen=True, gc=False):
    """What the venue did: `spent` left the account in all and `received` arrived in all, fees included in them."""

    order_id: str
    spent: Amount
    received: Amount
    fees: tuple[Amount, ...]
    executions: tuple[Execution, ...]


class Block(msgspec.Struct, frozen=True, gc=False):
    """A block by its place and its hash; after a reorganisation another hash stands at the same place."""

    number: int
    block_hash: str


class GasPrice(msgspec.Struct, frozen=True, gc=False):
    """What a transaction offers for a unit of gas, in wei: at most `fee` in all, of it at most `tip` (EIP-1559)."""

    fee: int
    tip: int


class SignedTransaction(msgspec.Struct, frozen=True, gc=False):
    """A transaction as it was signed: `raw` are the only bytes that are ever sent, `tx_hash` is their identity.

    `chain` is named by CAIP-2, `sender` is in EIP-55 form, `raw` and `tx_hash` are hex with `0x`. After `deadline` its
    swaps revert by themselves; None for one that has none. `allowance` is what an approval lets a market take, zero to
    take it back, or what a swap that may need less leaves of it at the most; None for all else.
    """

    purpose: Purpose
    chain: str
    sender: str
    nonce: int
    tx_hash: str
    raw: str
    gas_limit: int
    gas_price: GasPrice
    deadline: datetime | None
    allowance: Amount | None = None


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The venue's or our own no: a code, a sentence, the venue's word, and what is missing where that is known.

    `base_fee` is what a block has to charge less than for a unit of gas, in wei, where only gas stands in the way.
    """

    code: RefusalCode
    sentence: str
    venue_code: str = ""
    missing: Amount | None = None
    base_fee: int | None = None


class MeasuredLot(msgspec.Struct, frozen=True, gc=False):
    """A piece of a strategy's dust where it lies; `price` and `value` are in the measurement's currency."""

    account: str
    venue: str
    asset: str
    quantity: Decimal
    price: Decimal
    value: Decimal
    source: str


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """How one lot of a strategy's dust is to be converted, as it was reckoned when it was measured.

    `path` names the assets from the lot to the target, `product` the market of its first step. `fees` are estimates;
    `gas` and `net` are in the instructions' currency. `preferred` says whether venue and path are those that the
    strategy prefers; `behind` is by how much the best way would have brought more, 0 for the best itself.
    """

    account: str
    venue: str
    asset: str
    quantity: Decimal
    value: Decimal
    path: tuple[str, ...]
    product: str
    estimated: Amount
    fees: tuple[Amount, ...]
    gas: Decimal
    net: Decimal
    expires_at: datetime | None
    preferred: bool
    behind: Decimal


class CarriedLot(msgspec.Struct, frozen=True, gc=False):
    """A sold lot that waits for its buy: `proceeds` still in hub currency, `received` of the target so far."""

    lot_id: str
    proceeds: Amount
    received: Decimal
