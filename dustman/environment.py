"""The process environment and, beneath it, the .env file beside the settings: read here, handed to no child process."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

from domain.errors import ConfigurationError

PREFIX = "DUSTMAN_"


def environment_of(dotenv: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that concern us; what is exported wins over what the file says."""
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    return {**_file(dotenv), **ours}


def _file(dotenv: Path) -> dict[str, str]:
    try:
        text = dotenv.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{dotenv}: cannot be read, {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{dotenv}: is not UTF-8 text") from None
    variables = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key and binding.value is None):
            raise ConfigurationError(f'{dotenv}, line {binding.original.line}: is not NAME=value or NAME="value"')
        if binding.key and binding.value is not None and binding.key.startswith(PREFIX):
            variables[binding.key] = binding.value
    return variables
