"""A wallet on its chain: nodes that serve it, contracts where the settings and our list have them, and its key."""

from __future__ import annotations

from collections.abc import Iterator

from domain.errors import ConfigurationError, VenueUnavailable
from dustman.checks.finding import Finding, fail, ok, skip, warn
from dustman.checks.flight import check_flight
from dustman.checks.funding import check_funding
from dustman.checks.schedule import check_schedule
from dustman.checks.selling import check_key, check_selling
from dustman.settings import Settings
from dustman.wallet_settings import Selling
from dustman.wiring import open_wallet
from venues.evm.feeds import feed_asks, feeds_of
from venues.evm.keyed import KeyedWallet
from venues.evm.lens import Ask, Way
from venues.evm.rpc import Call, good, octets
from venues.evm.wallet import Wallet
from venues.evm.words import WORD, number, selector

NODE = "look at the URL and at the node, or name another one under endpoints"
CONTRACTS = "mend contracts in the settings; for a chain known by its name, tell us what the node says"


def check_wallet(settings: Settings, name: str) -> Iterator[Finding]:
    """Look at everything about a wallet that can be looked at; nothing is signed."""
    account = settings.wallet(name)
    yield check_schedule(settings, name)
    if funding := check_funding(name, account):
        yield funding
    if account.selling:
        key = check_key(settings, name)
        yield key
        if key.fix:
            yield skip(f"{name}: nodes", "they are asked when the key is")
            return
    try:
        wallet = open_wallet(settings, name)
    except ConfigurationError as error:
        yield fail(f"{name}: endpoints", str(error), "set the variable, or write the URL under endpoints")
        return
    nodes = list(_nodes(name, wallet))
    yield from nodes
    if any(finding.fix for finding in nodes):
        yield skip(f"{name}: contracts", "not every node answers for the right chain")
        return
    yield from _asked(settings, name, wallet, account.selling)


def _nodes(name: str, wallet: Wallet) -> Iterator[Finding]:
    for endpoint, served in wallet.rpc.served().items():
        check = f"{name}: node {endpoint}"
        if served == wallet.chain.chain_id:
            yield ok(check, f"serves {wallet.chain.name} (chain {served})")
        elif isinstance(served, int):
            yield fail(check, f"serves chain {served}, not chain {wallet.chain.chain_id}", NODE)
        else:
            yield fail(check, f"does not say which chain it serves: {served}", NODE)


def _asked(settings: Settings, name: str, wallet: Wallet, selling: Selling | None) -> Iterator[Finding]:
    """Ask the chain; the first question that gets no answer ends the asking."""
    check = f"{name}: contracts"
    try:
        head = wallet.head()
        yield from _code(check, wallet, head.number)
        yield from _decimals(f"{name}: tokens", wallet, head.number)
        if selling:
            check = f"{name}: selling"
            yield from check_selling(name, wallet, selling, head.number)
        if isinstance(wallet, KeyedWallet):
            check = f"{name}: in flight"
            yield from check_flight(settings, name, wallet)
        check = f"{name}: feeds"
        feeds = feeds_of(wallet.chain, wallet.lens.read(feed_asks(wallet.chain), head.number), head.at)
        doubts = [doubt for symbol in _symbols(wallet) if feeds.usd(symbol) is None and (doubt := feeds.doubt(symbol))]
        yield (
            warn(check, doubts[0], "what it prices stays until the feed answers") if doubts else ok(check, "are fresh")
        )
        check = f"{name}: balances"
        yield ok(check, f"{len(wallet.holdings())} assets can be read")
        yield _way(f"{name}: reading", wallet)
        check = f"{name}: target"
        worth = wallet.worth([wallet.target])[wallet.target]
        yield ok(check, f"one is worth {worth:.2f} USD by its feed")
    except (ConfigurationError, VenueUnavailable) as error:
        yield fail(check, str(error), "try again later; the node or the network is not well")


def _code(check: str, wallet: Wallet, block: int) -> Iterator[Finding]:
    """Look whether there is a contract at every address that is relied on."""
    chain = wallet.chain
    named = {
        **{f"token {symbol}": token.address for symbol, token in chain.tokens.items()},
        **{f"feed {pair}": feed.address for pair, feed in chain.feeds.items()},
        "V3 factory": chain.uniswap.v3_factory,
        "QuoterV2": chain.uniswap.quoter,
        "SwapRouter02": chain.uniswap.router,
        "V2 factory": chain.uniswap.v2_factory,
        "V2 router": chain.uniswap.v2_router,
        "Multicall3": chain.multicall3,
        "sequencer feed": chain.sequencer,
        **(
            {
                "KING": chain.rewards.king,
                "KING's drop": chain.rewards.drop,
                "RewardsCoordinator": chain.rewards.coordinator,
            }
            if chain.rewards
            else {}
        ),
    }
    known = [(what, address) for what, address in named.items() if address]
    answers = wallet.rpc.ask([Call("eth_getCode", (address, hex(block))) for _, address in known])
    missing = [what for (what, _), answer in zip(known, answers, strict=True) if not octets(good(answer))]
    if missing:
        yield fail(check, f"nothing stands at the address of {', '.join(missing)}", CONTRACTS)
    else:
        yield ok(check, f"all {len(known)} are there")


def _decimals(check: str, wallet: Wallet, block: int) -> Iterator[Finding]:
    tokens = list(wallet.chain.tokens.values())
    answers = wallet.lens.read([Ask(token.address, selector("decimals()")) for token in tokens], block)
    found = [number(answer) if answer and len(answer) == WORD else None for answer in answers]
    wrong = [
        f"{token.symbol} counts in {decimals} decimals, not in {token.decimals}"
        for token, decimals in zip(tokens, found, strict=True)
        if decimals != token.decimals
    ]
    yield fail(check, "; ".join(wrong), CONTRACTS) if wrong else ok(check, f"all {len(tokens)} count as they should")


def _symbols(wallet: Wallet) -> list[str]:
    return sorted({pair.partition("/")[0] for pair in wallet.chain.feeds})


def _way(check: str, wallet: Wallet) -> Finding:
    match wallet.lens.way:
        case Way.OVERRIDE:
            return ok(check, "the node takes code overrides, so no token can spoil a scan")
        case Way.MULTICALL:
            sentence = "the node takes no code overrides; Multicall3 reads, in more requests"
        case Way.SINGLE:
            sentence = "the node takes no code overrides and has no Multicall3; each token is read by itself"
    return warn(check, sentence, "a node of another provider makes scans faster")
