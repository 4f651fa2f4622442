"""Serving the local chain as a process of its own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from simulators.chain.chain import CHAIN_ID, DUST, LocalChain
from simulators.chain.faults import Faults
from simulators.chain.proxy import ChainProxy
from simulators.chain.showcase import scatter, write_settings
from simulators.foreground import announce, end_signals
from simulators.forms import read_file


def serve(
    port: int = 0,
    chain_id: int = CHAIN_ID,
    dust: int = DUST,
    faults: Path | None = None,
    settings: Path | None = None,
    verbose: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; raises `ConfigurationError` before anything is announced.

    With `settings` the first wallet gets dust, and a settings file that watches it is written there. The line on stdout
    says where the proxy and the node are, and what is on the chain; its keys are worth nothing.
    """
    loaded = read_file(faults, Faults).faults if faults else ()
    ended = end_signals()
    with LocalChain(chain_id=chain_id, dust=dust) as chain, ChainProxy(chain.url, port=port, verbose=verbose) as proxy:
        if settings is not None:
            write_settings(chain, proxy.url, settings)
            scatter(chain)
        proxy.load(loaded)
        announce(
            {
                "ready": "chain",
                "url": proxy.url,
                "node_url": chain.url,
                "chain_id": chain.chain_id,
                "contracts": asdict(chain.contracts),
                "tokens": {name: asdict(token) for name, token in chain.tokens.items()},
                "hostile": {name: asdict(token) for name, token in chain.hostile.items()},
                "feeds": chain.feeds,
                "wallets": [wallet._asdict() for wallet in chain.wallets],
            }
        )
        ended.wait()
