"""What the owner decided: dustman.yaml and the environment, read whole and checked whole before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Discriminator, PrivateAttr, Tag, ValidationError, model_validator

from domain.errors import ConfigurationError
from dustman.document import Document, read_document
from dustman.environment import environment_of
from dustman.forms import (
    AccountName,
    Code,
    Count,
    Database,
    Duration,
    EventWord,
    File,
    Fraction,
    KeySource,
    LogUrl,
    NotNegative,
    Patience,
    Positive,
    Rate,
    Seconds,
    SecretSource,
    ServerUrl,
    Start,
    Tries,
    VenueName,
    VenueUrl,
    WebhookUrl,
    When,
    Window,
    Yes,
)
from dustman.mistakes import Mistake, Place, found, report
from dustman.section import Caps, Section, all_or_list, rule, setting, word_or
from dustman.wallet_settings import WalletAccount
from events.money import Amount
from events.values import Policy
from events.webhook import variable_of

HOST = "api.coinbase.com"
# Seconds that a signed request stays valid: its `exp` is `nbf` + 120 (Coinbase, API key authentication).
TOKEN_LIFE = 120
OVERRIDES: dict[str, tuple[str, str]] = {"DUSTMAN_LOG_URL": ("log", "url"), "DUSTMAN_REDIS_URL": ("redis", "url")}


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

    venue: VenueName = setting(..., "The exchange.")
    key: KeySource = setting(
        "env",
        "Where the API key is: `env` for `DUSTMAN_<ACCOUNT>_KEY_NAME` and `DUSTMAN_<ACCOUNT>_KEY_SECRET` in the "
        "environment or in .env beside this file, or the path of the key file the venue gave you; never the key.",
    )
    base_url: VenueUrl = setting(f"https://{HOST}", "Where the venue is reached; a simulated one is elsewhere.")
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
        if self.base_url.host != HOST and not self.base_url.loopback and not self.permit_other_host:
            raise rule(f"leads to {self.base_url.host}, not to {HOST}; permit_other_host: true allows it", "base_url")
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
    return Account.tag


AnyAccount = Annotated[
    Annotated[Account, Tag(Account.tag)] | Annotated[WalletAccount, Tag(WalletAccount.tag)], Discriminator(_tag)
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
    webhooks: dict[AccountName, Webhook] = setting({}, "The receivers of events over HTTP, by a name of your choice.")
    accounts: dict[AccountName, AnyAccount] = setting(..., "The accounts, by a name of your choice.", min_length=1)
    _environment: Mapping[str, str] = PrivateAttr(default_factory=dict)

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
