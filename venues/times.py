"""The times that bound a request: how long it is waited for, until when it may leave, from when on it cannot arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.venue import Order

SENT_WITHIN = timedelta(seconds=20)  # the longest waits for the limit and for a slow disk fit in


def this_machine() -> datetime:
    """Return the time of this machine, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """How long an exchange is waited for, in seconds, and when it is given up.

    `timeout` is that of connecting and of each wait for bytes. Reads are repeated after `retry_pauses`; what may move
    money is never repeated, its end is looked for after the pauses `settling`. An order that the exchange doesn't know
    `never_arrived_after` its intent can no longer arrive: it was sent soon after its intent or not at all.
    """

    clock: Callable[[], datetime] = this_machine
    sleep: Callable[[float], None] = time.sleep
    timeout: tuple[float, float] = (3.05, 8.0)
    retry_pauses: Sequence[float] = (0.25, 1.0)
    settling: Sequence[float] = (0.05, 0.1, 0.2, 0.4, 0.8)
    never_arrived_after: timedelta = timedelta(seconds=150)

    def send_within(self, signed_for: timedelta) -> timedelta:
        """How long after its intent an order may be sent, so that its signature has run out before it never arrived.

        Less than the life of a signature is for simulated exchanges on this machine, where no request is under way
        for long.
        """
        left = self.never_arrived_after - signed_for
        return min(left, SENT_WITHIN) if left > timedelta() else self.never_arrived_after

    def given_up(self, order: Order) -> bool:
        """Say whether an order that the exchange does not know can no longer arrive."""
        return self.age(order) > self.never_arrived_after

    def age(self, order: Order) -> timedelta:
        """Return how long ago the intent was recorded."""
        return self.clock() - asked_at(order)


ORDINARY = Times()


def asked_at(order: Order) -> datetime:
    """Return when the intent was recorded; an order that never was is not to be sent or looked for."""
    if order.requested_at is None:
        raise ValueError(f"requested_at: None; order {order.key} needs the time at which its intent was recorded")
    return order.requested_at
