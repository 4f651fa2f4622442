"""A twin: one exchange, its TLS port and its admin port, started in this process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from domain.errors import ConfigurationError
from simulators.exchange.admin import AdminPort, Json
from simulators.exchange.certificates import Certificates
from simulators.exchange.faults import FaultFile, FaultForm
from simulators.exchange.gate import Gate
from simulators.exchange.ledger import USER
from simulators.exchange.mischief import Mischief
from simulators.exchange.scenario import ExchangeScenario
from simulators.exchange.snapshot import Snapshot, State
from simulators.exchange.venue import SimulatedExchange
from simulators.forms import Strict, read_form
from simulators.wire import LOOPBACK, Server

Scenario = TypeVar("Scenario", bound=ExchangeScenario)
Exchange = TypeVar("Exchange", bound=SimulatedExchange[Any, Any, Any])


@dataclass(frozen=True, slots=True)
class Kind(Generic[Scenario, State, Exchange]):
    """What an exchange is made of: its forms and parts. `scenarios` are those that come with it, by name."""

    name: str
    scenario: type[Scenario]
    scenarios: Mapping[str, Callable[[], Scenario]]
    fault_file: type[FaultFile]
    state: type[State]
    opened: Callable[[Scenario, int], State]
    exchange: Callable[[Scenario, State, Callable[[State], None]], Exchange]
    gate: Callable[[Exchange, Mischief], Gate[Exchange, Any, Any, Any]]
    admin: Callable[[Exchange, Gate[Exchange, Any, Any, Any], Mischief, type[FaultFile]], AdminPort[Exchange]]


class Twin(Generic[Scenario, Exchange]):
    """Serves an exchange until the block that it opens ends. A port of 0 means any free one.

    With a `snapshot` file a later twin carries on where this one stopped.
    """

    kind: ClassVar[Kind[Any, Any, Any]]

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
        kept = Snapshot(snapshot, self.kind.state)
        state = kept.found() or self.kind.opened(scenario, seed)
        if state.seed != seed:
            raise ConfigurationError(f"seed: {seed}: must be {state.seed}, the seed that {snapshot} was made with")
        self._mischief = Mischief(faults)
        self.exchange: Exchange = self.kind.exchange(scenario, state, kept.keep)
        self.gate: Gate[Exchange, Any, Any, Any] = self.kind.gate(self.exchange, self._mischief)
        self.admin: AdminPort[Exchange] = self.kind.admin(
            self.exchange, self.gate, self._mischief, self.kind.fault_file
        )
        self.certificates = certificates or shared_certificates()
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
        """Return host and port."""
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
    def key_directory(self) -> Path:
        """Make a directory for keys that are issued while it runs; it goes when the process ends."""
        return Path(tempfile.mkdtemp(dir=shared_directory()))

    def written_key(self, label: str, form: Strict) -> Path:
        """Issue a key and write its file."""
        with self.exchange.transaction():
            path = self.key_directory / f"{label}.json"
            write_key(path, self.exchange.issue(label, form))
        return path

    def inject(self, **fault: object) -> None:
        """Load a fault from now on: `twin.inject(kind="timeout", endpoint="any", when="after")`."""
        self._mischief.add(read_form({"faults": [fault]}, self.kind.fault_file, "inject").faults)

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


def write_key(path: Path, content: str) -> None:
    """Write a key file, for its owner's eyes only; whoever reads it meanwhile finds it whole."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as written:
        written.write(content)
    Path(written.name).replace(path)


@cache
def shared_directory() -> Path:
    """Make the directory that this process's twins share for certificates and keys; it goes when the process ends."""
    directory = Path(tempfile.mkdtemp(prefix="twins-"))
    atexit.register(shutil.rmtree, directory)
    return directory


@cache
def shared_certificates() -> Certificates:
    """Make the certificates that this process's twins share."""
    return Certificates.at(shared_directory() / "ca.pem")
