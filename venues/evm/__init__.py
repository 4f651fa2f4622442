"""Wallets on EVM chains."""
