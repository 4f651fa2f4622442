"""What the simulated exchanges have in common: exact books and ledgers, clocks, keys' secrets, TLS, mishaps."""
