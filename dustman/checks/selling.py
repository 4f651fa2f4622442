"""What a wallet sells with: a key that is its own, a delegate that makes batches, coin for gas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from domain.chain import Code
from domain.errors import ConfigurationError
from dustman.checks.finding import Finding, fail, ok, warn
from dustman.settings import Settings
from dustman.wallet_keys import signer_of
from dustman.wallet_settings import Selling
from venues.evm.batch import MODE
from venues.evm.observation import code_seen, price_calls, priced
from venues.evm.quantities import ETHER_DECIMALS, whole
from venues.evm.rpc import Call, Failure, good, octets, quantity
from venues.evm.transactions import DELEGATION_GAS
from venues.evm.wallet import Wallet
from venues.evm.words import number, selector

# What a sweep of a few tokens may use besides the delegation, before refunds.
SWEEP_GAS: Final = 600_000
KEY = "set what the sentence names; a key belongs into .env or an encrypted keystore, never into the settings"
DELEGATE = "name an ERC-7821 contract of this chain, such as OpenZeppelin's, whose code you have read"


def check_key(settings: Settings, name: str) -> Finding:
    """Unlock the key once; nothing is signed."""
    try:
        signer = signer_of(settings, name)
    except ConfigurationError as error:
        return fail(f"{name}: key", str(error), KEY)
    return ok(f"{name}: key", f"can sign for {signer.address}")


def check_selling(name: str, wallet: Wallet, selling: Selling, block: int) -> Iterator[Finding]:
    """Ask the chain what the delegate is, what the wallet is delegated to, and what it has for gas."""
    at, delegate = hex(block), selling.delegate
    question = {"to": delegate, "data": "0x" + (selector("supportsExecutionMode(bytes32)") + MODE).hex()}
    asked = [Call("eth_getCode", (delegate, at)), Call("eth_call", (question, at))] if delegate else []
    own, coin, *answers = wallet.rpc.ask(
        [
            Call("eth_getCode", (wallet.address, at)),
            Call("eth_getBalance", (wallet.address, at)),
            *price_calls(at),
            *asked,
        ]
    )
    price = answers[:3]
    if delegate:
        code, batches = answers[3:]
        yield _delegate(f"{name}: delegate", delegate, octets(good(code)), batches)
        yield _delegation(f"{name}: delegation", code_seen(own, delegate), delegate)
    else:
        yield ok(f"{name}: delegate", "there is none: each lot is allowed and sold by two transactions of its own")
    yield _gas(f"{name}: gas", quantity(good(coin)), priced(price).price.fee)


def _delegate(check: str, delegate: str, code: bytes, batches: object) -> Finding:
    if not code:
        return fail(check, f"nothing stands at {delegate}", DELEGATE)
    answer = b"" if isinstance(batches, Failure) else octets(batches)
    if len(answer) != len(MODE) or number(answer) != 1:
        return fail(check, f"{delegate} does not say that it makes batches whose calls are all made or none", DELEGATE)
    return ok(check, f"{delegate} makes batches (ERC-7821)")


def _delegation(check: str, code: Code, delegate: str) -> Finding:
    match code:
        case Code.OURS:
            return ok(check, f"the wallet is delegated to {delegate}")
        case Code.EMPTY:
            return ok(check, "the wallet is not delegated yet; its first sweep begins with that")
        case Code.UNKNOWN:
            fix = "find out what it is; if not your own doing, move what the wallet holds"
            return fail(check, "the wallet has code that is not our delegation, so nothing is sold", fix)


def _gas(check: str, wei: int, price: int) -> Finding:
    needed = (DELEGATION_GAS + SWEEP_GAS) * price
    held, least = (f"{whole(each, ETHER_DECIMALS):.6f}" for each in (wei, needed))
    sentence = f"the wallet has {held} of the coin; a small sweep may cost {least} now"
    return warn(check, sentence, "send it some coin") if wei < needed else ok(check, sentence)
