"""A venue that does not answer, or not to this key: on record, raised, and never taken for an empty account."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from events.facts import LegRequested, VenueUnreachable
from tests.workers.stand import Stand, now, stand
from workers.conducting import Ended, conduct
from workers.scanning import scan


def outages(at: Stand) -> list[VenueUnreachable]:
    return [recorded.fact for recorded in at.desk.log.read() if isinstance(recorded.fact, VenueUnreachable)]


def test_scan__with_a_key_that_the_venue_does_not_accept__is_on_record_and_raised(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        at.twin.inject(kind="unauthorized", endpoint="any", calls="all")
        due = now()
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="does not accept the key"):
                scan(at.desk, "main", due, automatic=True)
        (outage,) = outages(at)
        assert outage.operation == "scan"
        assert "check its name and secret" in outage.detail
        assert "scan_completed" not in at.types()


def test_sweep__with_a_key_that_may_not_trade__says_so_and_goes_on_with_one_that_may(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        scan(at.desk, "main", now(), automatic=True)
        whole = at.key
        at.key = json.loads(at.twin.key_file(("view",)).read_text())
        with pytest.raises(ConfigurationError, match="lacks a right"):
            conduct(at.fresh(), "main", now() + timedelta(seconds=30))
        (outage,) = outages(at)
        assert "lacks a right" in outage.detail
        assert at.types()[-1] == "leg_never_arrived"
        at.key = whole
        assert conduct(at.fresh(), "main", now() + timedelta(seconds=30)) is Ended.RESTING
        attempts = [r.fact.attempt for r in at.desk.log.read() if isinstance(r.fact, LegRequested)]
        assert attempts == [1, 2, 1, 1]
        assert at.recorded() == at.moved()
