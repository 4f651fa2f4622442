"""The exchange: one user's account at the venue, with its clock, ledger, markets and desks.

Every request is served under one lock, so each takes effect whole and in one order.
"""

from __future__ import annotations

import threading
from datetime import timedelta

from simulators.coinbase.clock import VirtualClock, real_time
from simulators.coinbase.identity import Ids, id_of
from simulators.coinbase.keys import key_name
from simulators.coinbase.ledger import HOLD, USER, Ledger
from simulators.coinbase.market import Market
from simulators.coinbase.orders import Orders
from simulators.coinbase.scenario import Scenario
from simulators.coinbase.state import Key, VenueState
from simulators.coinbase.wallets import Wallets


class Exchange:
    """Everything behind the endpoints. Callers hold `lock` from the first read to the last write."""

    def __init__(self, scenario: Scenario, state: VenueState) -> None:
        self.lock = threading.RLock()
        self.scenario = scenario
        self.state = state
        self.clock = VirtualClock(state, scenario.clock.frozen)
        self.ledger = Ledger(state)
        self.wallets = Wallets(state, self.ledger)
        self.market = Market(scenario.products, state)
        self.ids = Ids(state)
        self.orders = Orders(scenario, state, self.market, self.wallets, self.ledger, self.ids)

    @property
    def portfolio(self) -> str:
        """Return the id of the one portfolio."""
        return id_of(self.state.seed, "portfolio")

    @property
    def user(self) -> str:
        """Return the id of the one user."""
        return id_of(self.state.seed, "user")

    def issue_key(self, label: str, scopes: frozenset[str], algorithm: str) -> Key:
        """Issue an API key, or the same again for the same label."""
        key = new_key(self.state.seed, label, scopes, algorithm)
        self.state.keys[key.name] = key
        return key


def opened(scenario: Scenario, seed: int) -> VenueState:
    """Open a venue: every wallet, balance, book and key of the scenario, and no history."""
    now = real_time()
    state = VenueState(seed, scenario.clock.begin(now) - now if scenario.clock.start else timedelta(0))
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
        key = new_key(seed, label, frozenset(form.scopes), form.algorithm)
        state.keys[key.name] = key
    return state


def new_key(seed: int, label: str, scopes: frozenset[str], algorithm: str) -> Key:
    """Make a key with a name of its own."""
    return Key(key_name(seed, label), scopes, "es256" if algorithm == "es256" else "ed25519")
