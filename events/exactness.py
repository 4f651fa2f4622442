"""Exactness: whether a value and all within it have the very types that are annotated, asked at the speed of C.

A yes lets the JSON library, which converts what it can, write the value as it stands. A no proves nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import types
from collections.abc import Callable
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

Check = Callable[[Any], bool]


def exactness(form: type) -> Check:
    """Return what tells whether a dataclass's instance is exact."""
    hints = get_type_hints(form)
    names = [field.name for field in dataclasses.fields(form)]
    values_of = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
    shapes = frozenset(itertools.product(*(_types(hints[name]) for name in names)))
    within = [(index, check) for index, name in enumerate(names) if (check := _within(hints[name]))]

    def exact(value: Any) -> bool:
        values = values_of(value)
        if type(value) is not form or tuple(map(type, values)) not in shapes:
            return False
        for index, check in within:  # noqa: SIM110 -- a generator costs more than all that it saves
            if not check(values[index]):
                return False
        return True

    return exact


def _types(form: Any) -> list[type]:
    """Return the types that a value may have; what is inside it is another question."""
    if get_origin(form) in (Union, types.UnionType):
        return [kind for argument in get_args(form) for kind in _types(argument)]
    return [get_origin(form) or form]


def _within(form: Any) -> Check | None:
    """Return what to ask of a value that has the type, None when that says it all."""
    origin, arguments = get_origin(form), get_args(form)
    if dataclasses.is_dataclass(form):
        return exactness(form)  # type: ignore[arg-type]
    if form is datetime:
        return lambda value: value.tzinfo is UTC
    if origin is tuple:
        return _items(arguments[0])
    if origin is dict:
        return _pairs(arguments[1])
    if origin in (Union, types.UnionType) and (check := _within(arguments[0])):
        return lambda value: value is None or check(value)
    return None


def _items(form: Any) -> Check:
    allowed, check = frozenset(_types(form)), _within(form)

    def exact(items: tuple[Any, ...]) -> bool:
        return allowed.issuperset(map(type, items)) and (check is None or all(map(check, items)))

    return exact


def _pairs(form: Any) -> Check:
    keys, values = _items(str), _items(form)
    return lambda mapping: keys(mapping) and values(mapping.values())
