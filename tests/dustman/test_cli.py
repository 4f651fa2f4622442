"""The command line as a whole: its options, its numbers, its start."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from pkgutil import iter_modules

import pytest

from dustman import commands
from dustman.cli import word_of
from dustman.exits import Exit
from tests.dustman.conftest import COMMAND, Typed, spawned

HEAVY = (
    "celery",
    "kombu",
    "redis",
    "coinbase",
    "requests",
    "pydantic",
    "cryptography",
    "sqlite3",
    "msgspec",
    "rich.table",
)


def test_help__the_real_command__names_every_command_and_ends_well(tmp_path: Path) -> None:
    ended = spawned("--help", cwd=tmp_path, COLUMNS="200")
    assert (ended.exit, ended.err) == (Exit.DONE, "")
    for module in iter_modules(commands.__path__):
        assert f"│ {word_of(module.name)} " in ended.out


def test_help__of_every_command__starts_without_settings(dustman: Typed) -> None:
    for module in iter_modules(commands.__path__):
        ended = dustman(word_of(module.name), "--help")
        assert (ended.exit, ended.err) == (Exit.DONE, ""), module.name


def test_start__before_a_command_runs__loads_nothing_heavy(tmp_path: Path) -> None:
    script = "import sys; from dustman.cli import assembled; assembled(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert [name for name in HEAVY if name in loaded.stdout.split()] == []


def test_version__asked__is_the_project_s(dustman: Typed) -> None:
    ended = dustman("--version")
    assert (ended.exit, ended.out, ended.err) == (Exit.DONE, f"dustman {version('dustman')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ini"], "No such command 'ini'. Did you mean 'init'?"),
        (["init", "--frce"], "No such option: --frce"),
        (["--config"], "requires an argument"),
        (["init", "extra"], "unexpected extra argument"),
    ],
)
def test_usage__a_wrong_command_line__is_explained_on_stderr(dustman: Typed, arguments: list[str], words: str) -> None:
    ended = dustman(*arguments)
    assert (ended.exit, ended.out) == (Exit.USAGE, "")
    assert words in ended.err


def test_usage__nothing_typed__is_the_help(dustman: Typed) -> None:
    ended = dustman()
    assert ended.exit == Exit.USAGE
    assert "Find dust on exchanges" in ended.out + ended.err


def test_config__option_or_environment__names_the_file(
    dustman: Typed, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dustman("--config", "a.yaml", "init", "--no-input").exit == Exit.DONE
    monkeypatch.setenv("DUSTMAN_CONFIG", "b.yaml")
    assert dustman("init", "--no-input").exit == Exit.DONE
    assert {path.name for path in home.iterdir()} == {"a.yaml", "b.yaml"}


def test_debug__an_unexpected_error__shows_its_trace(dustman: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dustman.draft", None)
    ended = dustman("--debug", "init", "--no-input")
    assert (ended.exit, ended.out) == (Exit.BUG, "")
    assert ended.err.startswith("dustman: unexpected error\nTraceback")
    assert "ModuleNotFoundError" in ended.err


def test_output__its_reader_has_left__ends_quietly_with_its_number(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [COMMAND, "init", "--no-input", "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (Exit.READER_LEFT, b"")
    assert (tmp_path / "dustman.yaml").exists()


def test_module__started_by_python__is_the_same_command(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "dustman", "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    assert ended.stdout == f"dustman {version('dustman')}\n"
