"""The demonstration's wallet: a real node on this machine, dust of every kind, and settings that sweep it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from dustman.child import Child, Job
from dustman.crew import Crew
from dustman.demo.audit import Statement
from dustman.environment import write_secrets
from dustman.settings import key_prefix
from events.facts import TransactionSettled
from events.log import Recorded
from events.money import exactly_less
from events.values import Purpose
from simulators.chain.rpc import Rpc
from venues.evm import assets
from venues.evm.words import padded, selector

WALLET = "wallet"
CHAIN_READY = 60.0
ETHER_DECIMALS = 18
# A delegation uses its own nonce and that of its authorization (EIP-7702).
NONCES = {Purpose.DELEGATE: 2}


@dataclass(frozen=True, slots=True)
class Chain:
    """The node, the wallet on it, and the block at which the show begins."""

    url: str
    chain_id: int
    address: str
    account: str
    decimals: dict[str, int]
    start: int

    def statement(self, named: Iterable[str], log: Iterable[Recorded]) -> Statement:
        """Return by how much balances changed as the chain has them, and the nonces used beyond those on record."""
        now = self._rpc("eth_blockNumber")
        moved = {asset: change for asset in named if (change := exactly_less(*self._balances(asset, now)))}
        settled = [each.fact for each in log if isinstance(each.fact, TransactionSettled)]
        recorded = sum(NONCES.get(fact.purpose, 1) for fact in settled)
        used = [int(self._rpc("eth_getTransactionCount", self.address, at), 16) for at in (now, hex(self.start))]
        return Statement(moved, len(settled), used[0] - used[1] - recorded)

    def _balances(self, asset: str, now: str) -> tuple[Decimal, Decimal]:
        token = assets.address_of(asset, self.chain_id)
        places = ETHER_DECIMALS if token is None else self.decimals[token]
        after, before = (self._units(token, block) for block in (now, hex(self.start)))
        return after.scaleb(-places), before.scaleb(-places)

    def _units(self, token: str | None, block: str) -> Decimal:
        if token is None:
            return Decimal(int(self._rpc("eth_getBalance", self.address, block), 16))
        ask = {"to": token, "data": "0x" + (selector("balanceOf(address)") + padded(self.address)).hex()}
        return Decimal(int(self._rpc("eth_call", ask, block), 16))

    def _rpc(self, method: str, *parameters: object) -> Any:
        rpc = Rpc(self.url)
        try:
            return rpc(method, *parameters)
        finally:
            rpc.close()


def start(crew: Crew, directory: Path) -> Chain:
    """Start the node and put the wallet's key, which is worth nothing, where keys belong."""
    told: dict[str, Any] = {}
    settings = directory / "chain.json"

    def announced(child: Child) -> bool:
        lines = child.last_lines()
        told.update(json.loads(lines[0]) if lines else {})
        return bool(told)

    command = (sys.executable, "-m", "dustman", "simulate", "chain", "--settings", str(settings))
    crew.start(Job(name="chain", command=command, environment=dict(os.environ), ready=announced))
    crew.settle(CHAIN_READY)
    account = json.loads(settings.read_text("utf-8"))["accounts"][WALLET]
    account["selling"] = {"key": "env", "delegate": told["contracts"]["batch_account"]}
    owner = told["wallets"][0]
    write_secrets(directory / ".env", {f"{key_prefix(WALLET)}SECRET": owner["key"]}, replace=True)
    known = [*told["tokens"].values(), *told["hostile"].values()]
    decimals = {token["address"]: token["decimals"] for token in known}
    rpc = Rpc(told["node_url"])
    start = int(rpc("eth_blockNumber"), 16)
    rpc.close()
    return Chain(told["node_url"], told["chain_id"], owner["address"], json.dumps(account), decimals, start)
