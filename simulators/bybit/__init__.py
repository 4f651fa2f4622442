"""A simulated Bybit: one unified account over TLS, with its exchange of small balances."""
