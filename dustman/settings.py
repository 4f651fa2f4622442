"""What the owner decided: dustman.yaml and the environment, read whole and checked whole before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Discriminator, PrivateAttr, Tag, ValidationError, model_validator

from domain.charter import Charter, policy_for
from domain.errors import ConfigurationError
from dustman.document import Document, read_document
from dustman.environment import environment_of
from dustman.exchanges.account import Account
from dustman.exchanges.coinbase import CoinbaseAccount
from dustman.exchanges.table import EXCHANGES, AnyExchange
from dustman.forms import AccountName, Folder
from dustman.mistakes import Mistake, Place, found, report
from dustman.section import Section, rule, setting
from dustman.service_settings import (
    Alerts,
    Audit,
    Limits,
    Log,
    Metrics,
    Reconcile,
    Redis,
    Target,
    Webhook,
    Workers,
    alerts_or_off,
    metrics_or_off,
)
from dustman.strategy_settings import Approval, EquitySource, charter_of, strategies_of
from dustman.wallet_settings import WalletAccount, read_together
from events.values import Policy
from events.webhook import variable_of
from workers.schedule import Every

# Seconds that a signed request stays valid: its `exp` is `nbf` + 120 (Coinbase, API key authentication).
TOKEN_LIFE = 120
OVERRIDES: dict[str, tuple[str, str]] = {
    "DUSTMAN_LOG_URL": ("log", "url"),
    "DUSTMAN_REDIS_URL": ("redis", "url"),
    "DUSTMAN_METRICS_HOST": ("metrics", "host"),
}


def _tag(value: object) -> str:
    """Tell an account's kind by its venue; one that is not known is read, and complained about, as Coinbase's."""
    if isinstance(value, Account | WalletAccount):
        return value.tag
    venue = value.get("venue") if isinstance(value, Mapping) else None
    return next((tag for tag in (WalletAccount.tag, *EXCHANGES) if tag == venue), CoinbaseAccount.tag)


AnyAccount = Annotated[AnyExchange | Annotated[WalletAccount, Tag(WalletAccount.tag)], Discriminator(_tag)]


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
    metrics: Annotated[Metrics | None, BeforeValidator(metrics_or_off)] = setting("off", "Numbers for Prometheus.")
    alerts: Annotated[Alerts | None, BeforeValidator(alerts_or_off)] = setting("off", "Who is told of what needs them.")
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
