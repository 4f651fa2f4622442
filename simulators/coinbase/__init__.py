"""The Coinbase twin: an Advanced Trade venue on this machine that the vendor's own SDK talks to unchanged."""
