"""API keys of the twin, and the check of what they sign.

A request is signed over its whole query and body, without the signature: HMAC-SHA256 in hexadecimal, or Ed25519 in
Base64. Source: developers.binance.com, "Request Security".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from simulators.binance.state import Algorithm, Key
from simulators.exchange.identity import secret_of


def issued(seed: int, label: str, algorithm: Algorithm, permissions: frozenset[str]) -> Key:
    """Issue a key: 64 letters and digits, as the venue's portal does."""
    name = hashlib.sha256(b"api key" + secret_of(seed, f"{label}/{algorithm}")).hexdigest()
    return Key(label, name, algorithm, permissions)


def secret_text(seed: int, key: Key) -> str:
    """Write the secret half: 64 letters and digits for HMAC, a PEM for Ed25519."""
    if key.algorithm == "hmac":
        return secret_of(seed, key.api_key).hex()
    return (
        _private(seed, key)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def key_file(seed: int, key: Key) -> str:
    """Write a key as JSON in the form that Dustman reads; the venue itself gives no file."""
    return json.dumps({"name": key.api_key, "privateKey": secret_text(seed, key)}, indent=2)


def accepts(seed: int, key: Key, payload: bytes, signature: str) -> bool:
    """Say whether the signature is this key's over the payload."""
    if key.algorithm == "hmac":
        wanted = hmac.new(secret_text(seed, key).encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted.encode(), signature.lower().encode())
    try:
        _private(seed, key).public_key().verify(base64.b64decode(signature, validate=True), payload)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _private(seed: int, key: Key) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(secret_of(seed, key.api_key))
