"""Reading an account and recording what was found: the detector's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from domain.chain import Metered
from domain.commands import RecordOutage, RecordScan
from domain.decision import findings
from domain.dust import Market, priced_products
from domain.errors import NOT_ASKED, VenueUnavailable
from domain.identity import scan_id
from domain.scan import Findings, Reading
from domain.venue import Appraiser, Holding, Survey, Venue
from events.facts import DustDetected
from events.log import Recorded
from events.values import Policy
from workers import claiming
from workers.desk import Desk

# How an outage names what could not be done.
SCAN = "scan"


def read(
    desk: Desk, account: str, due: datetime, automatic: bool, survey: Survey | VenueUnavailable | None = None
) -> Reading:
    """Read holdings, markets and the prices of candidates; raises `VenueUnavailable` when any of it can't be read.

    A `survey` was read together with those of other accounts, and nothing is read again.
    """
    venue, policy = desk.venue(account), desk.mandates[account].policy
    found = _survey_of(venue, policy) if survey is None else survey
    if isinstance(found, VenueUnavailable):
        raise found
    return Reading(
        account=account,
        venue=venue.name,
        due=due,
        now=desk.clock(),
        holdings=found.holdings,
        market=Market(found.capabilities, found.prices, found.worth, _appraised(venue, policy, found.holdings)),
        requests=found.requests,
        automatic=automatic,
        base_fee=venue.base_fee() if isinstance(venue, Metered) else None,
    )


def _survey_of(venue: Venue, policy: Policy) -> Survey:
    """Read one account by itself, prices of candidates alone."""
    before = venue.requests
    holdings = tuple(venue.holdings())
    capabilities = venue.capabilities()
    prices = venue.prices(sorted(priced_products(holdings, policy, capabilities)))
    worth = venue.worth(policy.hubs)
    return Survey(holdings, capabilities, prices, worth, venue.requests - before)


def _appraised(venue: Venue, policy: Policy, holdings: Sequence[Holding]) -> Mapping[str, Decimal]:
    """Have what strategies hold appraised, where the venue can do that: their equity counts by it."""
    if policy.belongs is None or not isinstance(venue, Appraiser):
        return {}
    return venue.appraise([holding.asset for holding in holdings])


def is_scanned(desk: Desk, account: str, due: datetime) -> bool:
    """Say whether the account was scanned for this moment or a later one."""
    known = desk.streams.load(account).state
    return known.scanned_until is not None and due <= known.scanned_until


def scan(
    desk: Desk, account: str, due: datetime, automatic: bool, survey: Survey | VenueUnavailable | None = None
) -> Sequence[Recorded]:
    """Scan an account for the moment it was due; a scan that was made already is not made again.

    With nobody watching, `automatic`, only what the policy admits is announced.
    A venue that can't be read is recorded as such and raised again. New dust nudges the converter. While rewards are
    being claimed nothing is scanned: the due time stays unanswered, and is made up for when that is over.
    """
    if is_scanned(desk, account, due):
        return []
    if claiming.under_way(desk, account, due):
        desk.nudge("convert", account)
        return []
    reading = read_or_record_outage(desk, account, due, automatic, survey)
    recorded = desk.streams.handle(account, RecordScan(reading, desk.mandates[account].policy), reading.scan_id)
    if any(isinstance(each.fact, DustDetected) and each.fact.live for each in recorded):
        desk.nudge("convert", account)
    return recorded


def look(desk: Desk, account: str) -> tuple[Reading, Findings]:
    """Scan an account now without announcing dust: nothing comes of it but knowledge."""
    reading = read_or_record_outage(desk, account, desk.clock(), automatic=True)
    policy = desk.mandates[account].policy
    found = findings(desk.streams.load(account).state, reading, policy)
    desk.streams.handle(account, RecordScan(reading, policy, announce=False), reading.scan_id)
    return reading, found


def read_or_record_outage(
    desk: Desk, account: str, due: datetime, automatic: bool, survey: Survey | VenueUnavailable | None = None
) -> Reading:
    """Read the account; what can't be read is put on record, once for each scan, and raised again."""
    try:
        return read(desk, account, due, automatic, survey)
    except NOT_ASKED as outage:
        name = scan_id(account, due)
        told = RecordOutage(desk.mandates[account].venue, SCAN, name, str(outage), desk.clock())
        desk.streams.handle(account, told, correlation=name)
        raise
