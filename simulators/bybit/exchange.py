"""The exchange: one user's unified account at the venue, with its clock, ledger, markets and desks."""

from __future__ import annotations

from collections.abc import Callable

from simulators.bybit.keys import issued, key_file
from simulators.bybit.markets import Markets
from simulators.bybit.orders import Orders
from simulators.bybit.scenario import KeyForm, Scenario
from simulators.bybit.small import SmallDesk
from simulators.bybit.state import Key, VenueState
from simulators.exchange.clock import real_time
from simulators.exchange.spot_exchange import SpotExchange, stock


class Exchange(SpotExchange[Scenario, VenueState, KeyForm]):
    """Everything behind the endpoints."""

    orders: Orders

    def __init__(self, scenario: Scenario, state: VenueState, keep: Callable[[VenueState], None]) -> None:
        super().__init__(scenario, state, keep)
        self.markets = Markets(scenario.symbols, state)
        self.orders = Orders(scenario, state, self.markets, self.ledger)
        self.small = SmallDesk(scenario.small, state, self.markets, self.ledger)

    def issue(self, label: str, form: KeyForm) -> str:
        """Issue an API key, or the same again for the same label, and return it in the form of a key file."""
        return key_file(_issued(self.state, label, form))


def opened(scenario: Scenario, seed: int) -> VenueState:
    """Open a venue: every balance, book and key of the scenario, and no history."""
    now = real_time()
    state = VenueState(seed, scenario.clock.begin(now) - now)
    stock(state, scenario.balances, scenario.symbols)
    for label, form in scenario.keys.items():
        _issued(state, label, form)
    return state


def _issued(state: VenueState, label: str, form: KeyForm) -> Key:
    """Issue a key once; the rights are those of the last wish."""
    key = issued(state.seed, label, form)
    if key.algorithm == "rsa" and (earlier := state.keys.get(key.api_key)):
        key = Key(label, key.api_key, key.algorithm, key.permissions, earlier.secret)
    state.keys[key.api_key] = key
    return key
