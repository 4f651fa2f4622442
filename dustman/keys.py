"""Secrets, an account's API key and a webhook's: found where settings say, checked for their form, shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path

from domain.errors import ConfigurationError
from dustman.exchanges.key import Key
from dustman.exchanges.table import EXCHANGES
from dustman.secret import conceal
from dustman.settings import Settings, key_prefix
from events.webhook import ACCEPTED, Secret, variable_of


def key_of(settings: Settings, account: str) -> Key:
    """Read an account's key; `ConfigurationError` says what is missing and where it belongs."""
    ours = settings.exchange(account)
    source = ours.key
    if isinstance(source, Path):
        return read_key_file(source, ours.tag)
    found = {part: settings.secret(key_prefix(account) + part) or "" for part in variables_of(ours.tag)}
    for part, value in found.items():
        if not value:
            raise ConfigurationError(
                f"account {account}: {key_prefix(account)}{part} is not set; set it in the environment or in .env "
                f"beside the settings, or give accounts.{account}.key the path of a key file"
            )
    parts = Key(found["NAME"], found["SECRET"], found.get("PASSPHRASE", ""))
    return checked(parts, f"{key_prefix(account)}SECRET", ours.tag)


def variables_of(venue: str) -> tuple[str, ...]:
    """Say what the variables of an exchange's key end with."""
    return ("NAME", "SECRET", "PASSPHRASE") if EXCHANGES[venue].takes_passphrase else ("NAME", "SECRET")


def webhook_secret(settings: Settings, webhook: str) -> Secret:
    """Read a webhook's secret; `ConfigurationError` says what is missing and where it belongs."""
    source = settings.webhook(webhook).secret
    if isinstance(source, Path):
        where, text = str(source), _text_of(source)
    else:
        where, text = variable_of(webhook), settings.secret(variable_of(webhook)) or ""
    for word in text.split():
        conceal(word)
    if not text.strip():
        raise ConfigurationError(
            f"webhook {webhook}: {where} holds no secret; set it in the environment or in .env beside the settings, or "
            f"give webhooks.{webhook}.secret the path of a file that holds {ACCEPTED}"
        )
    try:
        return Secret.read(text)
    except ValueError:
        raise ConfigurationError(f"{where}: what stands there (not shown) is not {ACCEPTED}") from None


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read, {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from None


def read_key_file(path: Path, venue: str) -> Key:
    """Read a key file, `{"name": ..., "privateKey": ...}`: Coinbase gives it out, others write it by hand.

    A key that has a passphrase has it there too, as `"passphrase"`.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such key file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read, {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{path}: is not JSON") from None
    takes_passphrase = EXCHANGES[venue].takes_passphrase
    match content:
        case {"name": str(name), "privateKey": str(secret), "passphrase": str(passphrase)} if takes_passphrase:
            parts = Key(name, secret, passphrase)
        case {"name": str(name), "privateKey": str(secret)} if not takes_passphrase:
            parts = Key(name, secret)
        case _:
            parts = Key("", "")
    if not (parts.name and parts.secret):
        third = ', "passphrase": "…"' if takes_passphrase else ""
        raise ConfigurationError(f'{path}: is not a key file, {{"name": "…", "privateKey": "…"{third}}}')
    return checked(parts, str(path), venue)


def checked(parts: Key, source: str, venue: str) -> Key:
    """Return the key when its private half can sign for the venue; `source` says in errors where it came from."""
    # One-line forms of a PEM, as they stand in JSON and .env files, carry their line ends as two characters.
    key = Key(parts.name, parts.secret.replace("\\n", "\n").strip(), parts.passphrase.strip())
    conceal(key.secret)
    conceal(key.passphrase)
    try:
        EXCHANGES[venue].check_key(key)
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error}") from None
    return key
