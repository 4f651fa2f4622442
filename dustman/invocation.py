"""What every command is given: which settings file, how to show things, and how to fail."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dustman.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]


@dataclass
class Invocation:
    """One call of the command line; `config` and `debug` are set once the options before the command are read."""

    config: Path = Path("dustman.yaml")
    debug: bool = False

    @staticmethod
    def of(context: typer.Context) -> Invocation:
        """Return the invocation that a command's context belongs to."""
        invocation = context.obj
        if not isinstance(invocation, Invocation):
            raise TypeError("the command was not started by dustman.cli")
        return invocation

    @cached_property
    def settings(self) -> Settings:
        """Read the settings on first use, so that help and `init` need none; raises `ConfigurationError`."""
        from dustman.settings import load

        return load(self.config, os.environ)
