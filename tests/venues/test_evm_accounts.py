"""What importing the chain's libraries must leave as it was."""

from __future__ import annotations

import subprocess
import sys


def test_import__of_eth_account__leaves_the_limit_of_recursion() -> None:
    """In an interpreter of its own: here others have imported it already."""
    code = "import sys; was = sys.getrecursionlimit(); import venues.evm.accounts; print(sys.getrecursionlimit() - was)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "0\n"
