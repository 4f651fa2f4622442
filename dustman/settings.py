"""What the owner decided: dustman.yaml and the environment, read whole and checked whole before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Discriminator, PrivateAttr, Tag, ValidationError, model_validator

from domain.charter import Charter, policy_for
from domain.errors import ConfigurationError
from dustman.document import Document, read_document
from dustman.environment import environment_of
from dustman.forms import (
    AccountName,
    AlarmName,
    Code,
    Count,
    Database,
    Duration,
    EventWord,
    File,
    Folder,
    Fraction,
    Host,
    KeySource,
    LevelName,
    LogUrl,
    NotNegative,
    Patience,
    Port,
    Positive,
    Rate,
    Seconds,
    SecretSource,
    ServerUrl,
    Start,
    Tries,
    Variable,
    VenueName,
    VenueUrl,
    WebhookUrl,
    When,
    Window,
    Yes,
)
from dustman.mistakes import Mistake, Place, found, report
from dustman.section import Caps, Section, all_or_list, rule, setting, word_or
from dustman.strategy_settings import Approval, EquitySource, charter_of, strategies_of
from dustman.wallet_settings import WalletAccount, read_together
from events.money import Amount
from events.values import Policy
from events.webhook import variable_of
from venues.dollars import AT_PAR
from workers.schedule import Every

# Seconds that a signed request stays valid: its `exp` is `nbf` + 120 (Coinbase, API key authentication).
TOKEN_LIFE = 120
OVERRIDES: dict[str, tuple[str, str]] = {
    "DUSTMAN_LOG_URL": ("log", "url"),
    "DUSTMAN_REDIS_URL": ("redis", "url"),
    "DUSTMAN_METRICS_HOST": ("metrics", "host"),
}


class Log(Section):
    """Where the event log is kept."""

    url: LogUrl = setting("sqlite:///var/dustman.db", "The store of the log. DUSTMAN_LOG_URL overrides it.")


class Audit(Section):
    """How the log is signed, so that a change of it shows."""

    key: File = setting(
        "var/audit.key",
        "The file of the key that signs checkpoints; `dustman audit` makes it, readable by its owner alone.",
    )


class Redis(Section):
    """The Redis that carries tasks and the feed of events. Losing it loses nothing: the log is elsewhere."""

    url: ServerUrl = setting("redis://127.0.0.1:6379", "The server. DUSTMAN_REDIS_URL overrides it.")
    broker_db: Database = setting("1", "The database of Celery's queues.")
    feed_db: Database = setting("0", "The database of the event stream, read by subscribers.")
    feed_window: Window = setting(
        "100000",
        "How many of the newest events the stream holds, each in some 1.2 KB of its memory; the log holds all.",
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.broker_db == self.feed_db:
            raise rule("broker_db and feed_db are the same database; give each its own", "broker_db")
        return self

    @property
    def broker_url(self) -> str:
        """Return the URL that Celery connects to, with its password."""
        return self.url.database(self.broker_db)

    @property
    def feed_url(self) -> str:
        """Return the URL of the event stream's database, with its password."""
        return self.url.database(self.feed_db)


class Limits(Section):
    """How fast a venue is asked, for all workers of one key together."""

    requests_per_second: Rate = setting("10", "Requests of one key a second.")
    seconds_between_conversions: Seconds = setting("0.5", "The least time between two orders of one key.")


class Reconcile(Section):
    """How orders whose answer was lost are settled."""

    every: Duration = setting("30 s", "How often the venue is asked what became of them.")
    never_arrived_after: Duration = setting(
        "150 s",
        "How long the venue must know nothing of an order before it counts as never arrived; above 120 s, the life of "
        "Coinbase's request tokens, unless every account is simulated on this machine.",
    )


class Workers(Section):
    """How much `dustman up` does at once; with containers, the commands in docker-compose.yml say it."""

    detector: Count = setting("4", "How many accounts are scanned at once.")
    converter: Count = setting("2", "How many accounts are converted at once, each in a process of some 60 MB.")


class Metrics(Section):
    """Numbers for Prometheus, from one process."""

    host: Host = setting(
        "127.0.0.1",
        "The address they are read at, over plain HTTP and by whoever reaches it. DUSTMAN_METRICS_HOST overrides it.",
    )
    port: Port = setting("9464", "Its port.")


def _metrics(value: object) -> object:
    return word_or("off", 'off, or a mapping such as {port: "9464"}', (dict, Metrics), value)


class Target(Section):
    """Somebody who is told, by a service that apprise knows."""

    url: Variable = setting(
        ...,
        "Where the service's apprise URL is, in the environment or in .env beside this file; never the URL itself, "
        "which has a secret in it.",
    )
    silent_url: Variable | None = setting(
        None, "The same for alerts that make no sound, such as the same chat told so in its URL; else they use `url`."
    )


class Alerts(Section):
    """Who is told of what needs them, and of what."""

    targets: dict[AccountName, Target] = setting(..., "Who is told, by a name of your choice.", min_length=1)
    levels: dict[AlarmName, LevelName] = setting({}, "What becomes of an alarm, where not what docs/reference says.")
    collapse: Duration = setting("1 h", "Alike alarms within this time are one alert and a count.")
    digest: When = setting("0 8 * * *", "When the digest is sent, in UTC, if there is anything in it.")
    unreachable_after: Duration = setting("15 min", "How long a venue may be away.")
    unknown_after: Duration = setting("15 min", "How long a request to a venue may have no final answer.")
    carried_after: Duration = setting("14 d", "How long proceeds may wait for enough to buy the target.")
    scan_overdue_after: Duration = setting("8 d", "How long an account may go without a scan.")
    over_intervals: Tries = setting("3", "How many measurements in a row a strategy's dust may be over its threshold.")
    unroutable_growth: Positive = setting(
        "5", "By how much dust without a way out may grow, in the account's currency."
    )


def _alerts(value: object) -> object:
    return word_or("off", "off, or a mapping such as {targets: {me: {url: env:DUSTMAN_ALERTS}}}", (dict, Alerts), value)


class TopUp(Section):
    """Permission to buy a coin up to its minimum in order to sell all of it."""

    allowance: NotNegative = setting(
        "0",
        "How much of the owner's own hub currency one sweep may lay out; 0 spends carried proceeds only.",
    )


def _top_up(value: object) -> object:
    return word_or("off", 'off, or {allowance: "0"}', (dict, TopUp), value)


class Account(Section):
    """One account at an exchange, and what its owner wants of it."""

    tag: ClassVar[str] = "coinbase"
    host: ClassVar[str] = "api.coinbase.com"

    venue: VenueName = setting(..., "The exchange.")
    key: KeySource = setting(
        "env",
        "Where the API key is: `env` for `DUSTMAN_<ACCOUNT>_KEY_NAME` and `DUSTMAN_<ACCOUNT>_KEY_SECRET` in the "
        "environment or in .env beside this file, or the path of the key file the venue gave you; never the key.",
    )
    base_url: VenueUrl = setting(
        "https://api.coinbase.com", "Where the venue is reached; a simulated one is elsewhere."
    )
    ca_file: File | None = setting(None, "The certificate authority of a simulated venue.")
    permit_other_host: Yes = setting("false", "Permit a `base_url` that is neither the venue nor this machine.")
    target: Code = setting("BTC", "What dust is converted into.")
    currency: Code = setting("USD", "What threshold, caps and gain are counted in.")
    threshold: Positive = setting("0.50", "A holding worth less than this is dust.")
    exclude: tuple[Code, ...] = setting(("USD", "USDC", "USDT", "BTC"), "What is never sold.")
    admit: Annotated[tuple[Code, ...] | None, BeforeValidator(all_or_list('["ETH", "ADA"]'))] = setting(
        "all", "What may be sold with nobody watching: `all`, or a list of codes."
    )
    reserve: dict[Code, Positive] = setting({}, "How much of a coin always stays, by code.")
    hubs: tuple[Code, ...] = setting(
        ("USDC", "USD"), "The currencies that sales may be paid in, best first.", min_length=1
    )
    caps: Caps = setting({}, "The most that is sold without asking.")
    taker_fee: Fraction = setting("0.012", "The venue's fee for estimates; its preview decides.")
    minimum_gain: NotNegative = setting("0", "What must be left of a lot after fees and spread, at least.")
    top_up: Annotated[TopUp | None, BeforeValidator(_top_up)] = setting(
        "off", "Buying a coin up to its minimum in order to sell all of it."
    )
    schedule: When = setting("0 2 * * sun", "When the account is scanned, in UTC.")

    @model_validator(mode="after")
    def _known_host(self) -> Self:
        there = self.base_url
        if there.host != self.host and not there.loopback and not self.permit_other_host:
            raise rule(f"leads to {there.host}, not to {self.host}; permit_other_host: true allows it", "base_url")
        return self

    def policy(self) -> Policy:
        """Return what the owner wants, with assets named as the record names them: `coinbase:BTC`."""
        return Policy(
            target=self._asset(self.target),
            threshold=self.threshold,
            currency=self.currency,
            excluded=self._assets(self.exclude),
            hubs=self._assets(self.hubs),
            sweep_cap=self.caps.per_sweep,
            day_cap=self.caps.per_day,
            reserves=tuple(Amount(quantity, self._asset(code)) for code, quantity in sorted(self.reserve.items())),
            admitted=None if self.admit is None else self._assets(self.admit),
            taker_fee=self.taker_fee,
            minimum_gain=self.minimum_gain,
            top_up=None if self.top_up is None else self.top_up.allowance,
        )

    def _asset(self, code: str) -> str:
        return f"{self.venue}:{code}"

    def _assets(self, codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self._asset, codes))


class SmallBalances(Section):
    """The venue's own exchange of small balances: what markets are too coarse for, many coins in one request."""

    pays: Code | None = setting(None, "What it pays in: the target, or one of `hubs`; without it the target.")
    classic: Yes = setting("false", "Use the older endpoint, which pays in BNB and takes no id of the request.")


def _small_balances(value: object) -> object:
    return word_or("off", "off, or {pays: BNB, classic: true}", (dict, SmallBalances), value)


class BinanceAccount(Account):
    """One spot account at Binance, and what its owner wants of it."""

    tag: ClassVar[str] = "binance"
    host: ClassVar[str] = "api.binance.com"

    base_url: VenueUrl = setting("https://api.binance.com", "Where the venue is reached; a simulated one is elsewhere.")
    exclude: tuple[Code, ...] = setting(("USD", "USDT", "USDC", "BTC", "BNB"), "What is never sold.")
    hubs: tuple[Code, ...] = setting(
        ("USDT", "USDC"), "The dollar coins that sales may be paid in, best first.", min_length=1
    )
    taker_fee: Fraction = setting("0.001", "The venue's fee for estimates; what the account pays decides.")
    small_balances: Annotated[SmallBalances | None, BeforeValidator(_small_balances)] = setting(
        {}, "The venue's own exchange of small balances, or `off`."
    )

    @model_validator(mode="after")
    def _in_dollars(self) -> Self:
        if others := [hub for hub in self.hubs if hub not in AT_PAR]:
            raise rule(f"has {others[0]}, which is no dollar coin; caps count a hub as {self.currency}", "hubs")
        return self

    @model_validator(mode="after")
    def _paid_in_what_leads_on(self) -> Self:
        small = self.small_balances
        if small is not None and self.pays not in {self.target, *self.hubs}:
            raise rule(f"pays {self.pays}, which is neither the target nor one of hubs", "small_balances", "pays")
        if small is not None and small.classic and self.pays != "BNB":
            raise rule(f"is true, but pays is {self.pays}: the older endpoint pays in BNB", "small_balances", "classic")
        return self

    @property
    def pays(self) -> str:
        """Return what small balances are paid in."""
        return (self.small_balances.pays if self.small_balances else None) or self.target


class Webhook(Section):
    """A receiver of the log's events over HTTP: each in order, at least once, signed with a secret both know."""

    url: WebhookUrl = setting(..., "Where events are sent; shown without path and query, which may hold a secret.")
    secret: SecretSource = setting(
        "env",
        "Where the secret is, `whsec_` and 24 to 64 random bytes in Base64: `env` for `DUSTMAN_WEBHOOK_<NAME>_SECRET` "
        "in the environment or in .env beside this file, or the path of a file; never the secret. Two secrets with a "
        "space between, while it is changed, sign both.",
    )
    types: tuple[EventWord, ...] = setting((), "The types of events that are sent; all when empty.")
    start: Start = setting(
        "now", "What is sent first, read when the name is new: what comes from now on, all there is, or a position on."
    )
    tries: Tries = setting(
        "12", "How often an event is sent before it is parked and the next one goes on; 12 take half an hour."
    )
    timeout: Patience = setting("10", "How long a try may take.")
    ca_file: File | None = setting(None, "The certificate authority of a receiver that no public one vouches for.")


def _tag(value: object) -> str:
    """Tell a wallet by its venue; whatever else stands there is read, and complained about, as an exchange."""
    if isinstance(value, WalletAccount) or (isinstance(value, Mapping) and value.get("venue") == WalletAccount.tag):
        return WalletAccount.tag
    if isinstance(value, BinanceAccount) or (isinstance(value, Mapping) and value.get("venue") == BinanceAccount.tag):
        return BinanceAccount.tag
    return Account.tag


AnyAccount = Annotated[
    Annotated[Account, Tag(Account.tag)]
    | Annotated[BinanceAccount, Tag(BinanceAccount.tag)]
    | Annotated[WalletAccount, Tag(WalletAccount.tag)],
    Discriminator(_tag),
]


class Settings(Section):
    """Everything the owner decided.

    Secrets are read with it, shown nowhere, and given out by `secret` alone.
    """

    log: Log = setting({}, "Where the event log is kept.")
    audit: Audit = setting({}, "How the log is signed, so that a change of it shows.")
    redis: Redis = setting({}, "The Redis that carries tasks and the feed of events.")
    limits: Limits = setting({}, "How fast a venue is asked.")
    reconcile: Reconcile = setting({}, "How orders whose answer was lost are settled.")
    workers: Workers = setting({}, "How much `dustman up` does at once.")
    strategies: Folder | None = setting(
        None, "The folder of the strategies' files, one each: strategies/NAME.yaml below."
    )
    equity: dict[AccountName, EquitySource] = setting(
        {}, "Who knows a strategy's equity, by its name; that of others is computed from their accounts' holdings."
    )
    approval: dict[AccountName, Approval] = setting(
        {}, "Strategies whose instructions wait for somebody's approval, by name; those of others are sold at once."
    )
    webhooks: dict[AccountName, Webhook] = setting({}, "The receivers of events over HTTP, by a name of your choice.")
    metrics: Annotated[Metrics | None, BeforeValidator(_metrics)] = setting("off", "Numbers for Prometheus.")
    alerts: Annotated[Alerts | None, BeforeValidator(_alerts)] = setting("off", "Who is told of what needs them.")
    accounts: dict[AccountName, AnyAccount] = setting(..., "The accounts, by a name of your choice.", min_length=1)
    _environment: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _charters: Mapping[str, Charter] = PrivateAttr(default_factory=dict)
    _schedules: Mapping[str, Every] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _patient(self) -> Self:
        real = any(not account.base_url.loopback for account in self.exchanges.values())
        if real and self.reconcile.never_arrived_after <= TOKEN_LIFE:
            raise rule(
                f"must be above {TOKEN_LIFE} s: until then a delayed request can still take effect at a real venue",
                "reconcile",
                "never_arrived_after",
            )
        return self

    @model_validator(mode="after")
    def _distinct_keys(self) -> Self:
        prefixes: dict[str, str] = {}
        for name in (name for name, account in self.exchanges.items() if account.key == "env"):
            other = prefixes.setdefault(key_prefix(name), name)
            if other != name:
                raise rule(f"shares the variables {key_prefix(name)}… with {other}; rename one", "accounts", name)
        return self

    @model_validator(mode="after")
    def _distinct_webhooks(self) -> Self:
        variables: dict[str, str] = {}
        for name in (name for name, webhook in self.webhooks.items() if webhook.secret == "env"):
            other = variables.setdefault(variable_of(name), name)
            if other != name:
                raise rule(f"shares the variable {variable_of(name)} with {other}; rename one", "webhooks", name)
        return self

    def webhook(self, name: str) -> Webhook:
        """Return a webhook by its name; `ConfigurationError` lists those there are."""
        if name not in self.webhooks:
            there = ", ".join(self.webhooks) or "none"
            raise ConfigurationError(f"there is no webhook {name!r}; the settings have {there}")
        return self.webhooks[name]

    def target(self, name: str) -> Target:
        """Return a target of alerts by its name; `ConfigurationError` lists those there are."""
        targets = self.alerts.targets if self.alerts else {}
        if name not in targets:
            raise ConfigurationError(f"there is no target {name!r}; the settings have {', '.join(targets) or 'none'}")
        return targets[name]

    @property
    def exchanges(self) -> Mapping[str, Account]:
        """Return the accounts at exchanges."""
        return {name: account for name, account in self.accounts.items() if isinstance(account, Account)}

    @property
    def wallets(self) -> Mapping[str, WalletAccount]:
        """Return the accounts that are wallets."""
        return {name: account for name, account in self.accounts.items() if isinstance(account, WalletAccount)}

    def labels(self, name: str) -> Mapping[str, str]:
        """Return what people call the assets of an account, where our list of contracts knows better than the asset."""
        account = self.account(name)
        return account.labels() if isinstance(account, WalletAccount) else {}

    def all_labels(self) -> Mapping[str, str]:
        """Return the same for all accounts."""
        return {asset: label for name in self.accounts for asset, label in self.labels(name).items()}

    def exchange(self, name: str) -> Account:
        """Return an account at an exchange by its name; `ConfigurationError` for a wallet."""
        account = self.account(name)
        if not isinstance(account, Account):
            raise ConfigurationError(f"account {name}: is a wallet, not an account at an exchange")
        return account

    def wallet(self, name: str) -> WalletAccount:
        """Return an account that is a wallet by its name; `ConfigurationError` for one at an exchange."""
        account = self.account(name)
        if not isinstance(account, WalletAccount):
            raise ConfigurationError(f"account {name}: is at {account.venue}, not a wallet")
        return account

    def account(self, name: str) -> Account | WalletAccount:
        """Return an account by its name; `ConfigurationError` lists those there are."""
        if name not in self.accounts:
            raise ConfigurationError(f"there is no account {name!r}; the settings have {', '.join(self.accounts)}")
        return self.accounts[name]

    @property
    def charters(self) -> Mapping[str, Charter]:
        """Return the strategies, in the assets of their accounts."""
        return self._charters

    @property
    def intervals(self) -> Mapping[str, Every]:
        """Return how often each strategy is measured."""
        return self._schedules

    def charter(self, name: str) -> Charter:
        """Return a strategy by its name; `ConfigurationError` lists those there are."""
        if name not in self._charters:
            there = ", ".join(self._charters) or "none"
            raise ConfigurationError(f"there is no strategy {name!r}; the settings have {there}")
        return self._charters[name]

    def strategies_with(self, account: str) -> tuple[str, ...]:
        """Name the strategies that hold things in an account."""
        return tuple(name for name, charter in self._charters.items() if account in charter.accounts)

    def together(self) -> Mapping[str, tuple[str, ...]]:
        """Say of each account which are read in the same requests; those of strategies are read for each by itself."""
        return read_together(self.accounts, {name for name in self.accounts if self.strategies_with(name)})

    def policy(self, account: str) -> Policy:
        """Return what is wanted of an account: by its owner, and by the strategies that hold things in it."""
        return policy_for(account, self.account(account).policy(), self._charters.values())

    def read_strategies(self) -> None:
        """Read the strategies' files; `ConfigurationError` names what is wrong with them."""
        read = strategies_of(self.strategies, self) if self.strategies else {}
        for key, named in (("equity", self.equity), ("approval", self.approval)):
            if unknown := [name for name in named if name not in read]:
                there = ", ".join(read) or "none"
                raise ConfigurationError(f"{key}: there is no strategy {unknown[0]!r}; the folder has {there}")
        self._charters = {name: charter_of(name, each, self) for name, each in read.items()}
        self._schedules = {name: Every(each.dust_monitoring_interval) for name, each in read.items()}

    def chosen(self, account: str) -> list[str]:
        """Return the names a command is about: the one that was named, or all."""
        return [account] if account and self.account(account) else list(self.accounts)

    def secret(self, variable: str) -> str | None:
        """Return what the environment or .env gives for a variable."""
        return self._environment.get(variable)


def key_prefix(account: str) -> str:
    """Return what the names of an account's key variables start with: `DUSTMAN_MY_ACCOUNT_KEY_`."""
    return f"DUSTMAN_{account.upper().replace('-', '_')}_KEY_"


def load(config: Path, environment: Mapping[str, str]) -> Settings:
    """Read the settings file, .env beside it and the environment, or raise `ConfigurationError` with every mistake."""
    return checked(config, _content(config), environment)


def checked(config: Path, content: bytes, environment: Mapping[str, str]) -> Settings:
    """Read what stands, or is about to stand, in the file `config`."""
    document = read_document(content)
    everything = environment_of(config.with_name(".env"), environment)
    if any(not mistake.place for mistake in document.mistakes):
        raise ConfigurationError(report(str(config), document.mistakes, {}))
    origins = _override(document, everything)
    try:
        settings = Settings.model_validate(document.values, context=config.absolute().parent)
    except ValidationError as error:
        found_there = [Mistake(document.line(place), place, words) for place, words in found(error, Settings)]
        raise ConfigurationError(report(str(config), [*document.mistakes, *found_there], origins)) from None
    if document.mistakes:
        raise ConfigurationError(report(str(config), document.mistakes, origins))
    settings._environment = everything
    settings.read_strategies()
    return settings


def _content(config: Path) -> bytes:
    try:
        return config.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"{config}: there is no such file; `dustman init` writes one") from None
    except OSError as error:
        raise ConfigurationError(f"{config}: cannot be read, {error.strerror}") from None


def _override(document: Document, environment: Mapping[str, str]) -> dict[Place, str]:
    """Put what the environment says in the place of what is written, and say which variable each value came from."""
    origins: dict[Place, str] = {}
    for variable, (section, key) in OVERRIDES.items():
        values: Any = document.values.setdefault(section, {}) if variable in environment else None
        if isinstance(values, dict):
            values[key] = environment[variable]
            origins[section, key] = variable
    return origins
