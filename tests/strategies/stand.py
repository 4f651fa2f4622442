"""A strategy of staked weETH: its wallet on the local chain, and where a test wants one an account at an exchange."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from domain.charter import Charter, policy_for
from domain.commands import Declare
from domain.decision import fingerprint
from domain.venue import Venue
from events.facts import AccountWentLive, DryRunCompleted
from events.money import Amount
from events.values import Policy
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.coinbase.markets import market
from simulators.coinbase.scenario import Scenario
from simulators.coinbase.twin import CoinbaseTwin
from tests.wallets.stand import ACCOUNT, D, Stand, chain_of
from tests.workers.stand import QUICK
from venues.coinbase.venue import Coinbase
from venues.evm.registry import asset_of
from venues.evm.routes import MIDDLES, THROUGH
from venues.limits import Limiter
from workers import conducting, measuring
from workers.desk import Desk, Mandate
from workers.schedule import Every

EXCHANGE = "exchange"
ETHER = 10**18
AT_EXCHANGE = Policy(
    target="coinbase:ETH",
    threshold=D("0.5"),
    currency="USD",
    excluded=("coinbase:USD", "coinbase:USDC"),
    hubs=("coinbase:USDC",),
    sweep_cap=D(5000),
    day_cap=D(5000),
)


def scenario() -> Scenario:
    """An account with ether, 300 EIGEN at 1.20 USDC each, and ether to buy."""
    return Scenario.model_validate(
        {
            "quote_minimum_binds_sells": False,
            "wallets": {"ETH": {"available": "10"}, "EIGEN": {"available": "300"}, "USDC": {"available": "20"}},
            "products": {
                "EIGEN-USDC": market("1.20", "0.01", "0.0001"),
                "ETH-USDC": market("3000", "0.00000001", "0.01", quote_min_size="0.1", spread_bps="2"),
            },
        }
    )


def charter(chain: LocalChain, name: str = "loop", *accounts: str, **changes: object) -> Charter:
    """20 basis points of equity are the most dust it bears."""
    where = chain_of(chain)
    on_chain = tuple(sorted(asset_of(where, symbol) for symbol in ("ETH", "WETH", "weETH")))
    belongs = {ACCOUNT: on_chain, EXCHANGE: ("coinbase:ETH", "coinbase:WEETH")}
    names = accounts or (ACCOUNT,)
    usual = Charter(
        name=name,
        mode="eth_leveraged",
        share_class="ETH",
        asset="ETH",
        lst="weeth",
        staking=True,
        delta=D("0.002"),
        accounts=names,
        belongs={account: belongs[account] for account in names},
    )
    return dataclasses.replace(usual, **changes)  # type: ignore[arg-type]


@dataclass
class Team(Stand):
    """A wallet of strategies, and an account of theirs at `twin`."""

    charters: tuple[Charter, ...] = ()
    twin: CoinbaseTwin | None = None
    approvals: Mapping[str, timedelta] = field(default_factory=dict)
    through: tuple[str, ...] = (*THROUGH, *MIDDLES)
    nudges: list[tuple[str, str]] = field(default_factory=list, init=False)

    @property
    def policies(self) -> Mapping[str, Policy]:
        own = {ACCOUNT: super().policy, EXCHANGE: AT_EXCHANGE}
        return {name: policy_for(name, policy, self.charters) for name, policy in own.items()}

    @property
    def policy(self) -> Policy:
        return self.policies[ACCOUNT]

    def fresh(self) -> Desk:
        names = {ACCOUNT: "evm", EXCHANGE: "coinbase"}
        mandates = {
            name: Mandate(
                name, venue, self.policies[name], Every(60), strategies=tuple(each.name for each in self.charters)
            )
            for name, venue in names.items()
        }
        return dataclasses.replace(
            super().fresh(),
            mandates=mandates,
            open_venue=self.open,
            nudge=lambda queue, name: self.nudges.append((queue, name)),
            charters={each.name: each for each in self.charters},
            intervals={each.name: Every(300) for each in self.charters},
            approvals=self.approvals,
        )

    def open(self, account: str) -> Venue:
        if account == ACCOUNT:
            return self.wallet()
        assert self.twin
        key = json.loads(self.twin.key_file().read_text())
        return Coinbase(
            key["name"],
            key["privateKey"],
            base_url=self.twin.base_url,
            ca_file=self.twin.ca_file,
            limiter=Limiter(key["name"], None, requests_per_second=D(500), seconds_between_conversions=D(0)),
            times=replace(QUICK, clock=self.clock, sleep=self.desk.sleep),
            convert_never_arrived_after=QUICK.never_arrived_after,
        )

    def allow(self, account: str) -> None:
        policy, mark = self.policies[account], fingerprint(self.policies[account])
        dry = DryRunCompleted(account, mark, 0, 0, Amount(D(0), policy.target), self.clock())
        live = AccountWentLive(account, mark, policy.sweep_cap, policy.day_cap, "USD")
        for fact in (dry, live):
            self.desk.streams.handle(account, Declare(fact, type(fact).__name__), "test")

    def measure(self, strategy: str = "loop") -> list[str]:
        """Measure for a due time that nobody has answered for; return the types of what was recorded."""
        return [each.type for each in measuring.measure(self.desk, strategy, self.clock())]

    def sell(self, account: str) -> None:
        until = self.clock() + timedelta(seconds=20)
        assert conducting.conduct(self.desk, account, until) is conducting.Ended.RESTING


@contextmanager
def team(
    chain: LocalChain,
    directory: Path,
    gifts: Mapping[str, int],
    *charters: Charter,
    live: bool = True,
    **changes: object,
) -> Iterator[Team]:
    """A team whose wallet has these, and whose accounts are live."""
    with ChainProxy(chain.url, geth=True) as proxy:
        wallet = chain.wallets[0]
        built = Team(
            chain,
            proxy,
            directory / "dustman.db",
            wallet,
            charters=charters or (charter(chain),),
            **changes,  # type: ignore[arg-type]
        )
        built.give(gifts)
        if live:
            built.allow(ACCOUNT)
            if built.twin:
                built.allow(EXCHANGE)
        yield built
