"""The exchange: one user's spot account at the venue, with its clock, ledger, markets and desks."""

from __future__ import annotations

from collections.abc import Callable

from simulators.binance.dust import DustDesk
from simulators.binance.keys import issued, key_file
from simulators.binance.markets import Markets
from simulators.binance.orders import Orders
from simulators.binance.scenario import KeyForm, Scenario
from simulators.binance.state import VenueState
from simulators.exchange.clock import real_time
from simulators.exchange.spot_exchange import SpotExchange, stock


class Exchange(SpotExchange[Scenario, VenueState, KeyForm]):
    """Everything behind the endpoints."""

    def __init__(self, scenario: Scenario, state: VenueState, keep: Callable[[VenueState], None]) -> None:
        super().__init__(scenario, state, keep)
        self.markets = Markets(scenario.symbols, state)
        self.orders = Orders(scenario, state, self.markets, self.ledger)
        self.dust = DustDesk(scenario.dust, state, self.markets, self.ledger)

    def issue(self, label: str, form: KeyForm) -> str:
        """Issue an API key, or the same again for the same label, and return it in the form of a key file."""
        key = issued(self.state.seed, label, form.algorithm, form.permissions)
        self.state.keys[key.api_key] = key
        return key_file(self.state.seed, key)


def opened(scenario: Scenario, seed: int) -> VenueState:
    """Open a venue: every balance, book and key of the scenario, and no history."""
    now = real_time()
    state = VenueState(seed, scenario.clock.begin(now) - now)
    stock(state, scenario.balances, scenario.symbols)
    for label, form in scenario.keys.items():
        key = issued(seed, label, form.algorithm, frozenset(form.permissions))
        state.keys[key.api_key] = key
    return state
