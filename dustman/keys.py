"""An account's API key: found where the settings say, checked for its form, shown nowhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import ConfigurationError
from dustman.secret import conceal
from dustman.settings import Settings, key_prefix

ACCEPTED = "an ECDSA P-256 key in PEM form or an Ed25519 key in base64, as the Coinbase Developer Platform gives it out"


@dataclass(frozen=True, slots=True)
class Key:
    """The name and the private half of a CDP API key."""

    name: str
    secret: str = field(repr=False)


def key_of(settings: Settings, account: str) -> Key:
    """Read an account's key; `ConfigurationError` says what is missing and where it belongs."""
    source = settings.account(account).key
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
    conceal(secret)
    # One-line forms of a PEM, as they stand in JSON and .env files, carry their line ends as two characters.
    secret = secret.strip().replace("\\n", "\n")
    conceal(secret)
    if not _can_sign(secret):
        raise ConfigurationError(f"{source}: what stands there (not shown) is not {ACCEPTED}")
    return Key(name, secret)


def _can_sign(secret: str) -> bool:
    # The library takes a tenth of a second to load, and only commands that reach a venue need it.
    from base64 import b64decode

    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if not secret.startswith("-----BEGIN"):
            return len(b64decode("".join(secret.split()), validate=True)) in {32, 64}
        key = load_pem_private_key(secret.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return isinstance(key, Ed25519PrivateKey) or (
        isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
    )
