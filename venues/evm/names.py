"""What strangers say, made harmless where it comes in: anybody can name a contract anything and have it fail with any
words, which a node then repeats."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import Final

LONGEST: Final = 32
# No quotes, no markup, no backslash, nothing that looks like another letter than it is.
_PLAIN: Final = frozenset(ascii_letters + digits + " .,-_+$#@/()*!:")


def harmless(said: str, longest: int = LONGEST) -> str:
    """Write a stranger's name or words so that no terminal, page or reader is deceived by them.

    Everything but ASCII letters, digits and a few signs becomes an escape, so a Cyrillic letter in a known symbol shows
    as `\\u0421`; what is longer than `longest` letters ends in `...`.
    """
    shown = ""
    for letter in said:
        piece = letter if letter in _PLAIN else _escape(letter)
        if len(shown) + len(piece) > longest:
            return shown + "..."
        shown += piece
    return shown


def _escape(letter: str) -> str:
    point = ord(letter)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
