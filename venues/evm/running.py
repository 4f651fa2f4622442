"""What proposals would send, run at the block that they are pinned to, and what that costs.

What it costs is the gas that it uses less what is given back for allowances that end at zero (EIP-3529), and on some
chains a fee for its data on L1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from domain.errors import ConfigurationError, VenueUnavailable
from events.values import Refusal, RefusalCode
from venues.evm.apart import Apart, allowance_ask
from venues.evm.batch import DESIGNATOR, MODE, Desk, Sale, approval, executed
from venues.evm.lens import Ask
from venues.evm.names import harmless
from venues.evm.rehearsal import Tried
from venues.evm.rpc import LONGEST_WORDS, Call, Failure, Rpc, good, octets, quantity
from venues.evm.terms import Terms
from venues.evm.transactions import MOST_GAS
from venues.evm.words import number, selector, word

# What a batch uses besides its legs: the transaction itself, the deadline's call, the unwrapping.
OVERHEAD_GAS: Final = 120_000
# Given back for an allowance that was made and is zero again, and for a balance that is sold whole (EIP-3529).
REFUND_PER_LEG: Final = 19_900 + 4_800
# What takes an allowance back uses by itself, beside what that cost when it was tried in one with its swap.
RETRACTION_BASE: Final = 26_600
# What taking an allowance back uses in all.
RETRACTION_GAS: Final = 30_000
# What making an allowance uses beside what that cost when it was tried in one with taking another back (EIP-2200).
RENEWAL_GAS: Final = 19_900
# Given back where the allowance is from another transaction.
REFUND_APART: Final = 4_800 + 4_800
# What a transaction costs before anything runs, with the calldata that an approval and that a swap has (EIP-2028).
APPROVAL_BASE: Final = 21_600
SWAP_BASE: Final = 24_500
# What an approval may use whose use is not known.
APPROVAL_GAS: Final = 60_000
# A signature and the other fields of a transaction, which an L2 sends to L1 with the calls.
ENVELOPE: Final = 180


@dataclass(frozen=True, slots=True)
class Run:
    """What was run: the contract to call and the calldata, as one text; the gas that it needs before refunds.

    `used` is the gas that is expected to be paid until the legs are sold, `reserved` the most that it may be, and
    `l1_fee` in wei what all of its data costs on L1. `allows` is what it only lets a market take, in base units.
    """

    payload: str
    gas: int
    used: int
    reserved: int
    l1_fee: int
    allows: int | None = None


NOTHING: Final = Run("", 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Errand:
    """One call of the account: `allows` is what it only lets a market take, `follows` the length of what comes then."""

    to: str
    data: bytes
    allows: int | None = None
    follows: int = 0

    @property
    def sizes(self) -> list[int]:
        """Return how long its data is, and that of what follows."""
        return [len(self.data), self.follows] if self.follows else [len(self.data)]

    def request(self, account: str) -> Mapping[str, str]:
        """Return it as nodes are asked."""
        return {"from": account, "to": self.to, "data": "0x" + self.data.hex()}


class Load(Protocol):
    """What one proposal carries, and what has to be signed next of it."""

    @property
    def carried(self) -> Sequence[Tried]: ...

    def asks(self, block: int) -> list[Call]:
        """Ask what it uses; `ran` wants the answers."""
        ...

    def ran(self, answers: Sequence[object], /) -> Run | Refusal:
        """Read what it uses, or how it reverts."""
        ...


class Runner(Protocol):
    """Makes of legs that work what has to be signed."""

    @property
    def desk(self) -> Desk: ...

    def asks(self, sales: Sequence[Sale], /) -> list[Ask]:
        """Ask what else has to be known of contracts."""
        ...

    def learn(self, sales: Sequence[Sale], answers: Sequence[bytes | None], /) -> Mapping[str, int]:
        """Read the answers: what markets may take now, in base units by the sale's key, where that matters."""
        ...

    def loads(self, tried: Sequence[Tried], may: Mapping[str, int], deadline: int, /) -> list[Load]:
        """Part legs into what each proposal carries, the next first; `may` is what was learned."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Legs in one batch, through the delegate as a chain will run it."""

    desk: Desk
    terms: Terms
    delegate: str
    carried: Sequence[Tried]
    data: bytes

    def asks(self, block: int) -> list[Call]:
        account = self.desk.account
        request = {"from": account, "to": account, "data": "0x" + self.data.hex()}
        delegated = {account: {"code": DESIGNATOR + self.delegate[2:].lower()}}
        return estimates(self.terms, request, [len(self.data)], block, delegated)

    def ran(self, answers: Sequence[object], /) -> Run | Refusal:
        found = estimated(answers)
        if isinstance(found, Failure):
            why = harmless(found.message, LONGEST_WORDS)
            return Refusal(RefusalCode.OTHER, f"each leg works by itself, but the whole batch reverts: {why}")
        gas, l1_fee = found
        used = gas - min(gas // 5, REFUND_PER_LEG * len(self.carried))
        return Run(self.desk.account + self.data.hex(), gas, used, limit(gas), l1_fee)


@dataclass(frozen=True, slots=True)
class TogetherRunner:
    """As many legs in a batch as a transaction has gas for."""

    desk: Desk
    terms: Terms

    def asks(self, _: Sequence[Sale], /) -> list[Ask]:
        """Ask the delegate whether it is what it has to be."""
        return [Ask(self.delegate, selector("supportsExecutionMode(bytes32)") + MODE)]

    @property
    def delegate(self) -> str:
        assert self.terms.delegate  # without one nothing is sold together
        return self.terms.delegate

    def learn(self, _: Sequence[Sale], answers: Sequence[bytes | None], /) -> Mapping[str, int]:
        """Refuse a delegate that takes no batches; within one, what may be taken before does not matter."""
        if not answers[0] or number(answers[0]) != 1:
            raise ConfigurationError(f"delegate: {self.delegate} is no ERC-7821 contract on {self.desk.chain.name}")
        return {}

    def loads(self, tried: Sequence[Tried], _: Mapping[str, int], deadline: int, /) -> list[Load]:
        """Fill one batch after the other; a leg alone always fits."""
        filled: list[list[Tried]] = []
        room = 0
        for each in tried:
            needed = each.gas * 6 // 5
            if needed > room:
                filled.append([])
                room = MOST_GAS - 2 * OVERHEAD_GAS
            filled[-1].append(each)
            room -= needed
        return [Batch(self.desk, self.terms, self.delegate, legs, self._written(legs, deadline)) for legs in filled]

    def _written(self, legs: Sequence[Tried], deadline: int) -> bytes:
        rows = [(each.sale, self.terms.minimum(each.received), each.allowed) for each in legs]
        return executed(self.desk.calls(rows, deadline))


@dataclass(frozen=True, slots=True)
class Single:
    """A leg by itself: the first of its transactions that is still to be made."""

    runner: ApartRunner
    tried: Tried
    errand: Errand

    @property
    def carried(self) -> Sequence[Tried]:
        return [self.tried]

    def asks(self, block: int) -> list[Call]:
        return self.runner.estimates(self.errand, block)

    def ran(self, answers: Sequence[object], /) -> Run | Refusal:
        return self.runner.ran(self.errand, self.tried, answers)


@dataclass(frozen=True, slots=True)
class ApartRunner:
    """Each leg by itself: its approval, and once that is final its swap."""

    desk: Apart
    terms: Terms

    def asks(self, sales: Sequence[Sale], /) -> list[Ask]:
        """Ask what may be taken of each sale's token now."""
        return [allowance_ask(sale.token, self.desk.account, self.desk.spender(sale)) for sale in sales]

    def learn(self, sales: Sequence[Sale], answers: Sequence[bytes | None], /) -> Mapping[str, int]:
        """Read what may be taken; of a token that does not say, nothing."""
        said = zip(sales, answers, strict=True)
        return {sale.key: number(answer) for sale, answer in said if answer}

    def loads(self, tried: Sequence[Tried], may: Mapping[str, int], deadline: int, /) -> list[Load]:
        """Write the next transaction of each."""
        return [Single(self, each, self._next(each, may.get(each.sale.key, 0), deadline)) for each in tried]

    def _next(self, tried: Tried, allowed: int, deadline: int) -> Errand:
        return self.errand(tried.sale, self.terms.minimum(tried.received), allowed, deadline)

    def errand(self, sale: Sale, minimum: int, allowed: int, deadline: int) -> Errand:
        """Write what a leg needs next; an allowance that is not what is sold is taken back before."""
        sell = self.desk.sell(sale, minimum, deadline)
        if sale.route is None or allowed == sale.units:
            return Errand(self.desk.market(sale), sell)
        wanted = 0 if allowed else sale.units
        return Errand(sale.token, approval(self.desk.spender(sale), wanted), wanted, len(sell))

    def estimates(self, errand: Errand, block: int) -> list[Call]:
        """Ask what an errand uses; `ran` wants the answers."""
        return estimates(self.terms, errand.request(self.desk.account), errand.sizes, block)

    def ran(self, errand: Errand, tried: Tried, answers: Sequence[object]) -> Run | Refusal:
        """Read what an errand uses, and count what is still to come of its leg as it was tried."""
        found = estimated(answers)
        if isinstance(found, Failure):
            sentence = (
                f"it worked when it was tried, but its transaction reverts: {harmless(found.message, LONGEST_WORDS)}"
            )
            return Refusal(RefusalCode.OTHER, sentence)
        gas, l1_fee = found
        later = self._later(errand, tried, gas)
        total = gas + later
        used, reserved = total - min(total // 5, REFUND_APART), limit(gas) + (limit(later) if later else 0)
        return Run(errand.to + errand.data.hex(), gas, used, reserved, l1_fee, errand.allows)

    def _later(self, errand: Errand, tried: Tried, gas: int) -> int:
        """Return the gas of the transactions that follow: the swap, and what takes back what is left of its allowance.

        What was tried has the approvals in it; where this takes one back, another follows that is one more.
        """
        if errand.allows is None:
            return RETRACTION_GAS if tried.sale.at_most else 0
        approved = APPROVAL_BASE + (RENEWAL_GAS if tried.allowed else -gas)
        return SWAP_BASE + tried.gas + approved + (RETRACTION_BASE if tried.sale.at_most else 0)


def retraction(rpc: Rpc, account: str, terms: Terms, token: str, spender: str, block: int) -> Run:
    """Run what takes an allowance back; one that reverts is sent all the same, since nothing else would show it."""
    errand = Errand(token, approval(spender, 0), 0)
    found = estimated(rpc.ask(estimates(terms, errand.request(account), errand.sizes, block)))
    gas, l1_fee = (APPROVAL_GAS, 0) if isinstance(found, Failure) else found
    return Run(token + errand.data.hex(), gas, gas, limit(gas), l1_fee, 0)


def limit(gas: int) -> int:
    """Leave room above what was used when it was run: pools may have moved across a tick."""
    return min(MOST_GAS, gas * 5 // 4 + 20_000)


def estimates(
    terms: Terms, request: Mapping[str, str], sizes: Sequence[int], block: int, *overrides: object
) -> list[Call]:
    """Ask what a call needs, and what data of these sizes costs on L1; `estimated` wants the answers."""
    calls = [Call(method, (request, hex(block), *overrides)) for method in ("eth_call", "eth_estimateGas")]
    for size in sizes if terms.oracle else ():
        asked = selector("getL1FeeUpperBound(uint256)") + word(size + ENVELOPE)
        calls.append(Call("eth_call", ({"to": terms.oracle, "data": "0x" + asked.hex()}, hex(block))))
    return calls


def estimated(answers: Sequence[object]) -> tuple[int, int] | Failure:
    """Return the gas that a call needs, and in wei what its data costs on L1; or how the call reverts."""
    called, needed, *fees = answers
    for answer in (called, needed):
        if isinstance(answer, Failure):
            if not answer.reverted:
                raise VenueUnavailable(f"the node would not run the transaction, {answer}")
            return answer
    return quantity(needed), sum(number(octets(good(fee))) for fee in fees)
