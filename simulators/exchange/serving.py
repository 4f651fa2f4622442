"""Serving a twin as a process of its own: files in, one line of JSON out when ready, a clean end on SIGTERM."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError
from simulators.exchange.certificates import Certificates
from simulators.exchange.twin import Kind, Twin, write_key
from simulators.foreground import announce, end_signals
from simulators.forms import read_file

USAGE_ERROR = 2


def serve(
    twin: type[Twin[Any, Any]],
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
    """Serve a twin of this class until SIGTERM or SIGINT; raises `ConfigurationError` before anything listens.

    `state` is a scenario file or the name of one that comes with the twin. The keys of the scenario are written into
    `key_directory`, by default the directory of `ca_file`. The line on stdout says where everything is.
    """
    scenario = scenario_of(twin.kind, state)
    loaded = read_file(faults, twin.kind.fault_file).faults if faults else ()
    with ExitStack() as stack:
        if ca_file is None:
            prefix = f"{twin.kind.name}-twin-"
            ca_file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix))) / "ca.pem"
        served = twin(
            scenario,
            faults=loaded,
            seed=seed,
            port=port,
            admin_port=admin_port,
            certificates=Certificates.at(ca_file),
            snapshot=snapshot,
            verbose=verbose,
        )
        keys = _written_keys(served, key_directory or ca_file.parent)
        ended = end_signals()
        stack.enter_context(served)
        _announce(served, keys)
        ended.wait()


def scenario_of(kind: Kind[Any, Any, Any], state: str) -> Any:
    """Read a scenario file, or take the one of that name which comes with the twin."""
    if state in kind.scenarios:
        return kind.scenarios[state]()
    if not Path(state).exists():
        raise ConfigurationError(f"state: {state!r}: must be a file, or one of {', '.join(kind.scenarios)}")
    return read_file(Path(state), kind.scenario)


def main(twin: type[Twin[Any, Any]]) -> int:
    """Serve until told to stop, by the options of a command line; 2 for a mistake in an option or a file."""
    parser = argparse.ArgumentParser(prog=f"python -m simulators.{twin.kind.name}", description="A simulated exchange.")
    parser.add_argument("--port", type=int, default=0, help="TLS port on loopback; 0 takes any free one")
    parser.add_argument("--admin-port", type=int, default=0, help="admin port on loopback; 0 takes any free one")
    parser.add_argument("--state", default="demo", metavar="FILE", help="scenario file, or demo, or small")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="fault file")
    parser.add_argument("--seed", type=int, default=0, help="decides every id and key")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="authority to trust; made if it is not there")
    parser.add_argument("--snapshot", type=Path, metavar="FILE", help="where the state survives a restart")
    parser.add_argument("--key-directory", type=Path, metavar="DIR", help="where the scenario's API keys are written")
    parser.add_argument("--verbose", action="store_true", help="write an access log to stderr")
    try:
        serve(twin, **vars(parser.parse_args()))
    except ConfigurationError as mistake:
        sys.stderr.write(f"{mistake}\n")
        return USAGE_ERROR
    return 0


def _written_keys(twin: Twin[Any, Any], directory: Path) -> dict[str, str]:
    directory.mkdir(parents=True, exist_ok=True)
    written = {}
    for label, form in twin.exchange.scenario.keys.items():
        path = directory / f"{label}.json"
        write_key(path, twin.exchange.issue(label, form))
        written[label] = str(path)
    return written


def _announce(twin: Twin[Any, Any], keys: dict[str, str]) -> None:
    ready = {
        "ready": twin.kind.name,
        "base_url": twin.base_url,
        "port": twin.port,
        "admin_url": twin.admin_url,
        "ca_file": str(twin.ca_file),
        "keys": keys,
    }
    announce(ready)
