"""Errors, named by what to do next."""

from __future__ import annotations


class ConfigurationError(Exception):
    """The owner must mend a file or a key; trying again changes nothing."""


class VenueUnavailable(Exception):
    """The venue could not be read: try again later. Nothing was asked of it that moves money."""


# What keeps a venue from being asked at all: it does not answer, or it does not accept the key.
NOT_ASKED = (VenueUnavailable, ConfigurationError)


class OutcomeUnknown(Exception):
    """A request that moves money may have taken effect: ask what became of it, never send it anew."""


class RefusedByPolicy(Exception):
    """The owner's own rules forbid it; the sentence says which, and what would allow it."""


class ImpossibleHistory(Exception):
    """The facts contradict each other, so the log was not written by these rules: stop and look."""
