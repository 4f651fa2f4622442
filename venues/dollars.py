"""Coins that count as the dollar that policies count in, unit for unit."""

from __future__ import annotations

AT_PAR = frozenset({"USD", "USDT", "USDC", "FDUSD", "TUSD", "USDP", "DAI"})
