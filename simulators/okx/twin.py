"""The twin: one venue, its TLS port and its admin port, started in this process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simulators.exchange.twin import Kind, Twin
from simulators.okx.admin import Admin
from simulators.okx.exchange import Exchange, opened
from simulators.okx.faults import Faults
from simulators.okx.gate import Gate
from simulators.okx.scenario import TRADER, KeyForm, Permission, Scenario
from simulators.okx.scenarios import SCENARIOS
from simulators.okx.state import VenueState


class OKXTwin(Twin[Scenario, Exchange]):
    """A venue in this process: `with OKXTwin(scenario) as twin` serves until the block ends.

    Point a client at `https://{twin.base_url}`, trusting `twin.ca_file`.
    """

    kind = Kind("okx", Scenario, SCENARIOS, Faults, VenueState, opened, Exchange, Gate, Admin)

    def key_file(self, permissions: Iterable[Permission] = TRADER) -> Path:
        """Issue a key with these permissions and write it as a key file."""
        form = KeyForm(permissions=frozenset(permissions))
        return self.written_key("-".join(sorted(form.permissions)), form)
