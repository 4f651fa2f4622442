"""The rehearsal: a batch tried at one block, leg by leg, so that a bad leg is found and the others are measured.

The legs are called from the account's own address, where a contract of ours stands for the time of one `eth_call`
(state override). A leg that fails is undone by itself. No more are tried than one transaction may have gas for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from domain.errors import VenueUnavailable
from events.values import Refusal, RefusalCode
from venues.evm.batch import Desk, Sale
from venues.evm.lens import code_of
from venues.evm.names import harmless
from venues.evm.rpc import Call
from venues.evm.words import selector

# What one leg may use: two swaps through ticks that lie close, with a token that counts slowly.
LEG_GAS: Final = 1_500_000
# More than fit into one transaction, and less than take the 50M gas that nodes give a call.
LEGS_AT_ONCE: Final = 250
_LEG: Final = "(address,uint256,address,address,bytes,address,address,bool)"
_OUT_OF_GAS: Final = b"gas"
_ERROR: Final = selector("Error(string)")


@dataclass(frozen=True, slots=True)
class Tried:
    """What one leg did: base units `spent` and `received`, gas before refunds, if an allowance stood in its way."""

    sale: Sale
    spent: int
    received: int
    gas: int
    allowed: bool


def call(desk: Desk, sales: Sequence[Sale], block: str, deadline: int) -> Call:
    """Return the read that tries the first of the sales, as many as `LEGS_AT_ONCE`; `results` wants its answer."""
    data = selector(f"rehearse({_LEG}[],uint256)") + encode(
        [f"{_LEG}[]", "uint256"], [[_leg(desk, sale, deadline) for sale in sales[:LEGS_AT_ONCE]], LEG_GAS]
    )
    request = {"to": desk.account, "data": "0x" + data.hex()}
    return Call("eth_call", (request, block, {desk.account: {"code": code_of("Rehearsal")}}))


def results(answer: bytes, sales: Sequence[Sale]) -> dict[str, Tried | Refusal]:
    """Read what became of the sales that were tried, by their keys; what the gas did not reach was not.

    `VenueUnavailable` when not even one could be tried.
    """
    sales = sales[:LEGS_AT_ONCE]
    try:
        (found,) = decode(["(bool,bool,uint256,uint256,uint256,bytes)[]"], answer)
    except (DecodingError, OverflowError):
        raise VenueUnavailable("a node answered the rehearsal of a batch with something else") from None
    if len(found) != len(sales):
        raise VenueUnavailable(f"a node answered the rehearsal of {len(sales)} legs with {len(found)}")
    tried = {
        sale.key: Tried(sale, spent, received, gas, allowed) if done and received else _refusal(done, reason)
        for sale, (done, allowed, gas, spent, received, reason) in zip(sales, found, strict=True)
        if done or reason != _OUT_OF_GAS
    }
    if sales and not tried:
        raise VenueUnavailable("the node allows an eth_call too little gas to try one leg")
    return tried


def reason_of(revert: bytes) -> str:
    """Return the words of a revert, its bytes where it has none."""
    if revert[:4] == _ERROR:
        try:
            return harmless(str(decode(["string"], revert[4:])[0]))[:100]
        except (DecodingError, OverflowError, UnicodeDecodeError):
            pass
    return f"0x{revert[:36].hex()}" if revert else ""


def _leg(desk: Desk, sale: Sale, deadline: int) -> tuple[object, ...]:
    sold = desk.sell(sale, 0, deadline)
    return (sale.token, sale.units, desk.spender(sale), desk.market(sale), sold, *desk.proceeds(sale), sale.at_most)


def _refusal(done: bool, reason: bytes) -> Refusal:
    if done:
        return Refusal(RefusalCode.NO_LIQUIDITY, "its sale brought nothing when it was tried")
    words = reason_of(reason)
    told = f": {words}" if words else ", without saying why"
    return Refusal(RefusalCode.NO_LIQUIDITY, f"its sale failed when it was tried{told}", words)
