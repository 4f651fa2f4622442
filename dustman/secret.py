"""What may never be shown, and how the rest is shown.

Every secret is concealed as it is read; whatever leaves the program through an error or a trace is redacted first.
"""

from __future__ import annotations

import logging
import re

HIDDEN = "***"
LONGEST_SHOWN = 60
_concealed: set[str] = set()
# A URL's user and password, a PEM block, and a JWT: known by their shape, wherever they come from.
_SHAPES = (
    (re.compile(r"(?<=://)\S*@"), f"{HIDDEN}@"),
    (re.compile(r"(?<=password=)[^&\s\"']+"), HIDDEN),
    (re.compile(r"-----BEGIN[^-]*-----.*?(-----END[^-]*-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
)


def conceal(secret: str) -> None:
    """Take a secret out of every later error and trace, in each of the forms it is passed around in."""
    for form in (secret, secret.replace("\n", "\\n"), *secret.splitlines()):
        # Shorter pieces are words such as `-----` that say nothing and would blot out everything else.
        if len(form.strip()) >= 8:
            _concealed.add(form.strip())


def redacted(text: str) -> str:
    """Return `text` without any concealed secret and without anything that has the shape of one."""
    for secret in sorted(_concealed, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def shown(value: object) -> str:
    """Quote an owner's value for an error; long ones are only measured, since they may be a key in the wrong place."""
    if not isinstance(value, str):
        kind = {dict: "a mapping", list: "a list", type(None): "an empty value"}
        return kind.get(type(value), f"{value!r}")
    if len(value) > LONGEST_SHOWN:
        return f"a text of {len(value)} characters"
    return f'"{redacted(visible(value))}"'


def visible(text: str) -> str:
    """Write control and direction characters as escapes: names come from strangers and are shown on a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


class Redacting(logging.Formatter):
    """A log line, with its trace, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record as ever and redact all of it."""
        return redacted(super().format(record))
