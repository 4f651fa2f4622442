"""API keys of the twin, and the check of what they sign.

A request is signed over its time, its method, its path with the query, and its body: HMAC-SHA256 in Base64. Source:
okx.com/docs-v5, "REST authentication".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from simulators.exchange.identity import id_of, secret_of
from simulators.okx.state import Key


def issued(seed: int, label: str, permissions: frozenset[str]) -> Key:
    """Issue a key, which the venue names by a UUID."""
    return Key(label, id_of(seed, "api key", label), permissions)


def secret_text(seed: int, key: Key) -> str:
    """Write the secret half: 32 digits and capital letters."""
    return secret_of(seed, key.api_key).hex()[:32].upper()


def passphrase_of(seed: int, key: Key) -> str:
    """Choose the passphrase, with signs in it as the venue demands."""
    return f"Twin+{secret_of(seed, key.api_key + '/passphrase').hex()[:16]}!"


def key_file(seed: int, key: Key) -> str:
    """Write a key as JSON in the form that Dustman reads; the venue itself gives no file."""
    parts = {"name": key.api_key, "privateKey": secret_text(seed, key), "passphrase": passphrase_of(seed, key)}
    return json.dumps(parts, indent=2)


def accepts(seed: int, key: Key, payload: bytes, signature: str) -> bool:
    """Say whether the signature is this key's over the payload."""
    wanted = hmac.new(secret_text(seed, key).encode(), payload, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(wanted), signature.encode("utf-8"))
