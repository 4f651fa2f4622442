"""The twin: one venue, its TLS door and its admin door, started in this process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from simulators.coinbase.certificates import Certificates
from simulators.coinbase.exchange import Exchange, opened
from simulators.coinbase.gate import Gate
from simulators.coinbase.keys import key_file
from simulators.coinbase.ledger import USER
from simulators.coinbase.scenario import Algorithm, Scenario, Scope
from simulators.coinbase.wire import Server

TRADER: tuple[Scope, ...] = ("view", "trade")


@cache
def shared_directory() -> Path:
    """Make the directory that this process's twins share for certificates and keys; it goes when the process ends."""
    directory = Path(tempfile.mkdtemp(prefix="coinbase-twin-"))
    atexit.register(shutil.rmtree, directory)
    return directory


@cache
def shared_certificates() -> Certificates:
    """Make the certificates that this process's twins share."""
    return Certificates.at(shared_directory() / "ca.pem")


class CoinbaseTwin:
    """A venue in this process: `with CoinbaseTwin(scenario) as twin` serves until the block ends.

    Point the SDK at it with `base_url=twin.base_url`, `session.verify=str(twin.ca_file)`, `session.trust_env=False`.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int = 0,
        port: int = 0,
        certificates: Certificates | None = None,
        verbose: bool = False,
    ) -> None:
        self.certificates = certificates or shared_certificates()
        self.exchange = Exchange(scenario, opened(scenario, seed))
        self.gate = Gate(self.exchange)
        self._server = Server(port, self.gate.answer, self.certificates.context(), verbose)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, in threads."""
        self._server.start()

    def stop(self) -> None:
        """Close every connection and stop serving."""
        self._server.stop()

    @property
    def port(self) -> int:
        """Return the TLS port."""
        return self._server.port

    @property
    def base_url(self) -> str:
        """Return what the SDK calls its base_url: host and port."""
        return f"localhost:{self.port}"

    @property
    def ca_file(self) -> Path:
        """Return the authority that clients must trust."""
        return self.certificates.ca_file

    def key_file(self, scopes: Iterable[Scope] = TRADER, algorithm: Algorithm = "ed25519") -> Path:
        """Issue a key with these scopes and write it as the portal's JSON."""
        granted = frozenset(scopes)
        label = "-".join((*sorted(granted), algorithm))
        with self.exchange.lock:
            key = self.exchange.issue_key(label, frozenset(granted), algorithm)
        seed = self.exchange.state.seed
        path = shared_directory() / f"{seed}-{label}.json"
        path.write_text(key_file(seed, key))
        return path

    def balance(self, asset: str) -> Decimal:
        """Say what the user has free of an asset."""
        with self.exchange.lock:
            return self.exchange.ledger.balance(USER, asset)
