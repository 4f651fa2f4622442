"""The exchange: one user's trading account at the venue, with its clock, ledger, markets and desks."""

from __future__ import annotations

from collections.abc import Callable

from simulators.exchange.clock import real_time
from simulators.exchange.spot_exchange import SpotExchange, stock
from simulators.okx.easy_convert import EasyConvert
from simulators.okx.keys import issued, key_file
from simulators.okx.markets import Markets
from simulators.okx.orders import Orders
from simulators.okx.scenario import KeyForm, Scenario
from simulators.okx.state import VenueState


class Exchange(SpotExchange[Scenario, VenueState, KeyForm]):
    """Everything behind the endpoints."""

    def __init__(self, scenario: Scenario, state: VenueState, keep: Callable[[VenueState], None]) -> None:
        super().__init__(scenario, state, keep)
        self.markets = Markets(scenario.markets, state)
        self.orders = Orders(scenario, state, self.markets, self.ledger)
        self.easy_convert = EasyConvert(scenario.easy_convert, state, self.markets, self.ledger)

    def issue(self, label: str, form: KeyForm) -> str:
        """Issue an API key, or the same again for the same label, and return it in the form of a key file."""
        key = issued(self.state.seed, label, form.permissions)
        self.state.keys[key.api_key] = key
        return key_file(self.state.seed, key)

    def _catch_up(self) -> None:
        super()._catch_up()
        self.easy_convert.catch_up(self.clock.now())


def opened(scenario: Scenario, seed: int) -> VenueState:
    """Open a venue: every balance, book and key of the scenario, and no history."""
    now = real_time()
    state = VenueState(seed, scenario.clock.begin(now) - now)
    stock(state, scenario.balances, scenario.markets)
    for label, form in scenario.keys.items():
        key = issued(seed, label, form.permissions)
        state.keys[key.api_key] = key
    return state
