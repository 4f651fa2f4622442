"""`python -m simulators.binance`: the twin as a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from domain.errors import ConfigurationError
from simulators.binance.serving import serve

USAGE_ERROR = 2


def main() -> int:
    """Serve until told to stop; 2 for a mistake in an option or a file."""
    parser = argparse.ArgumentParser(prog="python -m simulators.binance", description="A simulated Binance.")
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
        serve(**vars(parser.parse_args()))
    except ConfigurationError as mistake:
        sys.stderr.write(f"{mistake}\n")
        return USAGE_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
