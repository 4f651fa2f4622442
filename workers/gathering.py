"""Scanning accounts that are read in the same requests: one reading for all, then each one's scan in its own stream."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.errors import NOT_ASKED, ConfigurationError, ImpossibleHistory, VenueUnavailable
from domain.venue import Survey, Surveyor, Venue
from events.log import LogConflict
from workers import scanning
from workers.desk import Desk

logger = logging.getLogger("dustman")


def scan(desk: Desk, account: str, due: datetime, automatic: bool) -> None:
    """Scan an account, and all that are read with it, for the moment they were due.

    Of several, what keeps one from being scanned keeps none of the others.
    """
    together = desk.mandate(account).together
    if len(together) < 2:
        scanning.scan(desk, account, due, automatic)
        return
    waiting = [name for name in together if not _is_done(desk, name, due)]
    surveys = _surveys(desk, waiting)
    for name in waiting:
        try:
            scanning.scan(desk, name, due, automatic, surveys.get(name))
        except (*NOT_ASKED, LogConflict) as later:
            logger.warning("scan %s: %s", name, later)
        except ImpossibleHistory as broken:
            logger.error("scan %s: its record contradicts itself, so nothing is done for it: %s", name, broken)


def _is_done(desk: Desk, account: str, due: datetime) -> bool:
    """Say whether the account has nothing to be read for; one with a broken record has its error later."""
    try:
        return scanning.is_scanned(desk, account, due)
    except ImpossibleHistory:
        return False


def _surveys(desk: Desk, accounts: Sequence[str]) -> Mapping[str, Survey | VenueUnavailable]:
    """Read all accounts in the same requests; one that can't be opened, and one that is alone, is left to its scan."""
    venues: dict[str, Venue] = {}
    for name in accounts:
        try:
            venues[name] = desk.venue(name)
        except ConfigurationError:
            continue
    first: object = next(iter(venues.values()), None)
    if len(venues) < 2 or not isinstance(first, Surveyor):
        return {}
    try:
        return dict(zip(venues, first.survey(list(venues.values())), strict=True))
    except VenueUnavailable as outage:
        return dict.fromkeys(venues, outage)
