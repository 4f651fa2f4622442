"""The exchanges, by their word in the settings: what people call them. A module each says the rest; see `table`."""

NAMES = {"coinbase": "Coinbase", "binance": "Binance", "bybit": "Bybit", "okx": "OKX"}
