"""A wallet on the local chain, and the chain as an owner's settings would describe it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from simulators.chain.chain import LocalChain
from venues.evm.assets import checksummed
from venues.evm.discovery import Discovery
from venues.evm.judgement import Allowed
from venues.evm.registry import DAY, Chain, Feed, Token, Uniswap
from venues.evm.rpc import Rpc
from venues.evm.wallet import Wallet

QUICK = (1.0, 1.0)


def described(chain: LocalChain, *, sequencer: bool = False, silence: timedelta | None = None) -> Chain:
    """The local chain with everything on it but the dust and what is hostile."""
    at = chain.contracts
    known = {name: token for name, token in chain.tokens.items() if not name.startswith("DUST")}
    return Chain(
        chain.chain_id,
        "local",
        {name: Token(name, token.address, token.decimals, name == "eETH") for name, token in known.items()},
        Uniswap(at.v3_factory, at.quoter, at.swap_router, at.v2_factory, at.v2_router),
        {pair: Feed(address, DAY) for pair, address in chain.feeds.items()},
        1,
        sequencer=at.sequencer_feed if sequencer else None,
        multicall3=at.multicall3,
        silence=silence,
    )


def wallet_on(
    chain: LocalChain,
    number: int = 0,
    target: str = "ETH",
    *,
    allow: Iterable[str] = (),
    highest_tax: Decimal = Decimal(0),
    where: Chain | None = None,
    url: str = "",
    cache: Path | None = None,
    address: str = "",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Wallet:
    """A wallet of the local chain, watched through its node or through what stands before it at `url`."""
    where = where or described(chain)
    address = checksummed(address or chain.wallets[number].address)
    rpc = Rpc([url or chain.url], chain.chain_id, timeout=QUICK)
    allowed = frozenset(chain.token(name).address for name in allow)
    found = Discovery(rpc, address, cache=cache)
    judgement = Allowed(where, allowed, highest_tax)
    return Wallet(where, address, target, rpc=rpc, discovery=found, judgement=judgement, clock=clock)
