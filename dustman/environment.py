"""The process environment and, beneath it, the .env file beside the settings: read here, handed to no child process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from dotenv.parser import parse_stream

from domain.errors import ConfigurationError
from dustman.secret import conceal

PREFIX = "DUSTMAN_"


class Line(NamedTuple):
    """A variable of a .env file, empty for a comment, with the text that stands there."""

    name: str
    value: str
    text: str


def environment_of(dotenv: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that concern us, secrets concealed; what is exported wins over what the file says."""
    filed = {line.name: line.value for line in _lines(dotenv)}
    ours = {name: value for name, value in {**filed, **environment}.items() if name.startswith(PREFIX)}
    for name, value in ours.items():
        if name.endswith("_SECRET"):
            conceal(value)
    return ours


def write_secrets(dotenv: Path, secrets: Mapping[str, str], *, replace: bool) -> None:
    """Put variables into a .env file that its owner alone can read; its other lines stay.

    Raises `ConfigurationError` when one is there already and may not be replaced.
    """
    lines = list(_lines(dotenv))
    there = [line.name for line in lines if line.name in secrets]
    if there and not replace:
        raise ConfigurationError(f"{dotenv}: {there[0]} is there already; --force replaces it")
    kept = "".join(line.text for line in lines if line.name not in secrets)
    if kept and not kept.endswith("\n"):
        kept += "\n"
    _replace(dotenv.resolve(), kept + "".join(f"{name}={_quoted(value)}\n" for name, value in secrets.items()))


def _lines(dotenv: Path) -> Iterator[Line]:
    try:
        text = dotenv.read_text("utf-8")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{dotenv}: cannot be read, {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{dotenv}: is not UTF-8 text") from None
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key and binding.value is None):
            raise ConfigurationError(f'{dotenv}, line {binding.original.line}: is not NAME=value or NAME="value"')
        yield Line(binding.key or "", binding.value or "", binding.original.string)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _replace(path: Path, text: str) -> None:
    """Write beside the file and rename, so that no moment shows half of it or shows it to others."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationError(f"{path}: cannot be written, {error.strerror}") from None
