"""The reconciler's round: settle what is open, go on with what was interrupted, make up for scans that were missed."""

from __future__ import annotations

import logging

from domain.errors import NOT_ASKED, ImpossibleHistory
from events.log import LogConflict
from workers import approving, conducting, funding, overdue
from workers.desk import Desk

logger = logging.getLogger("dustman")


def reconcile_all(desk: Desk) -> None:
    """Go through all accounts and strategies; what keeps one of them from being settled keeps none of the others."""
    nudged: set[str] = set()
    for account, mandate in desk.mandates.items():
        try:
            if conducting.reconcile(desk, account):
                desk.nudge("convert", account)
            funding.expire(desk, account)
            if account not in nudged and overdue.missed(desk, account):
                desk.nudge("scan", account)
                nudged.update(mandate.together)
        except (*NOT_ASKED, LogConflict) as later:
            logger.warning("reconcile %s: %s", account, later)
        except ImpossibleHistory as broken:
            logger.error("reconcile %s: its record contradicts itself, so nothing is done for it: %s", account, broken)
    for strategy in desk.charters:
        try:
            if overdue.unmeasured(desk, strategy):
                desk.nudge("measure", strategy)
            approving.expire(desk, strategy)
            approving.resume(desk, strategy)
        except (*NOT_ASKED, LogConflict) as later:
            logger.warning("approval of %s: %s", strategy, later)
        except ImpossibleHistory as broken:
            logger.error("%s: a record contradicts itself, so nothing is done for it: %s", strategy, broken)
