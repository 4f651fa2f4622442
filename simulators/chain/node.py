"""The node: one anvil process on loopback that ends when its owner does, however the owner ends."""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from collections import deque

from domain.errors import ConfigurationError
from simulators.chain.installation import anvil
from simulators.chain.rpc import Rpc

LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
READY_WITHIN = 30.0
LINES_KEPT = 20
# Waits for the end of its input, which comes when nobody holds the other end any more, also after a SIGKILL.
GUARD = 'read -r _; kill -KILL "$1"; rm -rf "$2"'
# What real chains enforce and anvil leaves to a flag: no more than 16,777,216 gas a transaction (EIP-7825).
RULES = ("--hardfork", "osaka", "--enable-tx-gas-limit")


class Node:
    """An anvil that listens on a free port of loopback, or on `port`, and mines a block for each transaction."""

    def __init__(self, chain_id: int, port: int = 0) -> None:
        self.chain_id, installed = chain_id, anvil()
        self._directory = tempfile.TemporaryDirectory(prefix="dustman-chain-")
        self._said: deque[str] = deque(maxlen=LINES_KEPT)
        self._listening = threading.Event()
        self.port = 0
        program = [str(installed), *RULES, "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id)]
        program += ["--accounts", "1", "--cache-path", self._directory.name]
        # A session of its own: Ctrl-C in a terminal is for the owner, who then ends the node.
        self._process = subprocess.Popen(
            program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._directory.name,
            text=True,
            start_new_session=True,
        )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(self._process.pid), self._directory.name],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, name="anvil", daemon=True)
        self._listener.start()
        self._wait()
        self.rpc = Rpc(self.url)
        self.rpc("anvil_setLoggingEnabled", False)

    @property
    def url(self) -> str:
        """Return where the node answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        return self._process.pid

    def stop(self) -> None:
        """End the process and take away what it wrote."""
        self.rpc.close()
        self._end()

    def _wait(self) -> None:
        if self._listening.wait(READY_WITHIN) and self.port:
            return
        self._end()
        said = "\n".join(f"  {line}" for line in self._said) or "  (nothing)"
        raise ConfigurationError(f"anvil: did not come up. It said:\n{said}")

    def _listen(self) -> None:
        """Read what the node says, so that it never waits for a reader; its port is among the first lines."""
        assert self._process.stdout
        for line in self._process.stdout:
            self._said.append(line.rstrip())
            if found := LISTENING.search(line):
                self.port = int(found[1])
                self._listening.set()
        self._listening.set()

    def _end(self) -> None:
        # The guard first: it must not kill a number that is somebody else's by then.
        self._guard.kill()
        self._guard.communicate()
        self._process.kill()
        self._process.wait()
        self._listener.join()
        assert self._process.stdout
        self._process.stdout.close()
        self._directory.cleanup()
