"""`python -m simulators.coinbase`: the twin as a process of its own."""

from __future__ import annotations

import sys

from simulators.coinbase.twin import CoinbaseTwin
from simulators.exchange.serving import main

if __name__ == "__main__":
    sys.exit(main(CoinbaseTwin))
