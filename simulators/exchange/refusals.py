"""An exchange's no to a whole request, whatever words it uses."""

from __future__ import annotations

from simulators.wire import Reply


class TurnedAway(Exception):
    """A request that is not served; `reply` is what it is answered with instead."""

    def __init__(self, reply: Reply, sentence: str = "") -> None:
        super().__init__(sentence or f"status {reply.status}")
        self.reply = reply
