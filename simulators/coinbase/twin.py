"""The twin: one venue, its TLS port and its admin port, started in this process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from domain.errors import ConfigurationError
from simulators.coinbase.admin import Admin
from simulators.coinbase.exchange import Exchange, opened
from simulators.coinbase.faults import Faults
from simulators.coinbase.gate import Gate
from simulators.coinbase.keys import key_file
from simulators.coinbase.scenario import Algorithm, Scenario, Scope
from simulators.coinbase.state import VenueState
from simulators.exchange.certificates import Certificates
from simulators.exchange.faults import FaultForm
from simulators.exchange.mischief import Mischief
from simulators.exchange.snapshot import Snapshot
from simulators.exchange.twin import Twin, write_key

TRADER: tuple[Scope, ...] = ("view", "trade")


class CoinbaseTwin(Twin):
    """A venue in this process: `with CoinbaseTwin(scenario) as twin` serves until the block ends.

    Point the SDK at it with `base_url=twin.base_url`, `session.verify=str(twin.ca_file)`, `session.trust_env=False`.
    A port of 0 means any free one. With a `snapshot` file a later twin carries on where this one stopped.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        faults: Iterable[FaultForm] = (),
        seed: int = 0,
        port: int = 0,
        admin_port: int = 0,
        certificates: Certificates | None = None,
        snapshot: Path | None = None,
        verbose: bool = False,
    ) -> None:
        kept = Snapshot(snapshot, VenueState)
        state = kept.found() or opened(scenario, seed)
        if state.seed != seed:
            raise ConfigurationError(f"seed: {seed}: must be {state.seed}, the seed that {snapshot} was made with")
        self.exchange = Exchange(scenario, state, kept.keep)
        mischief = Mischief(faults)
        self.gate = Gate(self.exchange, mischief)
        super().__init__(
            self.exchange,
            self.gate.answer,
            Admin(self.exchange, self.gate, mischief),
            mischief,
            Faults,
            port=port,
            admin_port=admin_port,
            certificates=certificates,
            verbose=verbose,
        )

    def key_file(self, scopes: Iterable[Scope] = TRADER, algorithm: Algorithm = "ed25519") -> Path:
        """Issue a key with these scopes and write it as the portal's JSON."""
        granted = frozenset(scopes)
        label = "-".join((*sorted(granted), algorithm))
        with self.exchange.transaction():
            key = self.exchange.issue_key(label, granted, algorithm)
            path = self.key_directory / f"{label}.json"
            write_key(path, key_file(self.exchange.state.seed, key))
        return path
