"""Accounts that are one and the same where they are kept."""

from __future__ import annotations

from collections.abc import Iterator

from domain.errors import ConfigurationError
from dustman.checks.finding import Finding, warn
from dustman.keys import key_of
from dustman.settings import Settings

FIX = "keep one of the two, or give each a portfolio, sub-account or wallet of its own"


def check_sharing(settings: Settings) -> Iterator[Finding]:
    """Warn of each account that sells what another one sells, under caps of its own."""
    first: dict[tuple[str, ...], str] = {}
    for name in settings.accounts:
        place = _place(settings, name)
        if place and (other := first.setdefault(place, name)) != name:
            what = "wallet" if name in settings.wallets else "key"
            yield warn(f"{name}: shared", f"its {what} is that of {other}; both would sell the same coins", FIX)


def _place(settings: Settings, name: str) -> tuple[str, ...]:
    """Say where an account's coins are, empty where its key cannot be read, of which another row tells."""
    if wallet := settings.wallets.get(name):
        return str(wallet.chain), wallet.address
    ours = settings.exchange(name)
    try:
        return ours.tag, str(ours.base_url), key_of(settings, name).name
    except ConfigurationError:
        return ()
