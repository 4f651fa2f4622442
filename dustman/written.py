"""A settings file as we write it for its owner: every key, its sentence, and the default where nothing was chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import wrap

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dustman.settings import Settings

HEAD = """\
# What Dustman may do, and with what. docs/reference/settings.md explains every key.
# Keys behind a # have the value they show. API keys never stand in this file.
"""
_BARE = re.compile(r"[A-Za-z0-9~/.][A-Za-z0-9_./-]*")


def settings_file(account: str, model: type[BaseModel], answers: Mapping[str, str]) -> str:
    """Write the settings of one account; `answers` are texts of YAML by key, the rest is left at its default."""
    lines = [HEAD, "accounts:", f"  {scalar(account)}:", *_section(model, answers, "    ")]
    others = [name for name in Settings.model_fields if name != "accounts"]
    for name in others:
        lines += ["", *_key(name, Settings.model_fields[name], None, "")]
    return "\n".join(lines) + "\n"


def _section(model: type[BaseModel], chosen: Mapping[str, str], indent: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield from _key(name, info, chosen.get(name), indent)


def _key(name: str, info: FieldInfo, chosen: str | None, indent: str) -> Iterator[str]:
    yield from wrap(info.description or "", 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
    yield f"{indent}# {name}: {default(info)}".rstrip() if chosen is None else f"{indent}{name}: {chosen}"


def default(info: FieldInfo) -> str:
    """Write a key's default as an owner would write it; a section's default is that of its keys."""
    value = info.default
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
        fields = info.annotation.model_fields
        return "{" + ", ".join(f"{name}: {default(part)}" for name, part in fields.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(scalar, value)) + "]"
    return "{}" if value == {} else "" if value is None else scalar(str(value))


def scalar(text: str) -> str:
    """Quote a text where YAML might read it as something else."""
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
