"""The twin: one venue, its TLS port and its admin port, started in this process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from domain.errors import ConfigurationError
from simulators.coinbase.admin import Admin
from simulators.coinbase.exchange import Exchange, opened
from simulators.coinbase.faults import Faults
from simulators.coinbase.gate import Gate
from simulators.coinbase.keys import key_file
from simulators.coinbase.replies import Json
from simulators.coinbase.scenario import Algorithm, Scenario, Scope
from simulators.coinbase.state import Key, VenueState
from simulators.exchange.certificates import Certificates
from simulators.exchange.faults import FaultForm
from simulators.exchange.ledger import USER
from simulators.exchange.mischief import Mischief
from simulators.exchange.snapshot import Snapshot
from simulators.forms import read_form
from simulators.wire import LOOPBACK, Server

TRADER: tuple[Scope, ...] = ("view", "trade")


class CoinbaseTwin:
    """A venue in this process: `with CoinbaseTwin(scenario) as twin` serves until the block ends.

    Point the SDK at it with `base_url=twin.base_url`, `session.verify=str(twin.ca_file)`, `session.trust_env=False`.
    A port of 0 means any free one. With a `snapshot` file a later twin carries on where this one stopped.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        faults: Iterable[FaultForm] = (),
        seed: int = 0,
        port: int = 0,
        admin_port: int = 0,
        certificates: Certificates | None = None,
        snapshot: Path | None = None,
        verbose: bool = False,
    ) -> None:
        self.certificates = certificates or shared_certificates()
        kept = Snapshot(snapshot, VenueState)
        state = kept.found() or opened(scenario, seed)
        if state.seed != seed:
            raise ConfigurationError(f"seed: {seed}: must be {state.seed}, the seed that {snapshot} was made with")
        self.exchange = Exchange(scenario, state, kept.keep)
        self._mischief = Mischief(faults)
        self.gate = Gate(self.exchange, self._mischief)
        self.admin = Admin(self.exchange, self.gate, self._mischief)
        self._admin_server = Server(admin_port, self.admin.answer, verbose=verbose)
        try:
            self._server = Server(port, self.gate.answer, self.certificates.context(), verbose)
        except ConfigurationError:
            self._admin_server.server_close()
            raise

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
        self._admin_server.start()

    def stop(self) -> None:
        """Close every connection and stop serving."""
        self._server.stop()
        self._admin_server.stop()

    @property
    def port(self) -> int:
        """Return the TLS port."""
        return self._server.port

    @property
    def base_url(self) -> str:
        """Return what the SDK calls its base_url: host and port."""
        return f"localhost:{self.port}"

    @property
    def admin_url(self) -> str:
        """Return where the admin port is."""
        return f"http://{LOOPBACK}:{self._admin_server.port}"

    @property
    def ca_file(self) -> Path:
        """Return the authority that clients must trust."""
        return self.certificates.ca_file

    @cached_property
    def _key_directory(self) -> Path:
        return Path(tempfile.mkdtemp(dir=shared_directory()))

    def key_file(self, scopes: Iterable[Scope] = TRADER, algorithm: Algorithm = "ed25519") -> Path:
        """Issue a key with these scopes and write it as the portal's JSON."""
        granted = frozenset(scopes)
        label = "-".join((*sorted(granted), algorithm))
        with self.exchange.transaction():
            key = self.exchange.issue_key(label, granted, algorithm)
            path = self._key_directory / f"{label}.json"
            write_key(path, self.exchange.state.seed, key)
        return path

    def inject(self, **fault: object) -> None:
        """Load a fault from now on: `twin.inject(kind="timeout", endpoint="create_order", when="after")`."""
        self._mischief.add(read_form({"faults": [fault]}, Faults, "inject").faults)

    def calm(self) -> None:
        """Drop every fault."""
        self._mischief.clear()

    def ledger(self) -> Json:
        """Return what the admin port says of the ledger."""
        with self.exchange.transaction():
            return self.admin.ledger()

    def balance(self, asset: str) -> Decimal:
        """Say what the user has free of an asset."""
        with self.exchange.transaction():
            return self.exchange.ledger.balance(USER, asset)


def write_key(path: Path, seed: int, key: Key) -> None:
    """Write a key as the portal's JSON, for its owner's eyes only; whoever reads it meanwhile finds it whole."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as written:
        written.write(key_file(seed, key))
    Path(written.name).replace(path)


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
