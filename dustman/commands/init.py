"""`dustman init`: asks, checks the answers, writes the settings, and puts the key where keys belong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from domain.errors import ConfigurationError
from dustman.exchanges import NAMES
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from dustman.draft import Draft
    from dustman.exchanges.key import Key


class _GivenKey(NamedTuple):
    """What the options say of the key; each is empty where they say nothing."""

    file: str
    name: str
    secret_from_stdin: bool


def init(
    context: typer.Context,
    account: Annotated[str, typer.Option(help="The account's name, of your choice.")] = "main",
    key_file: Annotated[str, typer.Option(help="The key file that the venue gave you; it stays where it is.")] = "",
    key_name: Annotated[str, typer.Option(help="The key's name, or the API key; its secret is asked for.")] = "",
    secret_from_stdin: Annotated[
        bool, typer.Option(help="Read the secret from stdin; a passphrase is its last line.")
    ] = False,
    venue: Annotated[str, typer.Option(help=f"The exchange: {' or '.join(NAMES)}.", show_default="coinbase")] = "",
    base_url: Annotated[str, typer.Option(help="Where the exchange is reached, if simulated: https://….")] = "",
    ca_file: Annotated[str, typer.Option(help="The certificate authority of a simulated exchange.")] = "",
    wallet: Annotated[str, typer.Option(help="The address of a wallet to watch, instead of an exchange.")] = "",
    chain: Annotated[str, typer.Option(help="The wallet's chain: ethereum, arbitrum or base.")] = "",
    endpoint: Annotated[str, typer.Option(help="A node of the chain; env:DUSTMAN_… where the URL is secret.")] = "",
    target: Annotated[str, typer.Option(help="What dust is converted into.", show_default="BTC, or ETH")] = "",
    threshold: Annotated[str, typer.Option(help="Dust is worth less, in USD.", show_default="0.50, or 10")] = "",
    per_day: Annotated[str, typer.Option(help="The most that may be sold in a day.", show_default="50")] = "",
    per_sweep: Annotated[str, typer.Option(help="The most one sweep may sell.", show_default="25")] = "",
    schedule: Annotated[str, typer.Option(help="When to scan, in UTC.", show_default="0 2 * * sun")] = "",
    no_input: Annotated[bool, typer.Option("--no-input", help="Ask nothing: options and defaults.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a settings file and key that are there.")] = False,
    as_json: Json = False,
) -> Exit:
    """Write dustman.yaml, and the key to .env; the key never stands in the settings."""
    from dustman.draft import Draft
    from dustman.wallet_settings import WalletAccount

    config, screen = Invocation.of(context).config, Screen(as_json=as_json)
    if config.exists() and not force:
        raise ConfigurationError(f"{config}: is there already; --force overwrites it")
    given = {"chain": chain, "endpoints": endpoint, "target": target, "threshold": threshold}
    given |= {"per_day": per_day, "per_sweep": per_sweep, "schedule": schedule}
    given |= {"base_url": base_url, "ca_file": ca_file}
    draft = Draft(config, account, {name: answer for name, answer in given.items() if answer})
    asking = sys.stdin.isatty() and not no_input and not secret_from_stdin
    key = _GivenKey(key_file, key_name, secret_from_stdin)
    if wallet:
        draft.become_wallet(wallet)
    elif venue:
        draft.become_exchange(venue)
    elif asking and not any(key):
        draft.ask_for_venue()
    if draft.model is WalletAccount:
        return _watch(draft, screen, asking, force, any(key))
    return _trade(draft, screen, asking, force, key)


def _watch(draft: Draft, screen: Screen, asking: bool, force: bool, keyed: bool) -> Exit:
    """Write the settings of a wallet that is only watched; whoever lets it sell reads first what that means."""
    from dustman.settings import checked

    if keyed:
        raise ConfigurationError("--wallet takes no key: it is watched at first; docs/how-to/wallets.md lets it sell")
    if asking:
        draft.ask_for_rest()
    draft.check()
    checked(draft.config, draft.text().encode(), {})
    draft.write(force)
    told = {"config": draft.config, "account": draft.account, "key_file": None, "variables": []}
    watched = f"Wrote {draft.config} for the wallet {draft.account}. It is only watched: no key is needed."
    screen.show(told, watched, "What lets it sell is in docs/how-to/wallets.md.")
    screen.note("Next: dustman doctor")
    return Exit.DONE


def _trade(draft: Draft, screen: Screen, asking: bool, force: bool, key: _GivenKey) -> Exit:
    """Write the settings of an account at an exchange, and its key to .env where it is in no file of its own."""
    from dustman.environment import write_secrets
    from dustman.exchanges.table import EXCHANGES
    from dustman.keys import checked as checked_key
    from dustman.keys import variables_of
    from dustman.settings import checked, key_prefix

    config, prefix, venue = draft.config, key_prefix(draft.account), draft.model.tag
    file = draft.ask_for_key_file() if asking and not any(key) else key.file
    takes_passphrase = EXCHANGES[venue].takes_passphrase
    made = _key(key, asking, takes_passphrase) if not file and (asking or key.name) else None
    if asking:
        draft.ask_for_rest()
    draft.answers["key"] = file or "env"
    draft.check()
    checked(config, draft.text().encode(), {})
    if file:
        draft.read_key(file)
    secrets: dict[str, str] = {}
    if made is not None:
        checked_key(made, "the secret", venue)
        written = zip(variables_of(venue), (made.name, made.secret, made.passphrase), strict=False)
        secrets = {prefix + variable: value for variable, value in written}
        write_secrets(config.with_name(".env"), secrets, replace=force)
    draft.write(force)
    _tell(screen, config, draft.account, file, list(secrets), f"{prefix}…")
    return Exit.DONE


def _key(key: _GivenKey, asking: bool, takes_passphrase: bool) -> Key:
    from dustman.exchanges.key import Key
    from dustman.interview import ask, ask_secret

    name = key.name
    if not name:
        name = ask("The key's name", "", lambda answer: None if answer else "copy it from where the venue showed it")
    if key.secret_from_stdin:
        told = sys.stdin.read().strip()
        secret, _, passphrase = told.rpartition("\n") if takes_passphrase else (told, "", "")
        return Key(name, secret.strip(), passphrase)
    if not asking:
        raise ConfigurationError("--key-name needs the key's secret: pipe it in and say --secret-from-stdin")
    return Key(name, ask_secret("The key's secret"), ask_secret("Its passphrase") if takes_passphrase else "")


def _tell(screen: Screen, config: Path, account: str, key_file: str, variables: list[str], prefix: str) -> None:
    if key_file:
        where = f"The key stays in {key_file}."
    elif variables:
        where = f"The key is in {config.with_name('.env')}, readable by you alone."
    else:
        where = f"No key yet: set {prefix} in the environment or in {config.with_name('.env')}."
    told = {"config": config, "account": account, "key_file": key_file or None, "variables": variables}
    screen.show(told, f"Wrote {config} for the account {account}.", where, "Nothing is sold before you go live.")
    screen.note("Next: dustman doctor")
