"""The key of a wallet: found where the settings say, unlocked once for each process, shown nowhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ConfigurationError
from dustman.secret import conceal
from dustman.settings import Settings, key_prefix

if TYPE_CHECKING:
    from venues.evm.signer import LocalSigner


def signer_of(settings: Settings, account: str) -> LocalSigner:
    """Unlock an account's key; `ConfigurationError` says what is missing, and where it belongs."""
    ours = settings.wallet(account)
    if ours.selling is None:
        raise ConfigurationError(f"account {account}: is only watched; accounts.{account}.selling says how it sells")
    source = ours.selling.key
    if isinstance(source, Path):
        return _from_keystore(source, _password(settings, account, ours.selling.password_file), ours.address)
    return _from_key(_secret(settings, f"{key_prefix(account)}SECRET"), ours.address, f"{key_prefix(account)}SECRET")


def _password(settings: Settings, account: str, file: Path | None) -> str:
    if file is None:
        return _secret(settings, f"{key_prefix(account).removesuffix('KEY_')}PASSWORD_SECRET")
    try:
        password = file.read_text("utf-8").removesuffix("\n")
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read, {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8 text") from None
    conceal(password)
    return password


def _secret(settings: Settings, variable: str) -> str:
    if not (value := settings.secret(variable)):
        raise ConfigurationError(f"{variable} is not set; set it in the environment or in .env beside the settings")
    conceal(value)
    return value


@cache
def _from_keystore(path: Path, password: str, address: str) -> LocalSigner:
    from venues.evm.signer import from_keystore

    return from_keystore(path, password, address)


@cache
def _from_key(key: str, address: str, variable: str) -> LocalSigner:
    from venues.evm.signer import from_key

    try:
        return from_key(key, address)
    except ConfigurationError as error:
        raise ConfigurationError(f"{variable}: {error}") from None
