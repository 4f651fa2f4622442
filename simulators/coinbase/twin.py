"""The twin: one venue, its TLS port and its admin port, started in this process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simulators.coinbase.admin import Admin
from simulators.coinbase.exchange import Exchange, opened
from simulators.coinbase.faults import Faults
from simulators.coinbase.gate import Gate
from simulators.coinbase.scenario import Algorithm, KeyForm, Scenario, Scope
from simulators.coinbase.scenarios import SCENARIOS
from simulators.coinbase.state import VenueState
from simulators.exchange.twin import Kind, Twin

TRADER: tuple[Scope, ...] = ("view", "trade")


class CoinbaseTwin(Twin[Scenario, Exchange]):
    """A venue in this process: `with CoinbaseTwin(scenario) as twin` serves until the block ends.

    Point the SDK at it with `base_url=twin.base_url`, `session.verify=str(twin.ca_file)`, `session.trust_env=False`.
    """

    kind = Kind("coinbase", Scenario, SCENARIOS, Faults, VenueState, opened, Exchange, Gate, Admin)

    def key_file(self, scopes: Iterable[Scope] = TRADER, algorithm: Algorithm = "ed25519") -> Path:
        """Issue a key with these scopes and write it as the portal's JSON."""
        form = KeyForm(scopes=frozenset(scopes), algorithm=algorithm)
        return self.written_key("-".join((*sorted(form.scopes), algorithm)), form)
