"""Judgement: what a token is, by what it did when it was tried, and whether it may be sold.

A balance is a claim and a symbol is a claim. What counts is what a simulated transfer to an address that was never used
and back, and a simulated sale, really moved. The rules are tried in the order of `judge`, the first that holds counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Final, assert_never

from events.money import plain

# Base units by which a token that counts in shares may round (stETH and eETH lose one or two on a way).
ROUNDING: Final = 2
# What part of a quote may be missing from a sale at the quote's own block before that is a tax.
SLIP: Final = Decimal("0.001")
# A token that keeps more than this of a sale is not taxed, it is a trap.
MOST_TAX: Final = Decimal("0.5")
# Bytes; an answer to a transfer is one word, a reason for a refusal a sentence.
MOST_ANSWER: Final = 4096


class Verdict(StrEnum):
    """What a token is."""

    SOUND = "sound"
    TAXED = "taxed"
    HONEYPOT = "honeypot"
    UNSELLABLE = "unsellable"
    HOSTILE = "hostile"
    LOOK_ALIKE = "look_alike"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """Who vouches for a token's address: our registry, its owner's list, nobody."""

    KNOWN = "known"
    ALLOWED = "allowed"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Tried:
    """One call of a contract: what it used of the gas it was given, and its answer.

    `size` is the length of the answer in bytes, `word` its first word, None where it is shorter; `reason` is what a
    failed one gives for it, made harmless.
    """

    done: bool
    gas: int
    limit: int
    size: int
    word: int | None = None
    reason: str = ""

    @property
    def burned(self) -> bool:
        """Say whether the gas is gone; each contract in between keeps a 64th back (EIP-150)."""
        return not self.done and self.gas >= self.limit - self.limit // 8

    @property
    def denied(self) -> bool:
        """Say whether it failed, or answered false; tokens such as USDT answer nothing."""
        return not self.done or self.word == 0

    @property
    def because(self) -> str:
        """Write the reason behind a sentence."""
        return f" ({self.reason})" if self.reason else ""


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer of `units`: what holder and taker have before and after; None where the token does not say."""

    call: Tried
    units: int
    holder: tuple[int | None, int | None]
    taker: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale of `units` over the best route: what was quoted for it, what left the wallet, and what arrived in it."""

    approval: Tried
    swap: Tried
    units: int
    quoted: int
    left: int | None
    received: int

    @property
    def lacking(self) -> Decimal:
        """Return what part of the quote did not arrive."""
        return _missing(self.quoted, self.received)


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a token, in base units. Parts that were not tried are None: a sale without a route, say.

    `code` is the size of its contract; `balance` is how the question after the wallet's balance went.
    """

    code: int
    balance: Tried
    units: int | None = None
    out: Moved | None = None
    back: Moved | None = None
    sale: Sold | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict with its reason; `tax` is the part of a transfer or a sale that the token keeps."""

    verdict: Verdict
    sentence: str
    tax: Decimal = Decimal(0)


def judge(standing: Standing, resembles: str, seen: Observation | None) -> Ruling:
    """Say what a token is. `resembles` tells which known token a stranger could be taken for, empty for none."""
    if standing is Standing.STRANGER and resembles:
        return Ruling(Verdict.LOOK_ALIKE, resembles)
    if seen is None:
        return Ruling(Verdict.UNKNOWN, "it could not be tried")
    if seen.code == 0:
        return Ruling(Verdict.UNSELLABLE, "there is no contract at its address")
    if found := _of_call(seen.balance, "asked for a balance"):
        return found
    if seen.units is None:
        return Ruling(Verdict.UNSELLABLE, "it does not say what the wallet has of it")
    if not seen.units:
        return Ruling(Verdict.UNKNOWN, "the wallet has none of it, so there is nothing to try it with")
    if seen.out is None:
        return Ruling(Verdict.UNKNOWN, "its transfer could not be tried")
    return _of_moves(seen, seen.out)


def _of_call(call: Tried, doing: str) -> Ruling | None:
    """Rule on what no honest contract does, whatever else it did."""
    if call.burned:
        return Ruling(Verdict.HOSTILE, f"{doing}, it burns all the gas it is given")
    if call.size > MOST_ANSWER:
        return Ruling(Verdict.HOSTILE, f"{doing}, it answers with {call.size} bytes")
    return None


def _of_moves(seen: Observation, out: Moved) -> Ruling:
    if out.taker[0]:
        return Ruling(Verdict.HOSTILE, f"it says that an address which was never used has {out.taker[0]} base units")
    taxes = []
    for moved, doing in ((out, "transferred"), (seen.back, "sent back by who received it")):
        if moved is None:
            return Ruling(Verdict.UNKNOWN, "its way back could not be tried")
        found = _of_move(moved, doing)
        if isinstance(found, Ruling):
            trap = moved is not out and found.verdict is Verdict.UNSELLABLE
            return Ruling(Verdict.HONEYPOT, found.sentence) if trap else found
        taxes.append(found)
    return _of_sale(seen.sale, max(taxes))


def _of_move(moved: Moved, doing: str) -> Ruling | Decimal:
    """Return what part of a transfer the token kept, or what it is if it moved otherwise than it said."""
    if found := _of_call(moved.call, doing):
        return found
    if moved.call.denied:
        return Ruling(Verdict.UNSELLABLE, f"{doing}, it refuses{moved.call.because}")
    (had, kept), (before, after) = moved.holder, moved.taker
    if had is None or kept is None or before is None or after is None:
        return Ruling(Verdict.HOSTILE, f"{doing}, it no longer says who has what")
    left, arrived = had - kept, after - before
    if abs(left - moved.units) > ROUNDING or not 0 < arrived <= moved.units + ROUNDING:
        told = f"of {moved.units} base units that it said were sent, {left} left and {arrived} arrived"
        return Ruling(Verdict.HOSTILE, f"{doing}, it lies: {told}")
    return _missing(moved.units, arrived) if moved.units - arrived > ROUNDING else Decimal(0)


def _of_sale(sale: Sold | None, tax: Decimal) -> Ruling:
    if sale is None:
        return Ruling(Verdict.UNSELLABLE, "no market buys it", tax)
    for call, doing in ((sale.approval, "asked for an allowance"), (sale.swap, "sold")):
        if found := _of_call(call, doing):
            return found
    if sale.approval.denied:
        return Ruling(Verdict.UNSELLABLE, f"it refuses an allowance{sale.approval.because}")
    if not sale.swap.done or not sale.received:
        if tax:
            return Ruling(
                Verdict.UNSELLABLE, f"it keeps {percent(tax)} of a transfer, and its market refuses that", tax
            )
        sentence = f"it can be handed on, but its sale brings nothing{sale.swap.because}, although a price is quoted"
        return Ruling(Verdict.HONEYPOT, sentence)
    if sale.left is None or abs(sale.left - sale.units) > ROUNDING:
        return Ruling(Verdict.HOSTILE, f"sold, it lies: of {sale.units} base units {sale.left} left the wallet")
    tax = max(tax, sale.lacking)
    if tax > MOST_TAX:
        return Ruling(Verdict.HONEYPOT, f"it keeps {percent(tax)} of what is sold", tax)
    if tax > SLIP:
        return Ruling(Verdict.TAXED, f"it keeps {percent(tax)} of what is moved", tax)
    return Ruling(Verdict.SOUND, "it moved and sold as it said when it was tried")


def _missing(expected: int, got: int) -> Decimal:
    return max(Decimal(0), Decimal(expected - got) / expected) if expected > 0 else Decimal(0)


def percent(part: Decimal, rounding: str = ROUND_HALF_EVEN) -> str:
    """Write a part of one in hundredths, to two decimals."""
    return f"{plain((part * 100).quantize(Decimal('0.01'), rounding).normalize())} %"


def quarantine(standing: Standing, ruling: Ruling, highest_tax: Decimal) -> str:
    """Say why a token may not be sold, empty when it may: a sound one, or a taxed one up to the owner's highest tax.

    Nobody but its owner can vouch for a stranger, however sound it looks.
    """
    sellable = ruling.verdict is Verdict.SOUND or (ruling.verdict is Verdict.TAXED and ruling.tax <= highest_tax)
    if standing is not Standing.STRANGER and sellable:
        return ""
    return f"{ruling.verdict.replace('_', '-')}: {ruling.sentence}; {remedy(standing, ruling, highest_tax)}"


def remedy(standing: Standing, ruling: Ruling, highest_tax: Decimal) -> str:
    """Say what would change it."""
    stranger = standing is Standing.STRANGER
    match ruling.verdict:
        case Verdict.TAXED if ruling.tax > highest_tax:
            also = " and its address under allow" if stranger else ""
            return f"a highest_tax of {percent(ruling.tax, ROUND_CEILING)}{also} would admit it"
        case Verdict.SOUND | Verdict.TAXED:
            return "to have it sold like any other, put its address under allow" if stranger else "it may be sold"
        case Verdict.LOOK_ALIKE:
            return "only its address under allow would have it judged by what it does"
        case Verdict.UNKNOWN | Verdict.UNSELLABLE if stranger:
            return "another look may find otherwise; to have every scan try it, put its address under allow"
        case Verdict.UNKNOWN | Verdict.UNSELLABLE:
            return "it is tried again at every scan"
        case Verdict.HONEYPOT | Verdict.HOSTILE:
            return "nothing; leave it alone"
        case _:
            assert_never(ruling.verdict)
