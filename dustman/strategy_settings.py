"""Strategies: a folder of files, one for each, checked against the accounts that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError, model_validator

from domain.charter import TOLERANCE, Charter
from domain.errors import ConfigurationError
from dustman.document import Document, read_document
from dustman.forms import AccountName, Duration, Fraction, WebhookUrl, Yes, name_of
from dustman.mistakes import Mistake, found, report
from dustman.section import Section, rule, setting
from dustman.strategy_forms import (
    Interval,
    LstType,
    Mode,
    RedisKey,
    Share,
    ShareClass,
    StrategyAsset,
    Ticker,
    VenueWord,
)
from dustman.wallet_settings import WalletAccount
from venues.evm.registry import ETH, Chain, asset_of

if TYPE_CHECKING:
    from dustman.exchanges.account import Account
    from dustman.settings import Settings

ENDING = ".yaml"
# What a strategy's word means as tokens of a chain; each form of the same thing is held on purpose.
ON_CHAIN: Mapping[str, tuple[str, ...]] = {
    "ETH": (ETH, "WETH"),
    "BTC": ("WBTC", "cbBTC"),
    "USDT": ("USDT",),
    "weeth": ("weETH", "eETH"),
    "wsteth": ("wstETH", "stETH"),
    "none": (),
}
AT_EXCHANGE: Mapping[str, tuple[str, ...]] = {"weeth": ("WEETH",), "wsteth": ("WSTETH",), "none": ()}


class EquitySource(Section):
    """Who knows a strategy's equity: a key of the feed's Redis, or a URL. Without one it is computed.

    What stands there is JSON, `{"equity": "1234.56", "currency": "USD", "as_of": "2026-03-01T12:00:00Z"}`.
    """

    redis: RedisKey | None = setting(None, "The key of the feed's Redis that holds it.")
    url: WebhookUrl | None = setting(None, "Where it is fetched; https, or this machine.")
    max_age: Duration = setting("10 min", "How old it may be.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.redis is None) == (self.url is None):
            raise rule("has neither redis nor url, or both; write one of them")
        return self


class Approval(Section):
    """A strategy whose instructions wait: nothing of them is sold before somebody approves them."""

    expires_after: Duration = setting("10 min", "How long they wait; then they are void.")


class Strategy(Section):
    """One strategy, in a file of its own in the folder `strategies`; the file's name is the strategy's."""

    mode: Mode = setting(..., "What the team calls its way of earning; only passed on with events.")
    share_class: ShareClass = setting(..., "What the strategy is counted in; never guessed from `mode`.")
    asset: StrategyAsset = setting(..., "What it works with.")
    lst_type: LstType = setting(..., "The staking token that it holds.")
    staking_enabled: Yes = setting(..., "Whether it stakes; only staked weeth brings rewards, which are then sold.")
    dust_delta: Share = setting(..., "What share of its equity dust may be worth: 0.002 are 20 basis points.")
    dust_monitoring_interval: Interval = setting(..., "How often dust is held against equity, in seconds.")
    dust_conversion_venue: VenueWord | None = setting(None, "The venue that is preferred for what lies there.")
    dust_conversion_path: tuple[Ticker, ...] = setting(
        (), "The path that is preferred: a token, which stands for every lot, and the steps to what it becomes."
    )
    dust_path_tolerance: Fraction = setting(
        str(TOLERANCE), "What part of the best way's net the preferred path may bring less, to be taken nevertheless."
    )
    accounts: tuple[AccountName, ...] = setting(..., "The accounts it holds things in.", min_length=1)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.lst_type != "none" and self.asset != "ETH":
            raise rule(f"{self.lst_type} is a staking token of ETH, but asset is {self.asset}", "lst_type")
        if self.staking_enabled and self.lst_type == "none":
            raise rule("staking_enabled is true, so a staking token is held; name it", "lst_type")
        path = self.dust_conversion_path
        if path and (len(path) < 2 or len(set(path)) < len(path)):
            raise rule("is no way from one token to another; write at least two, each once", "dust_conversion_path")
        if path and path[-1] not in (self.share_class, self.asset):
            ends = " or ".join(sorted({self.share_class, self.asset}))
            raise rule(f"ends in {path[-1]}, which is dust again; end it in {ends}", "dust_conversion_path")
        if len(set(self.accounts)) < len(self.accounts):
            raise rule("names an account twice", "accounts")
        return self


def strategies_of(folder: Path, settings: Settings) -> dict[str, Strategy]:
    """Read every file of the folder; `ConfigurationError` names file, line and key of every mistake in the first
    file that has any."""
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ConfigurationError(f"strategies: {folder} cannot be read, {error.strerror}") from None
    return {_name(path): _strategy(path, settings) for path in files}


def _name(path: Path) -> str:
    try:
        if path.suffix != ENDING:
            raise ValueError(path.name)
        return name_of(path.stem)
    except ValueError:
        sentence = f"is no strategy: up to 32 letters, digits, dashes and underscores, and {ENDING}"
        raise ConfigurationError(f"{path}: {sentence}") from None


def _strategy(path: Path, settings: Settings) -> Strategy:
    try:
        document = read_document(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read, {error.strerror}") from None
    try:
        if any(not mistake.place for mistake in document.mistakes):
            raise ConfigurationError(report(str(path), document.mistakes, {}))
        read = Strategy.model_validate(document.values)
    except ValidationError as error:
        there = [Mistake(document.line(place), place, words) for place, words in found(error, Strategy)]
        raise ConfigurationError(report(str(path), [*document.mistakes, *there], {})) from None
    if mistakes := [*document.mistakes, *_misplaced(read, settings, document)]:
        raise ConfigurationError(report(str(path), mistakes, {}))
    return read


def _misplaced(strategy: Strategy, settings: Settings, document: Document) -> Iterator[Mistake]:
    """Hold a strategy against its accounts: they exist, count alike, and convert into what is not dust."""
    known = []
    for index, name in enumerate(strategy.accounts):
        place = ("accounts", index)
        if name not in settings.accounts:
            yield Mistake(
                document.line(place), place, f"there is no account {name!r}; there are {', '.join(settings.accounts)}"
            )
            continue
        account = settings.accounts[name]
        known.append(account.policy().currency)
        if account.policy().target not in belonging(strategy, account):
            words = f"{name} converts into {account.target}, which is dust again; set its target to one of "
            yield Mistake(document.line(place), place, words + ", ".join(_words(strategy)))
    if len(set(known)) > 1:
        yield Mistake(
            document.line(("accounts",)),
            ("accounts",),
            f"count in {' and in '.join(sorted(set(known)))}; one currency is needed",
        )


def _words(strategy: Strategy) -> list[str]:
    return sorted({strategy.share_class, strategy.asset})


def belonging(strategy: Strategy, account: Account | WalletAccount) -> tuple[str, ...]:
    """Name the assets in an account that a strategy holds on purpose, in every form that the chain knows of them."""
    words = (strategy.share_class, strategy.asset, strategy.lst_type)
    if isinstance(account, WalletAccount):
        return tuple(sorted({asset for word in words for asset in _tokens(account.where(), ON_CHAIN[word])}))
    codes = {code for word in words for code in AT_EXCHANGE.get(word, (word,))}
    return tuple(sorted(f"{account.venue}:{code}" for code in codes))


def _tokens(chain: Chain, symbols: tuple[str, ...]) -> Iterator[str]:
    yield from (asset_of(chain, symbol) for symbol in symbols if symbol == ETH or symbol in chain.tokens)


def charter_of(name: str, strategy: Strategy, settings: Settings) -> Charter:
    """Return a strategy in the assets of its accounts."""
    accounts = {account: settings.accounts[account] for account in strategy.accounts}
    steps = {account: _steps(strategy.dust_conversion_path, ours) for account, ours in accounts.items()}
    return Charter(
        name=name,
        mode=strategy.mode,
        share_class=strategy.share_class,
        asset=strategy.asset,
        lst=strategy.lst_type,
        staking=strategy.staking_enabled,
        delta=strategy.dust_delta,
        accounts=strategy.accounts,
        belongs={account: belonging(strategy, ours) for account, ours in accounts.items()},
        venue=strategy.dust_conversion_venue or "",
        prefers_path=bool(strategy.dust_conversion_path),
        steps={account: path for account, path in steps.items() if path},
        tolerance=strategy.dust_path_tolerance,
    )


def _steps(path: tuple[str, ...], account: Account | WalletAccount) -> tuple[str, ...]:
    """Name the steps of a path after its first in an account's assets, nothing where one of them is not known."""
    if not isinstance(account, WalletAccount):
        return tuple(f"{account.venue}:{code}" for code in path[1:])
    chain = account.where()
    symbols = {symbol.upper(): symbol for symbol in (ETH, *chain.tokens)}
    if not path or any(step.upper() not in symbols for step in path[1:]):
        return ()
    *middle, last = path[1:]
    end = account.target if account.target in ON_CHAIN.get(last, ()) else symbols[last.upper()]
    return tuple(asset_of(chain, step) for step in (*(symbols[step.upper()] for step in middle), end))
