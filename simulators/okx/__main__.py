"""`python -m simulators.okx`: the twin as a process of its own."""

from __future__ import annotations

import sys

from simulators.exchange.serving import main
from simulators.okx.twin import OKXTwin

if __name__ == "__main__":
    sys.exit(main(OKXTwin))
