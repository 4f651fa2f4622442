"""A YAML document as its owner wrote it: every scalar is its own text, every key knows its line.

`0.50` stays 0.50 and `NO` stays a coin's name, since no scalar is turned into a float, a date or a yes. Anchors,
tags and repeated keys are mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dustman.mistakes import Mistake, Place
from dustman.secret import redacted, visible

Value = str | None | list["Value"] | dict[str, "Value"]
LARGEST = 256 * 1024
DEEPEST = 20
_NULLS = {"", "~", "null"}


@dataclass(frozen=True, slots=True)
class Document:
    """What was read: plain values, the line of every key and item, and the mistakes of form."""

    values: dict[str, Value] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest place around it that is written down."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)


def read_document(content: bytes) -> Document:
    """Read a YAML mapping; mistakes of form are collected, not raised."""
    document = Document()
    if len(content) > LARGEST:
        return _only(document, 0, f"is {len(content)} bytes long, more than the {LARGEST} that settings can need")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _only(document, line, "is not UTF-8 text")
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _only(document, mark.line + 1 if mark else 0, f"is not YAML: {_words(error)}")
    except (ValueError, OverflowError):
        return _only(document, 0, 'holds an escape such as "\\UFFFFFFFF" that stands for no character')
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _only(document, line, f"holds the character {visible(chr(int(error.character)))}, which YAML forbids")
    if node is None or (isinstance(node, ScalarNode) and node.value == ""):
        return _only(document, 0, "is empty")
    if not isinstance(node, MappingNode):
        return _only(document, 1, "is not a mapping; it starts with a key such as accounts:")
    document.values.update(_mapping(node, (), document))
    return document


def _only(document: Document, line: int, sentence: str) -> Document:
    document.mistakes.append(Mistake(line, (), sentence))
    return document


def _words(error: yaml.MarkedYAMLError) -> str:
    """Say what YAML's reader stumbled over, without the line itself: a key may stand on it."""
    if error.problem and "'\\t'" in error.problem:
        return "a tab where only spaces may stand"
    parts = [part for part in (error.context, error.problem) if part]
    return redacted(visible(", ".join(parts)))


class _Loader(
    yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer, yaml.resolver.BaseResolver
):
    """Composes nodes without giving scalars a type, within a bounded depth and without aliases."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)
        yaml.resolver.BaseResolver.__init__(self)
        self.depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not used here", problem_mark=event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(problem="tags are not used here", problem_mark=event.start_mark)
        if self.depth == DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"more than {DEEPEST} levels deep", problem_mark=event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _value(node: Node, place: Place, document: Document) -> Value:
    if isinstance(node, MappingNode):
        return _mapping(node, place, document)
    if isinstance(node, SequenceNode):
        return list(_items(node, place, document))
    if isinstance(node, ScalarNode) and node.style is None and node.value in _NULLS:
        return None
    return str(node.value)


def _mapping(node: MappingNode, place: Place, document: Document) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            document.mistakes.append(Mistake(line, place, "has a key that is not a plain word"))
            continue
        key = str(key_node.value)
        here = (*place, key)
        if key in values:
            first = document.lines[here]
            document.mistakes.append(Mistake(line, here, f"is there already, in line {first}; keep one of them"))
            continue
        document.lines[here] = line
        values[key] = _value(value_node, here, document)
    return values


def _items(node: SequenceNode, place: Place, document: Document) -> Iterator[Value]:
    for index, item in enumerate(node.value):
        here = (*place, index)
        document.lines[here] = item.start_mark.line + 1
        yield _value(item, here, document)
