"""What every part of the settings is made of."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from dustman.forms import Positive


class Section(BaseModel):
    """A part of the settings: nothing unknown in it, and defaults read like anything written."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)


def setting(default: object, description: str, **constraints: Any) -> Any:
    """Declare a key with its default as the owner would write it, and the sentence that documents it."""
    return Field(default, description=description, **constraints)


def rule(sentence: str, *place: str) -> PydanticCustomError:
    """Return the error of a rule that several keys keep together; `place` is where the owner would mend it."""
    return PydanticCustomError("rule", "{sentence}", {"sentence": sentence, "place": place})


def all_or_list(example: str) -> Any:
    """Read `all` as None and lists as they are: what may be sold unwatched is never guessed."""
    return lambda value: word_or("all", f"all, or a list such as {example}", (list, tuple), value)


def word_or(word: str, accepted: str, kinds: tuple[type, ...], value: object) -> object:
    """Read a word as None, and let pass what is of one of the kinds."""
    if value == word:
        return None
    if not isinstance(value, kinds):
        raise PydanticCustomError("form", "{accepted}", {"accepted": accepted, "private": False})
    return value


class Caps(Section):
    """The most that is sold without asking, in the account's currency."""

    per_sweep: Positive = setting("25", "The most one sweep may sell.")
    per_day: Positive = setting("50", "The most that may be sold in one UTC day.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.per_sweep > self.per_day:
            raise rule(f"per_sweep ({self.per_sweep:f}) is above per_day ({self.per_day:f})", "per_sweep")
        return self
