"""The Binance twin: a spot venue on this machine that the vendor's own request layer talks to unchanged."""
