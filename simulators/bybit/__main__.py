"""`python -m simulators.bybit`: the twin as a process of its own."""

from __future__ import annotations

import sys

from simulators.bybit.twin import BybitTwin
from simulators.exchange.serving import main

if __name__ == "__main__":
    sys.exit(main(BybitTwin))
