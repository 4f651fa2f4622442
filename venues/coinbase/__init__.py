"""Coinbase, as a venue: translation, and one client."""
