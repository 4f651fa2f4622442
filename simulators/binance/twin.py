"""The twin: one venue, its TLS port and its admin port, started in this process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from domain.errors import ConfigurationError
from simulators.binance.admin import Admin
from simulators.binance.exchange import Exchange, opened
from simulators.binance.faults import Faults
from simulators.binance.gate import Gate
from simulators.binance.keys import key_file
from simulators.binance.scenario import TRADER, Algorithm, Permission, Scenario
from simulators.binance.state import VenueState
from simulators.exchange.certificates import Certificates
from simulators.exchange.faults import FaultForm
from simulators.exchange.mischief import Mischief
from simulators.exchange.snapshot import Snapshot
from simulators.exchange.twin import Twin, write_key


class BinanceTwin(Twin):
    """A venue in this process: `with BinanceTwin(scenario) as twin` serves until the block ends.

    Point a client at `https://{twin.base_url}`, trusting `twin.ca_file`.
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

    def key_file(self, permissions: Iterable[Permission] = TRADER, algorithm: Algorithm = "hmac") -> Path:
        """Issue a key with these permissions and write it as a key file."""
        granted = frozenset(permissions)
        label = "-".join((*sorted(granted), algorithm))
        with self.exchange.transaction():
            key = self.exchange.issue_key(label, granted, algorithm)
            path = self.key_directory / f"{label}.json"
            write_key(path, key_file(self.exchange.state.seed, key))
        return path
