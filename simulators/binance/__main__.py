"""`python -m simulators.binance`: the twin as a process of its own."""

from __future__ import annotations

import sys

from simulators.binance.twin import BinanceTwin
from simulators.exchange.serving import main

if __name__ == "__main__":
    sys.exit(main(BinanceTwin))
