"""The owner of a wallet that sells: settings as they would be written, and the account live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.account import Account
from domain.commands import Command, Declare
from domain.decision import fingerprint
from domain.lane import Idle
from dustman.settings import Settings
from dustman.wiring import found_settings, now, open_log
from events.facts import (
    AccountWentLive,
    ConversionsHalted,
    DryRunCompleted,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    SweepCompleted,
)
from events.log import EventLog
from events.money import Amount
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import watched
from tests.wallets.stand import ACCOUNT, D, Stand, balanced, dust
from venues.evm.assets import token
from workers.handling import ACCOUNTS, Streams

# How many plain tokens trade directly with WETH.
DUSTS = 24


@dataclass
class Owner:
    """A wallet's owner, and what the wallet's ledger on the chain says."""

    config: Path
    settings: Settings
    log: EventLog
    books: Stand

    @property
    def streams(self) -> Streams[Account, Command]:
        return Streams(ACCOUNTS, self.log, now, lambda: None)

    def is_idle(self) -> bool:
        """Say whether nothing is in flight."""
        return isinstance(self.streams.load(ACCOUNT).state.lane.state, Idle)

    def at_rest(self) -> bool:
        """Say whether no sweep is open and nothing in flight."""
        return self.streams.load(ACCOUNT).state.sweep is None and self.is_idle()

    def sold_out(self) -> bool:
        """Say whether no crumb is left in the wallet."""
        crumbs = {token(self.books.chain.chain_id, self.books.chain.tokens[name].address) for name in dust(DUSTS)}
        return not any(units for asset, units in self.books.units().items() if asset in crumbs)

    def assert_settled(self, where: str) -> None:
        """Both ledgers agree, each lot found its end once, and no transaction was sent that is not on record."""
        facts = self.books.facts
        assert not facts(ConversionsHalted), where
        sold = [each.lot_id for each in facts(DustConverted)]
        kept = [each.lot_id for each in facts(DustConversionFailed)]
        assert sorted([*sold, *kept]) == sorted(lot.lot_id for each in facts(DustDetected) for lot in each.lots), where
        assert len(facts(SweepCompleted)) == len(facts(DustDetected)), where
        assert self.sold_out(), where
        assert self.books.nonce() == self.streams.load(ACCOUNT).state.lane.nonce, where
        balanced(self.books)


@contextmanager
def owner(chain: LocalChain, directory: Path, redis: str, **selling: object) -> Iterator[Owner]:
    """Write settings that sell the first wallet's dust, through a proxy that holds geth's rules, and go live."""
    with ChainProxy(chain.url) as proxy:
        key = chain.wallets[0]
        account = watched(chain, proxy.url) | {
            "target": "WETH",
            "threshold": 50,
            "schedule": "every 2 s",
            "caps": {"per_sweep": 5000, "per_day": 5000},
            "allow": [token.address for token in chain.tokens.values()],
            "cache": str(directory / "cache"),
            "selling": {"delegate": chain.contracts.batch_account, "ceiling": 1000, **selling},
        }
        document = {
            "log": {"url": f"sqlite:///{directory}/dustman.db"},
            "redis": {"url": redis},
            "limits": {"requests_per_second": 200, "seconds_between_conversions": "0.1"},
            "reconcile": {"every": "1 s"},
            "accounts": {ACCOUNT: account},
        }
        config = directory / "dustman.yaml"
        config.write_text(json.dumps(document))  # JSON is YAML
        (directory / ".env").write_text(f"DUSTMAN_{ACCOUNT.upper()}_KEY_SECRET={key.key}\n")
        settings = found_settings(config)
        log = open_log(settings)
        books = Stand(chain, proxy, directory / "dustman.db", key, target="WETH")
        books.before = books.units()
        _go_live(log, settings)
        try:
            yield Owner(config, settings, log, books)
        finally:
            log.close()


def _go_live(log: EventLog, settings: Settings) -> None:
    policy = settings.wallet(ACCOUNT).policy()
    mark = fingerprint(policy)
    streams = Streams(ACCOUNTS, log, now, lambda: None)
    for fact in (
        DryRunCompleted(ACCOUNT, mark, 0, 0, Amount(D(0), policy.target), now()),
        AccountWentLive(ACCOUNT, mark, policy.sweep_cap, policy.day_cap, policy.currency),
    ):
        streams.handle(ACCOUNT, Declare(fact, type(fact).__name__), "owner")
