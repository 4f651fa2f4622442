"""Claiming rewards before an account is scanned, so that what arrives is found by the scan: the detector's work."""

from __future__ import annotations

from datetime import datetime

from domain.claim import Claimer, ClaimProposal, ClaimSigner, Waiting, objection
from domain.commands import Declare, NoteUnclaimed, RequestClaim
from domain.decision import fingerprint
from domain.errors import NOT_ASKED
from domain.identity import claim_id
from domain.move import Alarm, Wait, next_nonce
from events.facts import ConversionsHalted
from workers.desk import Desk
from workers.sending import send_recorded

# How the record names what is not claimed because the venue could not be read: it is an outage of the scan to come.
CLAIM = "claim"


def under_way(desk: Desk, account: str, due: datetime) -> bool:
    """Begin the first claim that is worth its gas, and say whether one is under way: then the scan comes after it.

    Only a live account claims, and only what its policy names, while it is not halted and no sweep is open; each source
    once for each due time. What is not claimed is recorded with its reason.
    """
    known, policy = desk.streams.load(account).state, desk.mandates[account].policy
    if not policy.rewards or known.halted or known.sweep is not None:
        return False
    if known.claim is not None:
        return True
    if known.live != fingerprint(policy):
        return False
    venue = desk.venue(account)
    if not isinstance(venue, ClaimSigner):
        return False
    try:
        found = venue.claims()
    except NOT_ASKED:
        return False  # the scan meets the same outage and says so
    begun = {source for source, last in known.claims.items() if last == claim_id(account, source, due)}
    judged = {each.source: objection(each, policy) if isinstance(each, ClaimProposal) else each for each in found}
    waiting = tuple(each for each in judged.values() if each is not None)
    if waiting:
        desk.streams.handle(account, NoteUnclaimed(waiting, policy, desk.clock()), CLAIM)
    for each in found:
        if isinstance(each, ClaimProposal) and judged[each.source] is None and each.source not in begun:
            return _begun(desk, account, each, due)
    return False


def _begun(desk: Desk, account: str, proposal: ClaimProposal, due: datetime) -> bool:
    known, policy, now = desk.streams.load(account).state, desk.mandates[account].policy, desk.clock()
    signer, rules = desk.claim_signer(account), desk.chain(account).rules
    about = claim_id(account, proposal.source, due)
    nonce = next_nonce(known.lane, proposal, rules)
    if isinstance(nonce, Wait):
        return known.claim is not None  # another worker's
    if isinstance(nonce, Alarm):
        halt = Declare(ConversionsHalted(account, nonce.reason), f"{about}/lane/{now.isoformat()}")
        desk.streams.handle(account, halt, about)
        return False
    signed = signer.sign_claim(proposal, nonce)
    venue = desk.mandates[account].venue
    command = RequestClaim(venue, proposal, signed, policy, fingerprint(policy), rules, due, desk.worker, now)
    send_recorded(desk, account, about, desk.streams.handle(account, command, about))
    return desk.streams.load(account).state.claim is not None


def look(desk: Desk, account: str) -> list[Waiting | ClaimProposal]:
    """Say what could be claimed now and what not, and why; records and sends nothing."""
    venue, policy = desk.venue(account), desk.mandates[account].policy
    if not policy.rewards or not isinstance(venue, Claimer):
        return []
    return [(objection(each, policy) or each) if isinstance(each, ClaimProposal) else each for each in venue.claims()]
