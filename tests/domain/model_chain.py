"""A chain as small as it can be, for the rules of sending: blocks, forks, a pool, and nodes that are behind.

It sells whatever a sweep tells it to, as often as it is told, so that only the rules keep a lot from being sold twice.
Where the account is not delegated a sale also needs what it sells to be allowed, and uses that up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from domain.chain import Code, Moved, Offer, Proposal, Receipt, Rules, Sight, Watch
from domain.errors import OutcomeUnknown, VenueUnavailable
from domain.venue import Capabilities, Holding, NeverArrived, Order, Pending, Price
from events.facts import LegRequested
from events.money import Amount, exactly_sum
from events.values import Block, Execution, Fill, GasPrice, Purpose, Quote, Refusal, SignedTransaction
from tests.domain.lane_controls import ETHER, NOON

D = Decimal
CHAIN = "eip155:42161"
USDC = f"{CHAIN}/erc20:0xUSDC"
GAS = Amount(D("0.000001000000000001"), ETHER)
RULES = Rules(confirmations=3, patience=timedelta(minutes=1), ceiling=10**12)
APART = replace(RULES, delegated=False)


class Crash(Exception):
    """The worker died at this line."""


@dataclass(frozen=True, slots=True)
class Mined:
    """A block with the transactions it holds and whether each succeeded."""

    block: Block
    held: tuple[tuple[str, bool], ...]


class ModelChain:
    """One account on a chain under a test's control, as `Venue` and as `Chain`. `faults` befall the next broadcasts."""

    name = "evm"

    def __init__(
        self, holdings: Mapping[str, Decimal], prices: Mapping[str, Decimal], target: str = USDC, rules: Rules = RULES
    ) -> None:
        self.rules = rules
        self.now, self.held, self.price, self.target = NOON, dict(holdings), dict(prices), target
        self.signed: dict[str, tuple[SignedTransaction, tuple[tuple[str, Amount], ...]]] = {}
        self.pool: set[str] = set()
        self.sent: set[str] = set()
        self.blocks: list[Mined] = [Mined(Block(n, f"0x{n}"), ()) for n in range(10)]
        self.old_fork: list[Mined] = list(self.blocks)
        self.faults: list[str] = []
        self.lag, self.on_old_fork, self.requests, self.code, self.skips = 0, False, 0, Code.OURS, False
        self.cost, self.expected_price, self.doubt = Amount(D("0.000002"), ETHER), 60, ""
        self.unapprovable: frozenset[str] = frozenset()
        self.ether = D(1)
        self._ids = count(1)

    def clock(self) -> datetime:
        return self.now

    # What the account's chain does.

    def mine(self, take: bool = True, poisoned: bool = False) -> None:
        """Add a block; it takes what pays most of the next nonce. In a poisoned one every swap reverts."""
        number, nonce = self.blocks[-1].block.number + 1, self._nonce(self.blocks)
        ready = [h for h in self.pool if self.signed[h][0].nonce == nonce] if take else []
        held: tuple[tuple[str, bool], ...] = ()
        if ready:
            best = max(ready, key=lambda h: (self.signed[h][0].gas_price.fee, h))
            held = ((best, not self._reverts(best, poisoned)),)
        self.blocks.append(Mined(Block(number, f"0x{number}f{next(self._ids)}"), held))
        after = self._nonce(self.blocks)
        self.pool = {h for h in self.pool if self.signed[h][0].nonce >= after}
        self.now += timedelta(seconds=12)

    def _reverts(self, tx_hash: str, poisoned: bool) -> bool:
        transaction, sells = self.signed[tx_hash]
        late = transaction.deadline is not None and self.now >= transaction.deadline
        allowed = self._allowed(self.blocks)
        if transaction.allowance and transaction.allowance.quantity:
            return transaction.allowance.asset in self.unapprovable
        covered = self.rules.delegated or all(allowed.get(each.asset) == each.quantity for _, each in sells)
        return transaction.purpose is Purpose.SWEEP and (late or poisoned or not covered)

    def reorg(self, depth: int, drop: bool, poisoned: bool, take: bool) -> None:
        """Replace the last blocks by one more, with or without what they held."""
        self.old_fork = list(self.blocks)
        gone, self.blocks = self.blocks[-depth:], self.blocks[:-depth]
        if not drop:
            self.pool |= {tx_hash for mined in gone for tx_hash, _ in mined.held}
        for _ in range(depth + 1):
            self.mine(take, poisoned)

    def foreign(self) -> None:
        """Somebody else sends with the account's key, and pays more than anybody."""
        nonce = self._nonce(self.blocks)
        self._keep(Purpose.CANCEL, nonce, GasPrice(10**15, 10**15), (), sender="0xforeign")

    def refill(self, nonce: int) -> None:
        """Have the owner send nothing to the account itself until so many of its transactions are counted."""
        while self._nonce(self.blocks) < nonce:
            self.foreign()
            self.mine()

    def sold(self) -> Counter[str]:
        """Count how often each leg's tokens were sold on the chain as it is."""
        done = [tx_hash for mined in self.blocks for tx_hash, succeeded in mined.held if succeeded]
        return Counter(key for tx_hash in done for key, _ in self.signed[tx_hash][1])

    def chances(self) -> Mapping[str, frozenset[int]]:
        """Name by leg the nonces under which it is sold for good, or may still be by what was ever sent."""
        final = self._final(self.blocks)
        used = {self.signed[tx_hash][0].nonce: (tx_hash, done) for mined in final for tx_hash, done in mined.held}
        found: dict[str, set[int]] = {}
        for tx_hash in self.sent:
            transaction, sells = self.signed[tx_hash]
            if transaction.nonce >= self._nonce(final) or used.get(transaction.nonce) == (tx_hash, True):
                for key, _ in sells:
                    found.setdefault(key, set()).add(transaction.nonce)
        return {key: frozenset(nonces) for key, nonces in found.items()}

    # What its nodes say.

    def _view(self) -> list[Mined]:
        blocks = self.old_fork if self.on_old_fork else self.blocks
        return blocks[: len(blocks) - self.lag]

    def _final(self, blocks: Sequence[Mined]) -> Sequence[Mined]:
        return blocks[: len(blocks) - self.rules.confirmations + 1]

    def _nonce(self, blocks: Sequence[Mined]) -> int:
        return sum(2 if self._delegates(tx_hash) else 1 for mined in blocks for tx_hash, _ in mined.held)

    def _delegates(self, tx_hash: str) -> bool:
        return self.signed[tx_hash][0].purpose is Purpose.DELEGATE and not self.skips

    def _code(self, blocks: Sequence[Mined]) -> Code:
        done = any(self._delegates(tx_hash) for mined in blocks for tx_hash, _ in mined.held)
        return Code.OURS if done else self.code

    def _allowed(self, blocks: Sequence[Mined]) -> Mapping[str, Decimal]:
        """Return by asset what a market may take of the account."""
        allowed: dict[str, Decimal] = {}
        for tx_hash in (tx_hash for mined in blocks for tx_hash, succeeded in mined.held if succeeded):
            transaction, sells = self.signed[tx_hash]
            if transaction.allowance:
                allowed[transaction.allowance.asset] = transaction.allowance.quantity
            for _, each in sells:
                allowed.pop(each.asset, None)
        return {asset: quantity for asset, quantity in allowed.items() if quantity}

    def sight(self, watch: Watch) -> Sight:
        """Look, which takes a moment: no two looks are of the same time."""
        self.now += timedelta(milliseconds=1)
        view = self._view()
        receipts = {
            tx_hash: Receipt(tx_hash, mined.block, succeeded, 100_000, GAS)
            for mined in view
            for tx_hash, succeeded in mined.held
            if tx_hash in watch.hashes
        }
        at = {mined.block.number: mined.block.block_hash for mined in view}
        return Sight(
            head=view[-1].block,
            nonce=self._nonce(view),
            final_nonce=self._nonce(self._final(view)),
            receipts=receipts,
            pooled=frozenset(self.pool) & set(watch.hashes),
            block_hash=at.get(watch.block) if watch.block is not None else None,
            code=self._code(view),
            gas_price=GasPrice(100, 10),
            allowances=tuple(
                f"a market may take {quantity} of {asset}"
                for asset, quantity in self._allowed(view).items()
                if asset in watch.spends
            ),
            absent=frozenset(watch.hashes) if self._nonce(view) > watch.nonce and not receipts else frozenset(),
        )

    def rehearse(self, drafts: Sequence[Order]) -> Sequence[Holding]:
        return self.holdings()

    def propose(self, drafts: Sequence[Order]) -> Proposal:
        view, approval = self._view(), None
        if not self.rules.delegated:
            drafts = drafts[:1]
            approval = next((self._approval(draft.spend, view) for draft in drafts), None)
        offers = tuple(
            Offer(draft.key, self.offered(draft.spend), 90_000 + 1000 * nth) for nth, draft in enumerate(drafts)
        )
        return Proposal(
            head=view[-1].block,
            nonce=self._nonce(view),
            code=self._code(view),
            ether=self.ether,
            offers=offers,
            dropped={},
            cost=self.cost,
            native_worth=D(3000),
            gas_limit=2_000_000,
            gas_price=GasPrice(100, 10),
            expected_price=self.expected_price,
            deadline=self.now + timedelta(minutes=5),
            payload="|".join(f"{draft.key} {draft.spend.quantity} {draft.spend.asset}" for draft in drafts),
            approval=approval,
        )

    def _approval(self, spend: Amount, view: Sequence[Mined]) -> Amount | None:
        """Name what has to be allowed before, nothing where another allowance has to be taken back first."""
        allowed = self._allowed(view).get(spend.asset, D(0))
        return None if allowed == spend.quantity else Amount(D(0) if allowed else spend.quantity, spend.asset)

    def retract(self, asset: str) -> Proposal | Refusal:
        return replace(self.propose([]), approval=Amount(D(0), asset))

    def offered(self, spend: Amount) -> Quote:
        price = self.price[spend.asset]
        return Quote(spend, Amount(spend.quantity * price, self.target), (), price, "route")

    def sign(self, proposal: Proposal, purpose: Purpose, nonce: int) -> SignedTransaction:
        legs = [line.split(" ") for line in proposal.payload.split("|")] if purpose is Purpose.SWEEP else []
        sells = tuple((key, Amount(D(quantity), asset)) for key, quantity, asset in legs)
        retracts = purpose is Purpose.APPROVE and not proposal.offers
        deadline = None if retracts else proposal.deadline
        return self._made(purpose, nonce, proposal.gas_price, sells, deadline, allowance=proposal.approval)

    def replace(self, signed: SignedTransaction, purpose: Purpose, gas_price: GasPrice) -> SignedTransaction:
        if purpose is Purpose.CANCEL:
            return self._made(purpose, signed.nonce, gas_price, (), None)
        sells = self.signed[signed.tx_hash][1]
        return self._made(purpose, signed.nonce, gas_price, sells, signed.deadline, allowance=signed.allowance)

    def _made(
        self,
        purpose: Purpose,
        nonce: int,
        price: GasPrice,
        sells: tuple[tuple[str, Amount], ...],
        deadline: datetime | None,
        sender: str = "0xus",
        allowance: Amount | None = None,
    ) -> SignedTransaction:
        name = f"0x{next(self._ids):x}"
        made = SignedTransaction(purpose, CHAIN, sender, nonce, name, name, 2_000_000, price, deadline, allowance)
        self.signed[name] = (made, sells)
        return made

    def _keep(
        self, purpose: Purpose, nonce: int, price: GasPrice, sells: tuple[tuple[str, Amount], ...], sender: str
    ) -> None:
        self.pool.add(self._made(purpose, nonce, price, sells, None, sender).tx_hash)

    def broadcast(self, raw: str) -> None:
        match self.faults.pop(0) if self.faults else "":
            case "unreachable":
                raise VenueUnavailable("connection refused")
            case "lost before":
                raise OutcomeUnknown("502")
            case "lost after":
                self._take(raw)
                raise OutcomeUnknown("502")
            case "crash before":
                raise Crash
            case "crash after":
                self._take(raw)
                raise Crash
            case _:
                self._take(raw)

    def _take(self, raw: str) -> None:
        self.sent.add(raw)
        if self.signed[raw][0].nonce >= self._nonce(self.blocks):
            self.pool.add(raw)

    def fills(self, receipt: Receipt, intents: Sequence[LegRequested]) -> Moved:
        if not receipt.succeeded:
            return Moved({})
        sells = dict(self.signed[receipt.tx_hash][1])
        fills = {intent.leg_id: self._fill(receipt, intent.spend) for intent in intents if intent.key in sells}
        return Moved(fills, self.doubt)

    def _fill(self, receipt: Receipt, spent: Amount) -> Fill:
        price = self.price[spent.asset]
        execution = Execution(receipt.tx_hash, price, spent.quantity, Amount(D(0), self.target), self.now)
        return Fill(receipt.tx_hash, spent, Amount(spent.quantity * price, self.target), (), (execution,))

    # The rest of what a venue is.

    def danger(self) -> str:
        return ""

    def holdings(self) -> Sequence[Holding]:
        return [Holding(asset, quantity, D(0)) for asset, quantity in self.held.items()]

    def holding(self, asset: str) -> Holding:
        return Holding(asset, self.held.get(asset, D(0)), D(0))

    def capabilities(self) -> Capabilities:
        return Capabilities({}, frozenset())

    def prices(self, products: Collection[str]) -> Mapping[str, Price]:
        return {}

    def worth(self, assets: Collection[str]) -> Mapping[str, Decimal]:
        return {}

    def quote(self, order: Order) -> Quote | Refusal:
        return self.offered(order.spend)

    def execute(self, order: Order) -> Fill | Refusal | Pending:
        raise AssertionError("a chain takes no orders")

    def outcome(self, order: Order) -> Fill | Refusal | Pending | NeverArrived:
        raise AssertionError("a chain takes no orders")


def received(fills: Sequence[Fill], asset: str) -> Decimal:
    """Add up what arrived of an asset, gas added back where it was taken off."""
    arrived = [fill.received.quantity for fill in fills if fill.received.asset == asset]
    gas = [fee.quantity for fill in fills for fee in fill.fees if fee.asset == asset]
    return exactly_sum(*arrived, *gas)


def rivals(chain: ModelChain) -> Mapping[str, frozenset[int]]:
    """Name what transactions of more than one nonce sell or may still sell."""
    return {key: nonces for key, nonces in chain.chances().items() if len(nonces) > 1}


def doubled(chain: ModelChain) -> Mapping[str, int]:
    """Name what was sold more than once."""
    return {key: times for key, times in chain.sold().items() if times > 1}
