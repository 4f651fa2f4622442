"""OKX: one key's trading account, spot orders, and its exchange of small balances."""
