"""A wallet on the local chain, and a worker's desk with real parts around it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from domain.commands import Declare
from domain.decision import fingerprint
from domain.errors import NOT_ASKED
from events.facts import AccountWentLive, DryRunCompleted, Fact
from events.money import Amount
from events.sqlite import SQLiteLog
from events.subscription import Subscription
from events.values import Policy
from simulators.chain.calldata import call
from simulators.chain.chain import LocalChain
from simulators.chain.manifest import Token as Deployed
from simulators.chain.proxy import ChainProxy
from simulators.chain.rpc import Call
from simulators.chain.wallets import Wallet as Key
from venues.evm import assets
from venues.evm.discovery import Discovery
from venues.evm.judgement import Allowed
from venues.evm.keyed import KeyedWallet
from venues.evm.registry import Chain, Feed, Rewards, Token, Uniswap, asset_of
from venues.evm.rewards.source import ClaimableSource
from venues.evm.routes import THROUGH
from venues.evm.rpc import Rpc
from venues.evm.signer import LocalSigner, from_key
from venues.evm.terms import Terms
from views.ledger import ledger_of
from workers import conducting, scanning
from workers.desk import Desk, Mandate
from workers.schedule import Every

D = Decimal
GWEI = 10**9
ACCOUNT = "main"
F = TypeVar("F", bound=Fact)
# What the simulator calls hostile: these do harm, the others only bear names that do.
HARMFUL = ("honeypot", "taxed", "gas_burner", "return_bomb", "liar", "mute")


def chain_of(chain: LocalChain) -> Chain:
    """The local chain as the registry would have it; its plain tokens are not known, as in any wallet."""
    contracts = chain.contracts
    known = ("WETH", "USDC", "USDT", "DAI", "wstETH", "weETH", "EIGEN", "ETHFI", "KING")
    return Chain(
        chain.chain_id,
        "local",
        {name: Token(name, chain.tokens[name].address, chain.tokens[name].decimals) for name in known},
        Uniswap(
            contracts.v3_factory, contracts.quoter, contracts.swap_router, contracts.v2_factory, contracts.v2_router
        ),
        {pair: Feed(address, timedelta(days=1)) for pair, address in chain.feeds.items()},
        confirmations=1,
        silence=None,
        rewards=Rewards(chain.tokens["KING"].address, contracts.merkle_drop, contracts.rewards_coordinator),
    )


def no_feed() -> Subscription:
    raise AssertionError("this stand has no feed to take announcements from")


@dataclass
class Clock:
    """The time of this machine, or one that stands still, and what a test puts on top of it."""

    stands: datetime | None = None
    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return (self.stands or datetime.now(UTC)) + self.ahead


def nap(seconds: float) -> None:
    """Wait as a worker does, but not long: this node mines at once."""
    time.sleep(min(seconds, 0.03))


@dataclass
class Stand:
    """A wallet's account: its chain, a proxy before the node, a log and a desk.

    Its owner allows every honest token, of the hostile ones those that `allows` names, and the contracts in `allowed`.
    `spare` are endpoints that are asked when the first fails, `sleep` is how a worker waits, `timeout` for how long it
    waits for an answer. What one process met of tokens others know only when it is `cached`.
    """

    chain: LocalChain
    proxy: ChainProxy
    path: Path
    key: Key
    target: str = "ETH"
    threshold: Decimal = Decimal(50)
    terms: Mapping[str, object] = field(default_factory=dict)
    sign: Callable[[LocalSigner], LocalSigner] = lambda signer: signer
    reach: type[Rpc] = Rpc
    log: type[SQLiteLog] = SQLiteLog
    clock: Clock = field(default_factory=Clock)
    relay: str = ""
    allows: tuple[str, ...] = ()
    sleep: Callable[[float], None] = nap
    timeout: float = 0.5
    spare: tuple[str, ...] = ()
    opens: type[KeyedWallet] = KeyedWallet
    highest_tax: Decimal = Decimal(0)
    allowed: tuple[str, ...] = ()
    rewards: Sequence[ClaimableSource] = ()
    cached: bool = False
    through: tuple[str, ...] = THROUGH
    before: Mapping[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.where = chain_of(self.chain)
        self.desk = self.fresh()

    @property
    def policy(self) -> Policy:
        target = asset_of(self.where, self.target)
        return Policy(
            target=target,
            threshold=self.threshold,
            currency="USD",
            excluded=(assets.coin(self.chain.chain_id),),
            hubs=(target,),
            sweep_cap=D(5000),
            day_cap=D(5000),
            taker_fee=D(0),
            rewards=tuple(each.source for each in self.rewards),
        )

    def wallet(self) -> KeyedWallet:
        """The wallet as a process that has just started opens it."""
        rpc = self.reach([self.proxy.url, *self.spare], self.chain.chain_id, timeout=(0.5, self.timeout))
        terms = replace(
            Terms(self.chain.contracts.batch_account, confirmations=1, ceiling=1000 * GWEI),
            **self.terms,  # type: ignore[arg-type]
        )
        return self.opens(
            self.where,
            self.target,
            signer=self.sign(from_key(self.key.key, self.key.address)),
            terms=terms,
            rpc=rpc,
            discovery=Discovery(rpc, self.key.address, cache=self.path.with_suffix(".json") if self.cached else None),
            judgement=Allowed(self.where, frozenset(self._allowed()), self.highest_tax),
            clock=self.clock,
            relay=Rpc([self.relay], self.chain.chain_id) if self.relay else None,
            rewards=self.rewards,
            through=self.through,
        )

    def _allowed(self) -> list[str]:
        return [*self.allowed, *(self.chain.token(name).address for name in (*self.chain.tokens, *self.allows))]

    def _sound(self) -> dict[str, Deployed]:
        """Return by name the tokens whose word about a balance is good."""
        told = {"no_code", *HARMFUL} - ({"taxed"} if self.highest_tax else set())
        odd = {name: each for name, each in self.chain.hostile.items() if name not in told}
        return self.chain.tokens | odd

    def fresh(self) -> Desk:
        """The desk of a process that has just started."""
        return Desk(
            worker=str(uuid.uuid4()),
            log=self.log(self.path, self.clock),
            mandates={ACCOUNT: Mandate(ACCOUNT, "evm", self.policy, Every(60))},
            open_venue=lambda _: self.wallet(),
            clock=self.clock,
            sleep=self.sleep,
            publish=lambda: None,
            nudge=lambda queue, account: None,
            announcements=no_feed,
            hold=timedelta(0),
        )

    def go_live(self) -> None:
        policy, mark = self.policy, fingerprint(self.policy)
        dry = DryRunCompleted(ACCOUNT, mark, 0, 0, Amount(D(0), policy.target), self.clock())
        live = AccountWentLive(ACCOUNT, mark, policy.sweep_cap, policy.day_cap, "USD")
        self.desk.streams.handle(ACCOUNT, Declare(dry, "dry"), "test")
        self.desk.streams.handle(ACCOUNT, Declare(live, "live"), "test")

    def give(self, gifts: Mapping[str, int]) -> None:
        """Give the wallet tokens, and remember what it has from here on."""
        self.chain.hand_out([(token, self.key.address, units) for token, units in gifts.items()])
        self.before = self.units()

    def add(self, gifts: Mapping[str, int]) -> None:
        """Give the wallet more, which has nothing to do with what it moves."""
        self.chain.hand_out([(token, self.key.address, units) for token, units in gifts.items()])
        known = {name: assets.token(self.chain.chain_id, token.address) for name, token in self._sound().items()}
        more = {known[token]: units for token, units in gifts.items()}
        self.before = {asset: units + more.get(asset, 0) for asset, units in self.before.items()}

    def units(self) -> dict[str, int]:
        """What the chain says that the wallet has, in base units by asset."""
        tokens = [token.address for token in self._sound().values()]
        coin, *held = self.chain.rpc.batch(
            [
                ("eth_getBalance", (self.key.address, "latest")),
                *(_asked(token, "balanceOf(address)", self.key.address) for token in tokens),
            ]
        )
        names = [assets.coin(self.chain.chain_id), *(assets.token(self.chain.chain_id, token) for token in tokens)]
        return dict(zip(names, [int(found, 16) for found in (coin, *held)], strict=True))

    def moved(self) -> dict[str, Decimal]:
        """What has moved on the chain, in whole tokens."""
        places = {assets.token(self.chain.chain_id, t.address): t.decimals for t in self._sound().values()}
        after = self.units()
        return {
            asset: D(after[asset] - units).scaleb(-places.get(asset, 18))
            for asset, units in self.before.items()
            if after[asset] != units
        }

    def recorded(self) -> dict[str, Decimal]:
        """What the log says has moved."""
        moved = ledger_of(self.desk.log.read()).get(ACCOUNT, {})
        return {asset: change for asset, change in moved.items() if change}

    def scan(self, desk: Desk | None = None) -> None:
        scanning.scan(desk or self.desk, ACCOUNT, self.clock(), automatic=False)

    def conduct(self, desk: Desk | None = None) -> conducting.Ended:
        return conducting.conduct(desk or self.desk, ACCOUNT, self.clock() + timedelta(seconds=20))

    def settle(self, desk: Desk | None = None, rounds: int = 30) -> None:
        """Go on as workers do, round after round, until nothing is left to do; outages are waited out."""
        for _ in range(rounds):
            try:
                if self.conduct(desk) is conducting.Ended.RESTING:
                    return
            except NOT_ASKED:
                continue
        raise AssertionError(f"not settled after {rounds} rounds: {self.types()[-5:]}")

    def settle_halted(self, rounds: int = 10) -> None:
        """Go on until the account is halted."""
        for _ in range(rounds):
            if self.halted:
                return
            self.conduct()
        raise AssertionError(f"not halted after {rounds} rounds: {self.types()[-5:]}")

    def facts(self, kind: type[F]) -> list[F]:
        """All facts of a kind, in their order."""
        return [recorded.fact for recorded in self.desk.log.read() if isinstance(recorded.fact, kind)]

    @property
    def halted(self) -> str:
        """Why the account is halted, empty when it is not."""
        return self.desk.streams.load(ACCOUNT).state.halted

    def nonce(self) -> int:
        """How many transactions the chain counts of the wallet."""
        return int(self.chain.rpc("eth_getTransactionCount", self.key.address, "latest"), 16)

    def code(self) -> str:
        return str(self.chain.rpc("eth_getCode", self.key.address, "latest"))

    def types(self) -> list[str]:
        return [recorded.type for recorded in self.desk.log.read()]

    def allowances(self) -> int:
        """How much others may still take, of all tokens."""
        contracts = self.chain.contracts
        found = self.chain.rpc.batch(
            [
                _asked(token.address, "allowance(address,address)", self.key.address, spender)
                for token in self._sound().values()
                for spender in (contracts.swap_router, contracts.v2_router)
            ]
        )
        return sum(int(units, 16) for units in found)


def _asked(token: str, signature: str, *values: object) -> Call:
    """A question to a token, answered with one number."""
    return "eth_call", ({"to": token, "data": "0x" + call(signature, *values).hex()}, "latest")


def dust(count: int, start: int = 0, units: int = 10**19) -> dict[str, int]:
    """Plain tokens by name, as many base units of each."""
    return {f"DUST{number:03}": units for number in range(start, start + count)}


@contextmanager
def stand(chain: LocalChain, directory: Path, gifts: Mapping[str, int], **changes: object) -> Iterator[Stand]:
    """A live account with the given tokens."""
    with ChainProxy(chain.url, geth=True) as proxy:
        built = Stand(chain, proxy, directory / "dustman.db", chain.wallets[0], **changes)  # type: ignore[arg-type]
        built.give(gifts)
        built.go_live()
        yield built


def balanced(built: Stand) -> None:
    """The harness: what moved on the chain is what the log says, and nothing may be taken by anybody."""
    moved, recorded = built.moved(), built.recorded()
    apart = {asset: (moved.get(asset), recorded.get(asset)) for asset in moved | recorded}
    assert moved == recorded, f"on chain and in the log: {[each for each in apart.items() if len(set(each[1])) > 1]}"
    assert built.allowances() == 0, "somebody may still take something"
