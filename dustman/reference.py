"""The reference pages that follow from the code, of settings, exit codes, metrics and alerts.

`python -m dustman.reference` writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dustman.exits import Exit
from dustman.forms import Form
from dustman.settings import OVERRIDES, Settings
from dustman.strategy_settings import Strategy
from dustman.written import default
from views import measures
from views.alarms import Alarm

PAGES = Path("docs/reference")


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "settings.md": settings_page(),
        "exit-codes.md": exit_codes_page(),
        "metrics.md": metrics_page(),
        "alerts.md": alerts_page(),
    }


def exit_codes_page() -> str:
    """Return the page of exit codes."""
    rows = [f"| {int(end)} | {end.name.lower().replace('_', ' ')} | {end.meaning} |" for end in Exit]
    return "\n".join(
        [
            "# Exit codes",
            "",
            "Every command ends with one of these numbers. They never change their meaning.",
            "",
            "| number | name | meaning |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def metrics_page() -> str:
    """Return the page of metrics."""
    rows = []
    for each in measures.ALL:
        labels = ", ".join(f"`{label}`" for label in each.labels) or "none"
        rows.append(f"| `{each.name}` | {each.kind} | {labels} | {each.meaning} |")
    return "\n".join(
        [
            "# Metrics",
            "",
            "What Prometheus reads from the process that `metrics:` in the settings starts; see",
            "[alerts](../how-to/alerts.md). Counters count from the beginning of the log, so no restart sets one back.",
            "Values are in the account's or the strategy's currency. What is not there has no gauge.",
            "",
            "| metric | kind | labels | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def alerts_page() -> str:
    """Return the page of alarms."""
    rows = [f"| `{each}` | {each.level} | {each.severity} | {each.meaning} |" for each in Alarm]
    return "\n".join(
        [
            "# Alerts",
            "",
            "What `alerts:` in the settings can tell of; see [alerts](../how-to/alerts.md). `levels` changes what",
            "becomes of an alarm: `on` is sent at once, `silent` without a sound, `digest` with the next digest,",
            "`off` never.",
            "",
            "| alarm | level | severity | told when |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def settings_page() -> str:
    """Return the page of settings: one table for each section."""
    lines = [
        "# Settings",
        "",
        "`dustman.yaml` holds them; `dustman init` writes one. This is the shortest:",
        "",
        "```yaml",
        "accounts:",
        "  main:",
        "    venue: coinbase",
        "```",
        "",
        "Numbers are exact however they are written; `0.50` needs no quotes. Relative paths start at the directory of",
        "the settings file. Unknown keys, repeated keys and values of another form are errors, all named at once.",
        "",
        "The environment, or a file `.env` beside the settings, overrides: "
        + ", ".join(f"`{variable}` the key `{'.'.join(place)}`" for variable, place in OVERRIDES.items())
        + ". `DUSTMAN_CONFIG` names the settings file itself.",
        "",
    ]
    for title, model in (*_sections("", Settings), *_sections("strategies/NAME.yaml", Strategy)):
        lines += [f"## {title or 'dustman.yaml'}", "", (model.__doc__ or "").split("\n")[0], ""]
        lines += ["| key | accepted | default | meaning |", "|---|---|---|---|"]
        for name, info in model.model_fields.items():
            cells = (f"`{name}`", accepted(info), _default(info), info.description)
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _sections(place: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield place, model
    for name, info in model.model_fields.items():
        for inner in _models(info.annotation):
            here = f"{place}.{name}" if place else name
            kind = f" (venue: {tag})" if (tag := getattr(inner, "tag", "")) else ""
            yield from _sections(f"{here}.NAME{kind}" if get_origin(info.annotation) is dict else here, inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "must be written"
    return f"`{default(info)}`" if default(info) else "none"


def accepted(info: FieldInfo) -> str:
    """Say what a key accepts, in the words of its errors."""
    said = [form.accepted for form in info.metadata if isinstance(form, Form)]
    return said[0] if said else _accepted(info.annotation, info.default)


def _accepted(annotation: Any, word: object) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return next((form.accepted for form in parts if isinstance(form, Form)), "a mapping, see below")
    if origin is tuple:
        return f"a list, each {_accepted(parts[0], word)}"
    if origin is dict:
        return f"a mapping from {_accepted(parts[0], word)}, to {_accepted(parts[1], word)}"
    if type(None) in parts:
        others = [_accepted(part, word) for part in parts if part is not type(None)]
        return ", or ".join([f"`{word}`", *others] if word else others)
    return "a mapping, see below"


def write(directory: Path = PAGES) -> None:
    """Write the pages anew."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        (directory / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write()
