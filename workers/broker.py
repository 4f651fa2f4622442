"""Kombu's Redis transport, with one mistake mended that stops a worker for ever."""

from __future__ import annotations

from kombu.transport import redis


class Places(redis.QoS):  # type: ignore[misc]
    """How many messages a worker holds; one that it is done with is not held, whether or not Redis heard of it.

    Kombu tells Redis first and counts after. When Redis is gone just then, the message is counted for ever: a worker
    all of whose places were taken never asks for another, so it never notices that its connection is gone either.
    Redis itself gives the message out again when its visibility ends. Seen with kombu 5.7, and by others in
    https://github.com/packit/packit-service/issues/2697.
    """

    def ack(self, delivery_tag: str) -> None:
        """Count the message as done, then tell Redis."""
        self._quick_ack(delivery_tag)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Count the message as done, then have Redis drop it or give it out again."""
        self._quick_ack(delivery_tag)
        super().reject(delivery_tag, requeue)


class Channel(redis.Channel):  # type: ignore[misc]
    """A channel that counts as `Places` does."""

    QoS = Places


class Transport(redis.Transport):  # type: ignore[misc]
    """The transport that celeryconfig names."""

    Channel = Channel
