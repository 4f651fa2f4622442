"""An account's API key: found where the settings say, checked for its form, shown nowhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import ConfigurationError
from dustman.secret import conceal
from dustman.settings import Settings, key_prefix


@dataclass(frozen=True, slots=True)
class Key:
    """The name and the private half of a CDP API key."""

    name: str
    secret: str = field(repr=False)


def key_of(settings: Settings, account: str) -> Key:
    """Read an account's key; `ConfigurationError` says what is missing and where it belongs."""
    source = settings.exchange(account).key
    if isinstance(source, Path):
        return read_key_file(source)
    name, secret = (settings.secret(key_prefix(account) + part) for part in ("NAME", "SECRET"))
    for part, value in (("NAME", name), ("SECRET", secret)):
        if not value:
            raise ConfigurationError(
                f"account {account}: {key_prefix(account)}{part} is not set; set it in the environment or in .env "
                f"beside the settings, or give accounts.{account}.key the path of a key file"
            )
    return checked(name or "", secret or "", f"{key_prefix(account)}SECRET")


def read_key_file(path: Path) -> Key:
    """Read the JSON file that the venue gave out: `{"name": ..., "privateKey": ...}`."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such key file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read, {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{path}: is not JSON") from None
    match content:
        case {"name": str(name), "privateKey": str(secret)} if name and secret:
            return checked(name, secret, str(path))
        case _:
            raise ConfigurationError(f'{path}: is not a key file, {{"name": "organizations/…", "privateKey": "…"}}')


def checked(name: str, secret: str, source: str) -> Key:
    """Return the key when its private half can sign; `source` says in errors where it came from."""
    # The vendor's SDK takes a while to load, and only commands that touch a key need it.
    from venues.coinbase_client import check_key

    # One-line forms of a PEM, as they stand in JSON and .env files, carry their line ends as two characters.
    secret = secret.replace("\\n", "\n").strip()
    conceal(secret)
    try:
        check_key(name, secret)
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error}") from None
    return Key(name, secret)
