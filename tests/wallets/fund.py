"""A wallet that funds trades: its policy, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from events.facts import TransactionSettled
from events.records import replace
from events.values import Funding, FundingSource, Policy
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.wallets.stand import ACCOUNT, Stand
from venues.evm import assets
from venues.evm.registry import asset_of
from workers import funding
from workers.desk import Desk
from workers.funding import Funded

D = Decimal
RESERVES = {"DAI": (25, 4), "USDT": (50, 3), "USDC": (50, 2), "WETH": (0, 1)}
ETHER = 10**18
USD6 = 10**6


@dataclass
class Till(Stand):
    """A stand whose account funds trades; `ether` is what it has of ETH, in wei."""

    changes: Mapping[str, object] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        sources = tuple(
            FundingSource(asset_of(self.where, symbol), D(reserve), priority)
            for symbol, (reserve, priority) in RESERVES.items()
        )
        usual = Funding(assets.coin(self.chain.chain_id), sources)
        return replace(super().policy, funding=replace(usual, **self.changes))

    def ensure(self, amount: str, trade: str = "trade-1", desk: Desk | None = None, seconds: float = 15) -> Funded:
        at = desk or self.desk
        return funding.ensure(at, ACCOUNT, trade, D(amount), at.clock() + timedelta(seconds=seconds))

    def asset(self, symbol: str) -> str:
        return asset_of(self.where, symbol)

    def ether(self) -> Decimal:
        return D(self.chain.balance("ETH", self.key.address)).scaleb(-18)

    def settled(self) -> list[TransactionSettled]:
        return self.facts(TransactionSettled)


@contextmanager
def till(
    chain: LocalChain, directory: Path, gifts: Mapping[str, int], ether: int = ETHER // 100 * 3, **changes: object
) -> Iterator[Till]:
    """A live account with the given tokens and ETH."""
    with ChainProxy(chain.url, geth=True) as proxy:
        built = Till(chain, proxy, directory / "dustman.db", chain.wallets[0], **changes)  # type: ignore[arg-type]
        chain.rpc("anvil_setBalance", built.key.address, hex(ether))
        built.give(gifts)
        built.go_live()
        yield built
