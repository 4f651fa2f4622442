"""Approval of what strategies instruct, for a service that decides: an execution manager, a risk desk.

It hears of instructions by subscribing to `dust_instructed`, or asks here for what waits. Nothing is remembered here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from dustman.desk import command_desk
from dustman.settings import Settings
from events.facts import DustInstructed
from events.log import Recorded
from workers import approving

logger = logging.getLogger("dustman")


class DustApproval:
    """Approves and cancels in the name of `by`, which the log keeps."""

    def __init__(self, settings: Settings, by: str) -> None:
        self._settings, self._by = settings, by
        self._desk = command_desk(settings, logger.warning)

    def waiting(self, strategy: str) -> DustInstructed | None:
        """Return what waits for approval, None when nothing does."""
        waiting = self._desk.strategies.load(self._settings.charter(strategy).name).state.waiting
        return waiting if waiting and waiting.approval_until and self._desk.clock() < waiting.approval_until else None

    def approve(self, strategy: str, measure_id: str, words: str = "") -> Sequence[Recorded]:
        """Approve what the measurement instructed; return what was recorded, the announcements included.

        Raises `RefusedByPolicy` when it does not wait: answered already, expired, unknown. So a message that arrives
        twice sells nothing twice. `VenueUnavailable`: it is approved, and the workers announce it.
        """
        return approving.approve(self._desk, strategy, self._by, words, measure_id)

    def cancel(self, strategy: str, measure_id: str, words: str = "") -> Sequence[Recorded]:
        """Cancel what the measurement instructed; `RefusedByPolicy` when it does not wait."""
        return approving.cancel(self._desk, strategy, self._by, words, measure_id)
