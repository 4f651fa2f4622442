"""The grammar of canonical bytes: for a type, an expression that matches nothing but what the codec writes of it.

A match proves a form without writing it anew, at a fraction of the cost. No match proves nothing: what is rare (long
numbers) or not regular (the order of a mapping's keys) is left out, and the codec writes and compares.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

# The escapes that RFC 8259 demands, each in its shortest spelling. A decoder refuses what is not UTF-8.
TEXT: Final = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\bfnrt]|u00(?:0[0-7be-f]|1[0-9a-f]))[^"\\\x00-\x1f]*+)*+"'
NUMBER: Final = r'"-?(?:0|[1-9][0-9]{0,49})(?:\.[0-9]{1,49})?"'
COUNT: Final = r"(?:0|-?[1-9][0-9]{0,17})"
MOMENT: Final = r'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"'
_SCALARS: Final[Mapping[Any, str]] = {
    str: TEXT,
    Decimal: NUMBER,
    int: COUNT,
    bool: "(?:true|false)",
    datetime: MOMENT,
}


class _Irregular(Exception):
    """No expression tells the type's canonical form from others."""


def matcher(form: type) -> Callable[[bytes], object]:
    """Return what tells, of bytes that decode as this type, that they surely are canonical; None means: not surely."""
    try:
        return re.compile(_expression(form).encode()).fullmatch
    except _Irregular:
        return lambda _: None


def _expression(form: Any) -> str:
    origin, arguments = get_origin(form), get_args(form)
    if dataclasses.is_dataclass(form):
        hints = get_type_hints(form)
        return r"\{" + ",".join(f'"{name}":{_expression(hints[name])}' for name in sorted(hints)) + r"\}"
    if origin is tuple:
        item = _expression(arguments[0])
        return rf"\[(?:{item}(?:,{item})*+)?+\]"
    if origin is dict:
        raise _Irregular
    if origin in (Union, types.UnionType):
        return f"(?:null|{_expression(arguments[0])})"
    if isinstance(form, type) and issubclass(form, StrEnum):
        return f'"(?:{"|".join(map(re.escape, form))})"'
    return _SCALARS[form]
