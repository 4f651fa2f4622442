"""What is wrong with the settings, in words: file, line, key, value, and the accepted form; all of it at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dustman.secret import LONGEST_SHOWN, redacted, shown, visible

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong at a line of the document (0: the document as a whole), at the place of a key."""

    line: int
    place: Place
    sentence: str


def in_words(place: Place) -> str:
    """Write a place as people say it, `accounts.main.exclude[2]`; a key too long to be one is only measured."""
    words = ""
    for part in place:
        if isinstance(part, int):
            words += f"[{part}]"
            continue
        name = part if len(part) <= LONGEST_SHOWN else f"(a key of {len(part)} characters)"
        words += f".{redacted(visible(name))}" if words else redacted(visible(name))
    return words


def report(file: str, mistakes: Sequence[Mistake], origins: dict[Place, str]) -> str:
    """Write all mistakes, in the order of their lines; `origins` names where a value came from that is in no line."""
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    ordered = sorted(mistakes, key=lambda mistake: mistake.line)
    return "\n".join([f"{file}: {count}", *(f"  {_sentence(mistake, origins)}" for mistake in ordered)])


def _sentence(mistake: Mistake, origins: dict[Place, str]) -> str:
    if mistake.place in origins:
        return f"environment, {origins[mistake.place]}: {mistake.sentence}"
    where = [f"line {mistake.line}"] if mistake.line else []
    if mistake.place:
        where.append(in_words(mistake.place))
    return f"{', '.join(where)}: {mistake.sentence}" if where else f"the file {mistake.sentence}"


def found(error: ValidationError, root: type[BaseModel]) -> Iterable[tuple[Place, str]]:
    """Say for each error of a validation where it is and what is accepted there."""
    for details in error.errors(include_url=False):
        place = (*(part for part in details["loc"] if part != "[key]"), *details.get("ctx", {}).get("place", ()))
        yield _untagged(place), _accepted(details, place, root)


def _untagged(place: Place) -> Place:
    """Leave out the word by which the kind of an account was told: it is no key of the document."""
    return place[:2] + place[3:] if place[:1] == ("accounts",) and len(place) > 2 else place


def _accepted(details: ErrorDetails, place: Place, root: type[BaseModel]) -> str:
    context = details.get("ctx", {})
    match details["type"]:
        case "form" if context["private"]:
            return f"what stands there (not shown) is not {context['accepted']}"
        case "form":
            return f"{shown(details['input'])} is not {context['accepted']}"
        case "rule":
            return details["msg"]
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return _unknown_key(str(place[-1]), model_at(root, place[:-1]))
        case "model_type" | "dict_type":
            return f"{shown(details['input'])} is not a mapping of keys to values"
        case "tuple_type":
            return f"{shown(details['input'])} is not a list, such as [USD, USDC]"
        case "too_short":
            return "is empty; at least one is needed"
        case other:
            raise AssertionError(f"the settings use a check without words: {other}")


def _unknown_key(key: str, model: type[BaseModel]) -> str:
    keys = list(model.model_fields)
    close = get_close_matches(key, keys, 1)
    guess = f", did you mean {close[0]}?" if close else "."
    return f"is not a key here{guess} Accepted: {', '.join(keys)}"


def model_at(root: type[BaseModel], place: Place) -> type[BaseModel]:
    """Return the model that a place of the document is read by."""
    if not place:
        return root
    head, *rest = place
    annotation = root.model_fields[str(head)].annotation
    models = [part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
    if getattr(annotation, "__origin__", None) is dict:
        rest = rest[1:]
        if len(models) > 1:
            models = [model for model in models if getattr(model, "tag", "") == rest[0]]
            rest = rest[1:]
    return model_at(models[0], tuple(rest))


def _parts(annotation: object) -> Iterable[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
