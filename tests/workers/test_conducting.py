"""A sweep against the simulated venue, with the real SDK and a real log."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.workers.stand import now, stand
from workers.conducting import Ended, conduct
from workers.scanning import scan


def test_sweep__two_crumbs__become_the_target_and_both_ledgers_agree(tmp_path: Path) -> None:
    with stand(tmp_path) as at:
        scan(at.desk, "main", now(), automatic=True)
        assert at.nudges == [("convert", "main")]
        ended = conduct(at.desk, "main", now() + timedelta(seconds=30))
        assert ended is Ended.RESTING
        assert at.types().count("dust_converted") == 2
        assert at.recorded() == at.moved()
