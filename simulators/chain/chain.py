"""The local chain as tests and commands use it: a node with everything deployed, and levers on prices and blocks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from simulators.chain import entitlements
from simulators.chain.builder import Builder
from simulators.chain.deployment import ETHER, FEEDS, deploy
from simulators.chain.manifest import Contracts, Pool, Token
from simulators.chain.node import Node
from simulators.chain.rpc import NodeRefused, Rpc
from simulators.chain.trading import ENDLESS, sell
from simulators.chain.wallets import Wallet, fund, wallets

CHAIN_ID = 31337
DUST = 60
PURSE = 100 * ETHER
MINED_WITHIN = 0.5
# The node keeps the states of some 4,000 blocks, undone ones too, in memory; then it forgets the oldest, on which all
# else stands.
FRESH = 1000
# A position's fields up to its liquidity (NonfungiblePositionManager of Uniswap v3-periphery).
POSITION = ("uint96", "address", "address", "address", "uint24", "int24", "int24", "uint128")
WITHDRAWAL = "decreaseLiquidity((uint256,uint128,uint256,uint256,uint256))"


class LocalChain:
    """A chain of our own: `with LocalChain() as chain` runs a node until the block ends.

    A port of 0 means any free one; `dust` is how many plain tokens there are, which are all `traded` or only the
    first of them.
    """

    def __init__(self, *, chain_id: int = CHAIN_ID, port: int = 0, dust: int = DUST, traded: bool = False) -> None:
        self.chain_id = chain_id
        self._port = port
        self._dust = dust
        self._traded = traded
        self.wallets: tuple[Wallet, ...] = wallets()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the node and have everything there; raises `ConfigurationError` where something is not installed."""
        self._node = Node(self.chain_id, self._port)
        self._undone = 0
        self.__dict__.pop("_owner", None)
        try:
            self._deploy()
        except BaseException:
            self._node.stop()
            raise

    def stop(self) -> None:
        """End the node."""
        self._node.stop()

    @property
    def url(self) -> str:
        """Return where the node answers."""
        return self._node.url

    @property
    def rpc(self) -> Rpc:
        """Return the owner's own door: `chain.rpc("anvil_dropTransaction", hash)`."""
        return self._node.rpc

    @property
    def pid(self) -> int:
        """Return the number of the node's process."""
        return self._node.pid

    @property
    def contracts(self) -> Contracts:
        """Return the addresses of what is not a token."""
        return self._manifest.contracts

    @property
    def tokens(self) -> dict[str, Token]:
        """Return the honest tokens: WETH, USDC, ..., DUST000, DUST001, ..."""
        return self._manifest.tokens

    @property
    def hostile(self) -> dict[str, Token]:
        """Return the tokens that mean harm, or look as if they did, by what is wrong with them."""
        return self._manifest.hostile

    @property
    def feeds(self) -> dict[str, str]:
        """Return the addresses of the price feeds, by pair."""
        return self._manifest.feeds

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Return every market."""
        return self._manifest.pools

    @property
    def owner(self) -> str:
        """Return who deployed everything, and has what `act` needs."""
        return self._owner.owner

    def pool(self, token: str, quote: str = "WETH", fee: int | None = None) -> Pool:
        """Return a market by the names of its tokens, the first in the manifest where no fee is given."""
        for pool in self.pools:
            if (pool.token, pool.quote) == (token, quote) and fee in {None, pool.fee}:
                return pool
        raise KeyError(f"{token}/{quote}: there is no such market")

    def token(self, name: str) -> Token:
        """Return a token, honest or hostile, by its name in the manifest."""
        return self.tokens.get(name) or self.hostile[name]

    def give(self, token: str, holder: str, units: int) -> None:
        """Give somebody base units of a token, or wei of ETH, in a block of its own."""
        self.hand_out([(token, holder, units)])

    def hand_out(self, gifts: Iterable[tuple[str, str, int]]) -> None:
        """Give many things at once, in one block: name of the token or ETH, holder, base units."""
        for token, holder, units in gifts:
            if token == "ETH":
                balance = int(self.rpc("eth_getBalance", holder, "latest"), 16)
                self.rpc("anvil_setBalance", holder, hex(balance + units))
            elif token == "WETH":
                self._owner.send(self.contracts.weth, "transfer(address,uint256)", holder, units)
            else:
                self._owner.send(self.token(token).address, "mint(address,uint256)", holder, units)
        self._owner.settle()

    def balance(self, token: str, holder: str) -> int:
        """Say what a token claims that somebody holds, or how much ETH there is, in base units."""
        if token == "ETH":
            return int(self.rpc("eth_getBalance", holder, "latest"), 16)
        answer = self.ask(self.token(token).address, "balanceOf(address)", ("uint256",), holder)
        return int(answer[0])

    def ask(self, to: str, signature: str, answer: tuple[str, ...], *values: object) -> tuple[Any, ...]:
        """Call a function without a transaction: `ask(pool, "slot0()", ("uint160", "int24", ...))`."""
        return self._owner.ask(to, signature, answer, *values)

    def act(self, to: str, signature: str, *values: object) -> None:
        """Call a function as the chain's owner, in a block of its own; raises `BuildFailed` where it reverts."""
        self._owner.send(to, signature, *values)
        self._owner.settle()

    def deploy(self, name: str, *values: object) -> str:
        """Put one more of the contracts on the chain and return its address."""
        address = self._owner.deploy(name, *values)
        self._owner.settle()
        return address

    def set_price(self, pair: str, price: Decimal, age: int = 60) -> None:
        """Have a feed answer with a price that is always `age` seconds old."""
        decimals, _ = FEEDS[pair]
        self.act(self.feeds[pair], "set(int256,uint256)", int(price * 10**decimals), age)

    def set_sequencer(self, *, up: bool, since: int) -> None:
        """Have the L2 sequencer's feed say that it is up or down, for `since` seconds."""
        self.act(self.contracts.sequencer_feed, "set(int256,uint256)", 0 if up else 1, since)

    def entitle_king(self, earned: Mapping[str, int]) -> dict[str, Any]:
        """Publish what each account has earned of KING in all, in base units; return the claim data by account."""
        return entitlements.entitle_king(self, earned)

    def entitle_eigenlayer(self, earned: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        """Publish what each earner has earned in all, by token's name; return each earner's claim."""
        return entitlements.entitle_eigenlayer(self, earned)

    def sell_into(self, pool: Pool, units: int) -> None:
        """Move a market: the owner sells base units of the pool's token, minted for it, whatever it gets."""
        token, quote = self.token(pool.token).address, self.token(pool.quote).address
        self._owner.send(token, "mint(address,uint256)", self._owner.owner, units)
        sell(self._owner, self.contracts, token, quote, pool.fee, units)
        self._owner.settle()

    def dry_up(self, pool: Pool) -> None:
        """Take all liquidity out of a V3 market: its contract stays, and buys nothing any more."""
        manager = self.contracts.position_manager
        position = 1 + [each for each in self.pools if each.fee].index(pool)
        liquidity = self.ask(manager, "positions(uint256)", POSITION, position)[-1]
        self.act(manager, WITHDRAWAL, (position, liquidity, 0, 0, ENDLESS))

    def block_number(self) -> int:
        """Return the number of the latest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def mine(self, blocks: int = 1, *, at: datetime | None = None) -> None:
        """Mine blocks: the first with what waits, the others empty; `at` is the first one's time, if it is later."""
        if at is not None:
            latest = self.rpc("eth_getBlockByNumber", "latest", False)
            self.rpc("evm_setNextBlockTimestamp", max(int(at.timestamp()), int(latest["timestamp"], 16)))
        self.rpc("anvil_mine", hex(blocks))

    def pass_over(self, blocks: int = 1, *, at: datetime | None = None) -> None:
        """Mine blocks without what waits, which goes on waiting: as when others pay more."""
        content = self.rpc("txpool_content")
        waiting = [
            (int(form["nonce"], 16), str(form["hash"]))
            for part in ("pending", "queued")
            for forms in content[part].values()
            for form in forms.values()
        ]
        raw = [self.rpc("eth_getRawTransactionByHash", tx_hash) for _, tx_hash in sorted(waiting)]
        self.rpc("anvil_dropAllTransactions")
        self.mine(blocks, at=at)
        self._pool(raw)

    def automine(self, on: bool) -> None:
        """Mine each transaction at once, or leave all to wait for `mine`."""
        self.rpc("evm_setAutomine", on)

    def reorg(self, depth: int, transactions: Sequence[tuple[str, int]] = (), *, repooled: bool = False) -> None:
        """Replace the last `depth` blocks by others, with these signed transactions (0x text) in them.

        The number beside each says which: 0 is the first block that is replaced. What was there and isn't among them is
        gone, which is this node's way, or when `repooled` waits again, as with geth.
        """
        gone = self._last(depth) if repooled else []
        self.rpc("anvil_reorg", depth, [[raw, block] for raw, block in transactions])
        self._pool([raw for raw in gone if raw not in {given for given, _ in transactions}])
        self._owner.forget()

    def snapshot(self) -> str:
        """Remember how everything stands; the name is good for one `revert`."""
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Put everything back as it stood, with nothing waiting and each transaction mined at once."""
        self._let_finish()
        self.rpc("anvil_dropAllTransactions")
        if not self.rpc("evm_revert", snapshot):
            raise ValueError(f"snapshot {snapshot}: must be one that was not reverted to before")
        self.rpc("evm_setAutomine", True)
        self._owner.forget()

    @contextmanager
    def undone(self) -> Iterator[Self]:
        """Undo at the end whatever happens in the block, so that many tests share one node."""
        snapshot, height = self.snapshot(), self.block_number()
        try:
            yield self
        finally:
            self._undone += self.block_number() - height
            self.revert(snapshot)

    def renew(self) -> None:
        """Take another node when much was undone on this one: all is as it was after the start, at another port."""
        if self._undone > FRESH:
            self.stop()
            self.start()

    def _let_finish(self) -> None:
        """Wait for a block that is being mined, which would otherwise be added to the past; not for what is stuck."""
        until = time.monotonic() + MINED_WITHIN
        while self.rpc("anvil_getAutomine") and time.monotonic() < until:
            if int(self.rpc("txpool_status")["pending"], 16) == 0:
                return

    def _last(self, depth: int) -> list[str]:
        """Return the signed transactions of the last blocks, in their order."""
        head = self.block_number()
        blocks = [self.rpc("eth_getBlockByNumber", hex(head - back), False) for back in reversed(range(depth))]
        hashes = [tx_hash for block in blocks for tx_hash in block["transactions"]]
        return [str(self.rpc("eth_getRawTransactionByHash", tx_hash)) for tx_hash in hashes]

    def _pool(self, transactions: Iterable[str]) -> None:
        """Have transactions wait; what the chain has no place for any more is dropped, as pools do."""
        for raw in transactions:
            with suppress(NodeRefused):
                self.rpc("eth_sendRawTransaction", raw)

    @cached_property
    def _owner(self) -> Builder:
        return Builder(self.rpc, self._manifest.owner)

    def _deploy(self) -> None:
        owner = self.rpc("eth_accounts")[0]
        self.automine(False)
        self._manifest = deploy(Builder(self.rpc, owner), self._dust, traded=self._traded)
        fund(self.rpc, self.wallets, PURSE)
        self.automine(True)
