"""The venue's own exchange of small balances: a way out for what its markets are too coarse for.

One request takes all that is free of many assets, at the venue's own price less its fee; some venues then take none for
some hours, some take so many at once. An asset goes that way when its market does not take it or there is none, the
venue offers to, and nothing of it is to stay.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from domain.dust import Dust, Market, reserve_of, too_small
from events.values import Policy, Unroutable

# The finest step that balances are kept in where small ones are exchanged: an exchange takes all of one, to its last
# digit, and some keep as many as a chain does.
STEP = Decimal("0.000000000000000001")


def by_small_balances(dust: Dust, policy: Policy, market: Market) -> Dust:
    """Send dust that its own market does not take to the venue's exchange of small balances, if that takes it whole."""
    desk = market.capabilities.small
    offer = desk.offers.get(dust.asset) if desk else None
    if (
        dust.offer is not None
        or desk is None
        or offer is None
        or offer.quantity != dust.free
        or reserve_of(policy, dust.asset) > 0
    ):
        return dust
    if too_small(dust, market) is None:
        return dust
    return replace(dust, hub=desk.pays, product=None, offer=offer)


def resting(dust: Dust, market: Market, now: datetime) -> tuple[Unroutable, str, None] | None:
    """Say that the exchange of small balances takes no request yet: that is a wait, and the next scan looks again."""
    desk = market.capabilities.small
    if dust.offer is None or desk is None or desk.ready_at is None or desk.ready_at <= now:
        return None
    sentence = f"the venue takes small balances again at {desk.ready_at:%Y-%m-%d %H:%M} UTC"
    return Unroutable.COOLDOWN, sentence, None
