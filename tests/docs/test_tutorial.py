"""The tutorial is typed as it stands, on a simulated exchange of its own, and must say what the page says."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dustman.redis_server import free_port
from tests.dustman.conftest import COMMAND

PAGE = Path(__file__).parents[2] / "docs/tutorial.md"
PORT = "8443"
# What the reader types where a command asks; others do not read it.
TYPED = "practice\n"
BLOCK = re.compile(r"```(bash|text)\n(.*?)```", re.DOTALL)


@contextmanager
def typed(script: str, home: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Type a block of the page into a shell; whoever leaves ends it."""
    environment = {"PATH": f"{COMMAND.parent}:{os.environ['PATH']}", "HOME": str(home), "COLUMNS": "200"}
    with subprocess.Popen(
        ["bash", "-ec", script.replace("\ndustman simulate", "\nexec dustman simulate")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=environment,
    ) as shell:
        try:
            yield shell
        finally:
            shell.terminate()


def plain(text: str) -> str:
    """Leave the columns of a table out, which are as wide as what stands in them."""
    return re.sub(r"\s+", " ", text)


def test_tutorial__typed_as_it_stands__says_what_the_page_says(tmp_path: Path) -> None:
    (_, twin), *blocks = BLOCK.findall(PAGE.read_text().replace(PORT, str(free_port())))
    folder, said = tmp_path / "first-sweep", ""
    with typed(twin, tmp_path, tmp_path) as exchange:
        assert exchange.stdout
        assert '"ready": "coinbase"' in exchange.stdout.readline()
        for kind, text in blocks:
            if kind == "bash":
                with typed(text, tmp_path, folder) as shell:
                    said, _ = shell.communicate(TYPED, timeout=60)
                assert shell.returncode == 0, f"{text}{said}"
            else:
                missing = [line for line in text.splitlines() if plain(line).strip() not in plain(said)]
                assert missing == [], said
    assert {kind for kind, _ in blocks} == {"bash", "text"}
    assert (folder / "var/dustman.db").exists()
