"""The twin: one venue, its TLS port and its admin port, started in this process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simulators.bybit.admin import Admin
from simulators.bybit.exchange import Exchange, opened
from simulators.bybit.faults import Faults
from simulators.bybit.gate import Gate
from simulators.bybit.scenario import TRADER, Algorithm, KeyForm, Permission, Scenario
from simulators.bybit.scenarios import SCENARIOS
from simulators.bybit.state import VenueState
from simulators.exchange.twin import Kind, Twin


class BybitTwin(Twin[Scenario, Exchange]):
    """A venue in this process: `with BybitTwin(scenario) as twin` serves until the block ends.

    Point a client at `https://{twin.base_url}`, trusting `twin.ca_file`.
    """

    kind = Kind("bybit", Scenario, SCENARIOS, Faults, VenueState, opened, Exchange, Gate, Admin)

    def key_file(self, permissions: Iterable[Permission] = TRADER, algorithm: Algorithm = "hmac") -> Path:
        """Issue a key with these permissions and write it as a key file."""
        form = KeyForm(permissions=frozenset(permissions), algorithm=algorithm)
        return self.written_key("-".join((*sorted(form.permissions), algorithm)), form)
