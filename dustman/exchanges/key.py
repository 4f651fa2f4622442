"""An API key of an exchange, in all its parts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Key:
    """The name of an API key, its private half, and a passphrase where the exchange has one; only the name is shown."""

    name: str
    secret: str = field(repr=False)
    passphrase: str = field(default="", repr=False)
