"""Exactness: whether a value and all within it have the very types that are annotated, asked at the speed of C.

A yes lets the JSON library, which converts what it can, write the value as it stands. A no proves nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import types
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

Check = Callable[[Any], bool]


def exactness(form: type) -> Check:
    """Return what tells whether a dataclass's instance is exact."""
    paths = dict(_paths(form))
    values_of = attrgetter(*paths) if len(paths) > 1 else lambda value: (getattr(value, *paths),)
    shapes = frozenset(itertools.product(*(_types(field) for field in paths.values())))
    within = [(index, check) for index, field in enumerate(paths.values()) if (check := _within(field))]

    def exact(value: Any) -> bool:
        try:
            values = values_of(value)
        except AttributeError:  # what should hold values is something else
            return False
        if type(value) is not form or tuple(map(type, values)) not in shapes:
            return False
        for index, check in within:  # noqa: SIM110 -- a generator costs more than all that it saves
            if not check(values[index]):
                return False
        return True

    return exact


def _paths(form: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all fields by their dotted paths, those of the dataclasses that are always there included."""
    hints = get_type_hints(form)
    for field in dataclasses.fields(form):
        path, hint = prefix + field.name, hints[field.name]
        yield path, hint
        if dataclasses.is_dataclass(hint):
            yield from _paths(hint, f"{path}.")  # type: ignore[arg-type]


def _types(form: Any) -> list[type]:
    """Return the types that a value may have; what is inside it is another question."""
    if get_origin(form) in (Union, types.UnionType):
        return [kind for argument in get_args(form) for kind in _types(argument)]
    return [get_origin(form) or form]


def _within(form: Any) -> Check | None:
    """Return what else to ask of a value that has the type, None when that says it all."""
    origin, arguments = get_origin(form), get_args(form)
    if form is datetime:
        return lambda value: value.tzinfo is UTC
    if origin is tuple:
        return _items(arguments[0])
    if origin is dict:
        return _pairs(arguments[1])
    if origin in (Union, types.UnionType) and (check := _whole(arguments[0])):
        return lambda value: value is None or check(value)
    return None


def _whole(form: Any) -> Check | None:
    """Return the same where no path leads into a dataclass."""
    return exactness(form) if dataclasses.is_dataclass(form) else _within(form)  # type: ignore[arg-type]


def _items(form: Any) -> Check:
    allowed, check = frozenset(_types(form)), _whole(form)

    def exact(items: tuple[Any, ...]) -> bool:
        return allowed.issuperset(map(type, items)) and (check is None or all(map(check, items)))

    return exact


def _pairs(form: Any) -> Check:
    keys, values = _items(str), _items(form)
    return lambda mapping: keys(mapping) and values(mapping.values())
