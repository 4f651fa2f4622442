"""Serving the twin as a process of its own: files in, one line of JSON out when ready, a clean end on SIGTERM."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from domain.errors import ConfigurationError
from simulators.binance.faults import Faults
from simulators.binance.keys import key_file
from simulators.binance.scenario import Scenario
from simulators.binance.scenarios import SCENARIOS
from simulators.binance.twin import BinanceTwin
from simulators.exchange.certificates import Certificates
from simulators.exchange.twin import write_key
from simulators.foreground import announce, end_signals
from simulators.forms import read_file


def serve(
    port: int = 0,
    state: str = "demo",
    faults: Path | None = None,
    seed: int = 0,
    admin_port: int = 0,
    ca_file: Path | None = None,
    snapshot: Path | None = None,
    key_directory: Path | None = None,
    verbose: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; raises `ConfigurationError` before anything listens.

    `state` is a scenario file or the name of one that comes with the twin. The keys of the scenario are written into
    `key_directory`, by default the directory of `ca_file`. The line on stdout says where everything is.
    """
    scenario = scenario_of(state)
    loaded = read_file(faults, Faults).faults if faults else ()
    with ExitStack() as stack:
        if ca_file is None:
            ca_file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="binance-twin-"))) / "ca.pem"
        twin = BinanceTwin(
            scenario,
            faults=loaded,
            seed=seed,
            port=port,
            admin_port=admin_port,
            certificates=Certificates.at(ca_file),
            snapshot=snapshot,
            verbose=verbose,
        )
        keys = _written_keys(twin, key_directory or ca_file.parent)
        ended = end_signals()
        stack.enter_context(twin)
        _announce(twin, keys)
        ended.wait()


def scenario_of(state: str) -> Scenario:
    """Read a scenario file, or take the one of that name which comes with the twin."""
    if state in SCENARIOS:
        return SCENARIOS[state]()
    if not Path(state).exists():
        raise ConfigurationError(f"state: {state!r}: must be a file, or one of {', '.join(SCENARIOS)}")
    return read_file(Path(state), Scenario)


def _written_keys(twin: BinanceTwin, directory: Path) -> dict[str, str]:
    directory.mkdir(parents=True, exist_ok=True)
    written = {}
    for label, form in twin.exchange.scenario.keys.items():
        key = twin.exchange.issue_key(label, frozenset(form.permissions), form.algorithm)
        path = directory / f"{label}.json"
        write_key(path, key_file(twin.exchange.state.seed, key))
        written[label] = str(path)
    return written


def _announce(twin: BinanceTwin, keys: dict[str, str]) -> None:
    ready = {
        "ready": "binance",
        "base_url": twin.base_url,
        "port": twin.port,
        "admin_url": twin.admin_url,
        "ca_file": str(twin.ca_file),
        "keys": keys,
    }
    announce(ready)
