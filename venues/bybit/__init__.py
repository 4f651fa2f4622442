"""Bybit: a unified account, its market orders, and the venue's exchange of small balances."""
