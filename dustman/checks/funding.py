"""How a wallet's trades get their ETH: in one transaction, or token by token, and whether that is in time."""

from __future__ import annotations

from typing import Final

from domain.treasury import waiting
from dustman.checks.finding import Finding, ok, warn
from dustman.wallet_settings import WalletAccount

QUICKER: Final = "name a delegate, take fewer selling.confirmations, or let a promise last longer by funding.life"


def check_funding(name: str, account: WalletAccount) -> Finding | None:
    """Say in which mode funding works; None where nothing is converted for trades."""
    check, funding, selling, where = f"{name}: funding", account.funding, account.selling, account.where()
    if funding is None:
        return None
    if selling is None:
        return warn(check, "nothing can be converted without a key", "write selling, or leave funding out")
    if selling.delegate:
        return ok(check, "trades are funded through the delegate, all tokens in one transaction")
    final = selling.confirmations or where.confirmations
    waits = waiting(where.block_time, final + 1)
    how = (
        "there is no delegate: WETH is withdrawn by one transaction, and each other token takes three of its own, an "
        f"approval, a swap and the end of what is left; {final} blocks make each final"
    )
    if not waits:
        return ok(check, how)
    told = f"{how}, so ETH for one token is there after about {waits.total_seconds():.0f} s"
    if waits.total_seconds() > funding.life:
        return warn(check, f"{told}, when a promise of {funding.life} s has ended: only WETH becomes ETH", QUICKER)
    return ok(check, told)
