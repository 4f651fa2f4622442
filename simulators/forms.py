"""Strict forms: how files and admin requests are read, and how their mistakes are told."""

from __future__ import annotations

import re
from collections.abc import Hashable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from domain.errors import ConfigurationError


class Strict(BaseModel):
    """A form in which an unknown key is an error that names the known ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, given: object) -> object:
        unknown = [key for key in given if key not in cls.model_fields] if isinstance(given, dict) else []
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}; the keys here are {', '.join(cls.model_fields)}")
        return given


Form = TypeVar("Form", bound=BaseModel)


def _exact(value: object) -> Decimal:
    text = value if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():  # a bare decimal point in YAML has lost digits before we see it
        raise ValueError('must be a number in quotes, like "0.01"')
    return number


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must be zero or above")
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be above zero")
    return value


def _calls(given: object) -> str:
    text = str(given)
    if isinstance(given, bool) or not re.fullmatch(r"all|[1-9]\d*(-([1-9]\d*)?)?", text):
        raise ValueError("must be a call's number 3, a range 2-4, an open range 2-, or all")
    first, last = bounds(text)
    if last is not None and last < first:
        raise ValueError("must be a range whose end is not before its start")
    return text


Number = Annotated[Decimal, BeforeValidator(_exact)]
NotNegative = Annotated[Number, AfterValidator(_not_negative)]
Positive = Annotated[Number, AfterValidator(_positive)]
Calls = Annotated[str, BeforeValidator(_calls)]


def bounds(calls: str) -> tuple[int, int | None]:
    """Read which calls are meant: the first and the last, None for no end."""
    first, dash, last = ("1-" if calls == "all" else calls).partition("-")
    return int(first), (int(last) if last else None) if dash else int(first)


def strikes(calls: str, number: int) -> bool:
    """Say whether a call is among those that are meant, by its number from 1."""
    first, last = bounds(calls)
    return number >= first and (last is None or number <= last)


def read_file(path: Path, form: type[Form]) -> Form:
    """Read a YAML or JSON file; raises `ConfigurationError` naming file, key, value and what is accepted."""
    try:
        given = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: is neither YAML nor JSON: {error}") from error
    return read_form({} if given is None else given, form, str(path))


def read_form(given: object, form: type[Form], source: str) -> Form:
    """Read what a file or a request holds; raises `ConfigurationError` with one line for each mistake."""
    try:
        return form.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{source}: {_mistake(found)}" for found in error.errors())) from error


def _mistake(found: Any) -> str:
    key = ".".join(str(part) for part in found["loc"])
    sentence = found["msg"].removeprefix("Value error, ")
    if found["type"] == "union_tag_not_found":
        sentence = f"{found['ctx']['discriminator']} is missing"
    if found["type"] == "missing" or isinstance(found["input"], dict):
        return f"{key}: {sentence}" if key else sentence
    return f"{key}: {found['input']!r}: {sentence}"


class _Loader(yaml.SafeLoader):
    """Reads plain YAML, and refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice in one mapping", node.start_mark)
        return super().construct_mapping(node, deep)
