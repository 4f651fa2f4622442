"""What a worker works with: log, accounts, venues, clock. Made once per process, after the fork."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.account import Account
from domain.chain import Chain
from domain.charter import Charter
from domain.claim import ClaimSigner
from domain.commands import Command
from domain.equity import Computed, EquitySource
from domain.errors import ConfigurationError
from domain.strategy import Strategy, StrategyCommand
from domain.treasury import Treasurer, Treasury
from domain.venue import SmallBalanceDesk, Venue
from events.log import EventLog
from events.subscription import Subscription
from events.values import Policy
from workers.handling import ACCOUNTS, STRATEGIES, Streams
from workers.schedule import Every, Schedule


@dataclass(frozen=True, slots=True)
class Mandate:
    """One account as its owner set it up; one that belongs to `strategies` is scanned when they are measured.

    `together` names all that are read in the same requests, this one too.
    """

    account: str
    venue: str
    policy: Policy
    schedule: Schedule
    together: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """The parts a worker needs, handed in by the composition root.

    `worker` is a name that no other desk has. `publish` brings new events to the feed and never raises for an
    unreachable feed; `nudge` tells a role that there may be work and may be lost; `announcements` is this worker's
    part of the feed. `sleep` waits the given seconds. An intent younger than `hold` is left to whoever recorded it.
    `charters` are the strategies, measured at `intervals`; `equity` finds who knows what one is worth. What those of
    `approvals` instruct waits so long for approval.
    `planned_on` is by sweep what this worker has planned a conversion on that it begins at once, `seen` by account what
    it saw for a status.
    """

    worker: str
    log: EventLog
    mandates: Mapping[str, Mandate]
    open_venue: Callable[[str], Venue]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    publish: Callable[[], None]
    nudge: Callable[[str, str], None]
    announcements: Callable[[], Subscription]
    hold: timedelta = timedelta(seconds=5)
    charters: Mapping[str, Charter] = field(default_factory=dict)
    intervals: Mapping[str, Every] = field(default_factory=dict)
    approvals: Mapping[str, timedelta] = field(default_factory=dict)
    equity: Callable[[str], EquitySource] = lambda _: Computed()
    streams: Streams[Account, Command] = field(init=False)
    strategies: Streams[Strategy, StrategyCommand] = field(init=False)
    trusted: set[str] = field(default_factory=set, init=False)
    planned_on: dict[str, Treasury] = field(default_factory=dict, init=False)
    seen: dict[str, Treasury] = field(default_factory=dict, init=False)
    _venues: dict[str, Venue] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "streams", Streams(ACCOUNTS, self.log, self.clock, self.publish))
        object.__setattr__(self, "strategies", Streams(STRATEGIES, self.log, self.clock, self.publish))

    def mandate(self, account: str) -> Mandate:
        """Return an account's mandate; `ConfigurationError` names the accounts there are."""
        if account not in self.mandates:
            raise ConfigurationError(f"account: there is no {account!r}; the settings have {', '.join(self.mandates)}")
        return self.mandates[account]

    def charter(self, strategy: str) -> Charter:
        """Return a strategy's charter; `ConfigurationError` names the strategies there are."""
        if strategy not in self.charters:
            there = ", ".join(self.charters) or "none"
            raise ConfigurationError(f"strategy: there is no {strategy!r}; the settings have {there}")
        return self.charters[strategy]

    def is_chain(self, account: str) -> bool:
        """Say whether the account's venue takes transactions."""
        return isinstance(self.venue(account), Chain)

    def venue(self, account: str) -> Venue:
        """Return the account's venue, opened on first use."""
        if account not in self._venues:
            self._venues[account] = self.open_venue(account)
        return self._venues[account]

    def small_balances(self, account: str) -> SmallBalanceDesk:
        """Return the account's venue as what exchanges small balances; `ConfigurationError` for one that does not."""
        venue = self.venue(account)
        if not isinstance(venue, SmallBalanceDesk):
            raise ConfigurationError(f"account: {account!r} is at {venue.name}, which exchanges no small balances")
        return venue

    def treasurer(self, account: str) -> Treasurer:
        """Return the account's venue as what trades are funded at; `ConfigurationError` for one that does not."""
        venue = self.venue(account)
        if not isinstance(venue, Treasurer) or self.mandates[account].policy.funding is None:
            raise ConfigurationError(f"account: {account!r} has no `funding` in the settings, which wallets may have")
        return venue

    def chain(self, account: str) -> Chain:
        """Return the account's venue as what sends transactions; `ConfigurationError` for one that takes orders."""
        venue = self.venue(account)
        if not isinstance(venue, Chain):
            raise ConfigurationError(f"account: {account!r} is at {venue.name}, which takes orders, not transactions")
        return venue

    def claim_signer(self, account: str) -> ClaimSigner:
        """Return the account's venue as what claims rewards; `ConfigurationError` for one that has none to claim."""
        venue = self.venue(account)
        if not isinstance(venue, ClaimSigner):
            raise ConfigurationError(f"account: {account!r} is at {venue.name}, where nothing is claimed with its key")
        return venue
