"""ETH just in time, for services that trade from a wallet and have Dustman's code: ask before a trade.

    told = await ensure_sufficient_eth_for_trade(Decimal("0.1"), chain="arbitrum", trade="order-17")
    ...  # the trade, with what `told` promises; then `Balancer.release`, or the promise ends by itself

or, for a trade that releases its ETH by itself and goes on with what is there when none can be made:

    async with eth_for_trade(Decimal("0.1"), trade="order-17") as told: ...
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import TypeVar

from domain.errors import NOT_ASKED, ConfigurationError
from domain.treasury import Balance, Status, eth
from dustman.desk import command_desk
from dustman.settings import Settings
from dustman.wallet_settings import WalletAccount
from dustman.wiring import found_settings
from events.log import LogConflict, LogUnavailable
from events.money import Amount
from events.values import FundingAnswer, Release
from venues.evm import assets
from workers import funding, treasury
from workers.desk import Desk
from workers.funding import Funded

__all__ = [
    "Balance",
    "Balancer",
    "Funded",
    "FundingAnswer",
    "Status",
    "ensure_sufficient_eth_for_trade",
    "eth_for_trade",
    "get_smart_balance_status",
]
logger = logging.getLogger("dustman")
DEADLINE = 30.0
Answer = TypeVar("Answer")


class Balancer:
    """Funds trades of the settings' wallets; one request of a process after the other, in a thread of its own."""

    def __init__(self, settings: Settings, desk: Callable[[], Desk] | None = None) -> None:
        self._settings = settings
        self._open = desk or (lambda: command_desk(settings, logger.warning))
        self._thread = ThreadPoolExecutor(1, "balancer")
        self._desk: Desk | None = None

    async def ensure(
        self, required_eth_amount: Decimal | str | int, account: str, trade: str = "", deadline: float = DEADLINE
    ) -> Funded:
        """Promise a trade its ETH, converting what is short, within `deadline` seconds.

        A trade that asks again under its name gets the answer it had. What cannot be read or done now is the answer
        not_now with its reason; `ValueError` for an amount that is none, `RefusedByPolicy` for a name that is taken.
        """
        amount, name = eth(required_eth_amount), trade or str(uuid.uuid4())

        def run(desk: Desk) -> Funded:
            try:
                return funding.ensure(desk, account, name, amount, desk.clock() + timedelta(seconds=deadline))
            except (*NOT_ASKED, LogConflict, LogUnavailable) as error:
                logger.warning("trade %s: %s", name, error)
                coin = assets.coin(self._settings.wallet(account).chain)
                return Funded(FundingAnswer.NOT_NOW, name, Amount(amount, coin), str(error))

        self._settings.wallet(account)
        return await self._run(run)

    async def release(self, reservation_id: str, account: str, why: Release = Release.USED) -> bool:
        """End a reservation; return whether it was there."""
        return await self._run(lambda desk: funding.release(desk, account, reservation_id, why))

    async def status(self, account: str) -> Status:
        """Say what a wallet could do for a trade now; its balances are read once for each block.

        `VenueUnavailable` where it cannot be read.
        """

        self._settings.wallet(account)
        return await self._run(lambda desk: treasury.balance(desk, account))

    def account_on(self, chain: str) -> str:
        """Return the wallet that funds trades on a chain, by the chain's name or number; there has to be just one."""
        found = [
            name
            for name, each in self._settings.accounts.items()
            if isinstance(each, WalletAccount)
            and each.funding is not None
            and chain in (each.where().name, str(each.chain))
        ]
        if len(found) == 1:
            return found[0]
        which = f"{', '.join(found)} have; name one" if found else "no wallet has"
        raise ConfigurationError(f"chain {chain}: {which} `funding` in the settings")

    def close(self) -> None:
        """End the thread; what it was asked for is done before."""
        self._thread.shutdown()

    async def _run(self, work: Callable[[Desk], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._at_work()))

    def _at_work(self) -> Desk:
        if self._desk is None:
            self._desk = self._open()
        return self._desk


@cache
def _balancer() -> Balancer:
    return Balancer(found_settings())


async def ensure_sufficient_eth_for_trade(
    required_eth_amount: Decimal | str | int,
    chain: str = "arbitrum",
    *,
    trade: str = "",
    account: str = "",
    deadline: float = DEADLINE,
    balancer: Balancer | None = None,
) -> Funded:
    """Promise a trade its ETH, converting what is short; see `Balancer.ensure`. `account` is for several on a chain."""
    ours = balancer or _balancer()
    return await ours.ensure(required_eth_amount, account or ours.account_on(chain), trade, deadline)


async def get_smart_balance_status(
    chain: str = "arbitrum", *, account: str = "", balancer: Balancer | None = None
) -> Status:
    """Say what a wallet could do for a trade now; see `Balancer.status`."""
    ours = balancer or _balancer()
    return await ours.status(account or ours.account_on(chain))


@asynccontextmanager
async def eth_for_trade(
    required_eth_amount: Decimal | str | int,
    chain: str = "arbitrum",
    *,
    trade: str = "",
    account: str = "",
    deadline: float = DEADLINE,
    balancer: Balancer | None = None,
) -> AsyncIterator[Funded]:
    """Fund the trade made in the block, which goes on whatever the answer; its ETH is released when the block ends."""
    ours = balancer or _balancer()
    name = account or ours.account_on(chain)
    told = await ours.ensure(required_eth_amount, name, trade, deadline)
    why = Release.RELEASED
    try:
        yield told
        why = Release.USED
    finally:
        if told.reservation_id:
            await ours.release(told.reservation_id, name, why)
