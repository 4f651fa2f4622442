"""What a command shows: for people a drawing on stdout and notes on stderr, for programs JSON and nothing else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import BinaryIO, TextIO

from rich.console import Console, JustifyMethod, OverflowMethod, RenderableType
from rich.style import Style
from rich.text import Text

from dustman.exits import Exit
from dustman.secret import redacted, visible

# A table that goes into a file or a pipe is not cut to the 80 columns of an old terminal.
UNSEEN_WIDTH = 160


class Screen:
    """One command's output. Names come from strangers, so text is never markup and its control characters are shown."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)

    def show(self, value: object, *drawn: RenderableType) -> None:
        """Show a result: `value` as one line of JSON to a program, `drawn` to people."""
        if self.as_json:
            self._write(redacted(json.dumps(_jsonable(value))) + "\n")
        else:
            self._out.print(*drawn, sep="\n")

    def exact(self, text: str) -> None:
        """Write text that other programs read, to the byte."""
        self._write(text)

    def note(self, text: str) -> None:
        """Say something beside the result, on stderr."""
        self._err.print(text)

    @contextmanager
    def raw(self) -> Iterator[BinaryIO]:
        """Give stdout as it is, for a result that is a file's content."""
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            self._out.on_broken_pipe()

    def _write(self, text: str) -> None:
        with self.raw() as out:
            out.write(text.encode())


def _console(file: TextIO) -> Console:
    width = None if file.isatty() or "COLUMNS" in os.environ else UNSEEN_WIDTH
    return _PlainConsole(file=file, width=width, markup=False, emoji=False, highlight=False)


class _PlainConsole(Console):
    """A console to which every text is only text, and that shows no secret."""

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        **_: object,
    ) -> Text:
        return Text(visible(redacted(text)), style=style, justify=justify, overflow=overflow)

    def on_broken_pipe(self) -> None:
        """End as a program ends whose reader left; what is still buffered goes nowhere."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(Exit.READER_LEFT)


def _jsonable(value: object) -> object:
    """Write numbers as exact text and times in UTC, so that no reader rounds or guesses."""
    # Imported here only: what people see needs none of it, and a command starts sooner without.
    from msgspec import Struct

    from events.money import plain

    match value:
        case None | bool() | int() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return value.value
        case Decimal():
            return plain(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Path():
            return str(value)
        case Mapping():
            return {str(key): _jsonable(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_jsonable(each) for each in value]
        case Struct():
            return {name: _jsonable(getattr(value, name)) for name in value.__struct_fields__}
        case _ if is_dataclass(value):
            return {field.name: _jsonable(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")
