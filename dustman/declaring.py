"""Putting an owner's decision on record, for one account or for all."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from dustman.invocation import Invocation
from dustman.screen import Screen

if TYPE_CHECKING:
    from events.facts import ConversionsHalted, ConversionsResumed


def declare(
    invocation: Invocation,
    screen: Screen,
    account: str,
    decision: Callable[[str], ConversionsHalted | ConversionsResumed],
    words: tuple[str, str],
) -> None:
    """Record `decision` for each chosen account and say the first of `words`, or the second if it held already."""
    from domain.commands import Declare
    from dustman.desk import command_desk

    desk = command_desk(invocation.settings, screen.note)
    for name in invocation.settings.chosen(account):
        command = Declare(decision(name), str(uuid.uuid4()))
        changed = bool(desk.streams.handle(name, command, correlation=command.command_id))
        screen.show({"account": name, "changed": changed}, f"{name} {words[0] if changed else words[1]}")
