"""Likeness: whether a name could be taken for another by somebody who reads it.

Anybody can name a token, and some letters of one script look like those of another. A skeleton in the manner of Unicode
TR39 (https://www.unicode.org/reports/tr39/) makes look-alikes equal: compatibility forms are resolved, what is not seen
is removed, accents and case fall away, and letters that look Latin become Latin.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

# Longer names are compared as far as this.
LONGEST: Final = 64
# Letters of other scripts (Cyrillic, Greek, Armenian, and Latin ones of another shape) by the Latin one they look like.
# Capitals are told apart first: in small letters some of them look like others.
_CAPITALS: Final = {
    "A": "\u0410\u0391",
    "B": "\u0412\u0392",
    "C": "\u0421\u03f9",
    "E": "\u0415\u0395",
    "G": "\u050c",
    "H": "\u041d\u0397",
    "I": "\u0406\u0399\u04c0",
    "J": "\u0408",
    "K": "\u041a\u039a",
    "M": "\u041c\u039c",
    "N": "\u039d",
    "O": "\u041e\u039f\u0555",
    "P": "\u0420\u03a1",
    "Q": "\u051a",
    "S": "\u0405\u054f",
    "T": "\u0422\u03a4",
    "U": "\u054d",
    "W": "\u051c",
    "X": "\u0425\u03a7",
    "Y": "\u0423\u04ae\u03a5",
    "Z": "\u0396",
}
_SMALL: Final = {
    "a": "\u0430\u03b1\u0251\u1d00",
    "c": "\u0441\u1d04",
    "d": "\u0501\u0111\u1d05",
    "e": "\u0435\u1d07",
    "f": "\ua730",
    "g": "\u0261\u0581",
    "h": "\u04bb\u0570\u0127",
    "i": "\u0456\u03b9\u0131\u0269",
    "j": "\u0458\u0237",
    "k": "\u03ba\u1d0b",
    "l": "\u04cf\u0142\u029f",
    "m": "\u1d0d",
    "n": "\u03b7\u0578\u0274",
    "o": "\u043e\u03bf\u03c3\u0585\u00f8\u1d0f",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0280",
    "s": "\u0455\ua731",
    "t": "\u03c4\u0167\u1d1b",
    "u": "\u03c5\u057d\u1d1c",
    "v": "\u03bd\u1d20",
    "w": "\u051d\u1d21",
    "x": "\u0445\u03c7",
    "y": "\u0443\u04af\u028f",
    "z": "\u1d22",
}
_LOOKS: Final = {other: latin for table in (_CAPITALS, _SMALL) for latin, others in table.items() for other in others}
# Signs that read as a letter or as each other, once the above was done; `l`, `i`, `1` and `|` are one, `o` and `0` too.
_ALIKE: Final = {"l": "i", "1": "i", "|": "i", "!": "i", "0": "o", "$": "s", "\u20ae": "t", "5": "s"}
# What joins or quotes words, and letters that are not seen.
_JOINTS: Final = frozenset(" .-_'\"")
_UNSEEN: Final = frozenset({"Cf", "Cc", "Mn", "Me", "Zs", "Zl", "Zp", "Cn", "Co"})


def skeleton(name: str) -> str:
    """Return what is left of a name when all that looks alike is the same."""
    spread = unicodedata.normalize("NFKD", name[:LONGEST])
    seen = (letter for letter in spread if unicodedata.category(letter) not in _UNSEEN)
    folded = "".join(_LOOKS.get(letter, letter) for letter in seen).casefold()
    latin = (_LOOKS.get(letter, letter) for letter in folded)
    return "".join(_ALIKE.get(letter, letter) for letter in latin if letter not in _JOINTS)


def resembled(name: str, known: Mapping[str, str]) -> str | None:
    """Return which of the `known`, keyed by their skeletons, a name could be taken for; None for none of them."""
    return known.get(skeleton(name))
