"""What a strategy's dust came to, what was instructed of it, and who said yes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from events.values import Instruction, MeasuredLot, Unmeasured


class StrategyMeasured(msgspec.Struct, frozen=True, gc=False):
    """A strategy's dust was held against its equity.

    `lots` are what would be sold, `unexpected` what the strategy has no reason to receive and does not sell, `unpriced`
    the assets that nothing was learned of. `exceeds` says that `total` is strictly over `threshold`, a share of
    `equity`; `missing` is how far it is below, 0 when it is over. `ratio` is total over equity. `net` is what selling
    would leave after fees and gas; with `triggered` it is instructed, else `sentence` says why not. `source` says who
    knew the equity. All values are in `currency`.
    """

    strategy: str
    measure_id: str
    due: datetime
    measured_at: datetime
    mode: str
    currency: str
    lots: tuple[MeasuredLot, ...]
    unexpected: tuple[MeasuredLot, ...]
    unpriced: tuple[str, ...]
    total: Decimal
    equity: Decimal
    source: str
    ratio: Decimal
    threshold: Decimal
    exceeds: bool
    missing: Decimal
    net: Decimal
    triggered: bool
    sentence: str


class StrategyNotMeasured(msgspec.Struct, frozen=True, gc=False):
    """A strategy's dust could not be held against its equity, so nothing is sold; never the same as `below`."""

    strategy: str
    measure_id: str
    due: datetime
    measured_at: datetime
    mode: str
    reason: Unmeasured
    sentence: str


class DustInstructed(msgspec.Struct, frozen=True, gc=False):
    """A strategy's dust is to be converted, before anything else: how, lot by lot. Values are in `currency`.

    With `approval_until` it waits for somebody's approval until then, and nothing is sold before; without, it is
    announced at once.
    """

    strategy: str
    measure_id: str
    mode: str
    instructions: tuple[Instruction, ...]
    total: Decimal
    net: Decimal
    currency: str
    instructed_at: datetime
    approval_until: datetime | None = None


class InstructionsApproved(msgspec.Struct, frozen=True, gc=False):
    """Somebody wants what was instructed: `accounts` are read anew and announce what of it still holds."""

    strategy: str
    measure_id: str
    accounts: tuple[str, ...]
    by: str
    words: str
    approved_at: datetime


class InstructionsCancelled(msgspec.Struct, frozen=True, gc=False):
    """Somebody does not want what was instructed: nothing of it is sold. The next measurement may instruct anew."""

    strategy: str
    measure_id: str
    by: str
    words: str
    cancelled_at: datetime


class InstructionsExpired(msgspec.Struct, frozen=True, gc=False):
    """Nobody approved what was instructed in time: nothing of it is sold. The next measurement may instruct anew."""

    strategy: str
    measure_id: str
    expired_at: datetime


class InstructionsReleased(msgspec.Struct, frozen=True, gc=False):
    """What came of an approval: the lots that were announced, as they stood then, none where nothing was.

    `sentence` says why the others were not, empty when all were. Values are in `currency`.
    """

    strategy: str
    measure_id: str
    instructions: tuple[Instruction, ...]
    currency: str
    sentence: str
    released_at: datetime


StrategyFact = (
    StrategyMeasured
    | StrategyNotMeasured
    | DustInstructed
    | InstructionsApproved
    | InstructionsCancelled
    | InstructionsExpired
    | InstructionsReleased
)
