"""A file that appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from domain.errors import ConfigurationError


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside its place, for its owner's eyes alone, and put it there when the block ended without error.

    A regular file that is there is replaced; anything else that is there is a `ConfigurationError`.
    """
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path}: is not a regular file, so it cannot be replaced")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as beside:
            try:
                yield cast(BinaryIO, beside)
                beside.flush()
                os.fsync(beside.fileno())
                Path(beside.name).replace(path)
            finally:
                Path(beside.name).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written, {error.strerror}") from None
