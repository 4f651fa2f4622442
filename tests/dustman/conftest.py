"""The command line as tests type it: in this process, or as the real command in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dustman.cli import run

COMMAND = Path(sys.executable).with_name("dustman")


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    exit: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON object on stdout."""
        assert self.out, self.err
        return json.loads(self.out)


Typed = Callable[..., Outcome]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in, without any variable of ours, nor the width of anybody's terminal."""
    for name in [name for name in os.environ if name.startswith("DUSTMAN_") or name == "COLUMNS"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dustman(home: Path, capfd: pytest.CaptureFixture[str]) -> Typed:
    """Type a command line, in this process."""

    def typed(*arguments: str) -> Outcome:
        capfd.readouterr()
        number = run(arguments)
        said = capfd.readouterr()
        return Outcome(number, said.out, said.err)

    return typed


def spawned(*arguments: str, stdin: str = "", cwd: Path, **environment: str) -> Outcome:
    """Run the real command in a process of its own."""
    ended = subprocess.run(
        [COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environment},
        timeout=60,
        check=False,
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)
