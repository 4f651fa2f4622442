"""The twin: one venue, its TLS port and its admin port, started in this process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simulators.binance.admin import Admin
from simulators.binance.exchange import Exchange, opened
from simulators.binance.faults import Faults
from simulators.binance.gate import Gate
from simulators.binance.scenario import TRADER, Algorithm, KeyForm, Permission, Scenario
from simulators.binance.scenarios import SCENARIOS
from simulators.binance.state import VenueState
from simulators.exchange.twin import Kind, Twin


class BinanceTwin(Twin[Scenario, Exchange]):
    """A venue in this process: `with BinanceTwin(scenario) as twin` serves until the block ends.

    Point a client at `https://{twin.base_url}`, trusting `twin.ca_file`.
    """

    kind = Kind("binance", Scenario, SCENARIOS, Faults, VenueState, opened, Exchange, Gate, Admin)

    def key_file(self, permissions: Iterable[Permission] = TRADER, algorithm: Algorithm = "hmac") -> Path:
        """Issue a key with these permissions and write it as a key file."""
        form = KeyForm(permissions=frozenset(permissions), algorithm=algorithm)
        return self.written_key("-".join((*sorted(form.permissions), algorithm)), form)
