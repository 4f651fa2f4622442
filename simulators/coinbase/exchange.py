"""The exchange: one user's account at the venue, with its clock, ledger, markets and desks."""

from __future__ import annotations

from collections.abc import Callable

from simulators.coinbase.conversions import Conversions
from simulators.coinbase.keys import key_file, key_name
from simulators.coinbase.market import Market
from simulators.coinbase.orders import Orders
from simulators.coinbase.scenario import KeyForm, Scenario
from simulators.coinbase.state import Key, VenueState
from simulators.coinbase.wallets import Wallets
from simulators.exchange.clock import real_time
from simulators.exchange.identity import id_of
from simulators.exchange.ledger import HOLD, USER, Ledger
from simulators.exchange.venue import SimulatedExchange


class Exchange(SimulatedExchange[Scenario, VenueState, KeyForm]):
    """Everything behind the endpoints."""

    def __init__(self, scenario: Scenario, state: VenueState, keep: Callable[[VenueState], None]) -> None:
        super().__init__(scenario, state, keep)
        self.wallets = Wallets(state, self.ledger)
        self.market = Market(scenario.products, state)
        self.orders = Orders(scenario, state, self.market, self.wallets, self.ledger, self.ids)
        self.conversions = Conversions(scenario.convert, state, self.wallets, self.ledger, self.ids)

    @property
    def portfolio(self) -> str:
        """Return the id of the one portfolio."""
        return id_of(self.state.seed, "portfolio")

    @property
    def user(self) -> str:
        """Return the id of the one user."""
        return id_of(self.state.seed, "user")

    def issue(self, label: str, form: KeyForm) -> str:
        """Issue an API key, or the same again for the same label, and return it in the form of the portal's file."""
        key = Key(key_name(self.state.seed, label), form.scopes, form.algorithm)
        self.state.keys[key.name] = key
        return key_file(self.state.seed, key)

    def _catch_up(self) -> None:
        self.conversions.complete_due(self.clock.now())
        super()._catch_up()


def opened(scenario: Scenario, seed: int) -> VenueState:
    """Open a venue: every wallet, balance, book and key of the scenario, and no history."""
    now = real_time()
    state = VenueState(seed, scenario.clock.begin(now) - now)
    state.opening = {
        USER: {currency: wallet.available for currency, wallet in scenario.wallets.items()},
        HOLD: {currency: wallet.hold for currency, wallet in scenario.wallets.items()},
    }
    wallets = Wallets(state, Ledger(state))
    for currency, wallet in scenario.wallets.items():
        wallets.open(currency, wallet.decimals, wallet.fiat)
    for name, product in scenario.products.items():
        if not product.alias:
            state.books[name] = product.book.book(product.price_increment or product.quote_increment)
    for label, form in scenario.keys.items():
        key = Key(key_name(seed, label), frozenset(form.scopes), form.algorithm)
        state.keys[key.name] = key
    return state
