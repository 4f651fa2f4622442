"""API keys of the twin, and the check of what they sign.

A request is signed over its time, key, window, and query or body: HMAC-SHA256 in hexadecimal, or RSA with SHA-256 in
Base64. Source: bybit-exchange.github.io/docs/v5/guide, "Authentication".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from simulators.bybit.scenario import KeyForm
from simulators.bybit.state import Key
from simulators.exchange.identity import secret_of


def issued(seed: int, label: str, form: KeyForm) -> Key:
    """Issue a key: 18 letters and digits, as the venue's portal does.

    Its secret follows from its name and the seed, but for RSA: no library makes such a key of a seed.
    """
    name = hashlib.sha256(b"bybit key" + secret_of(seed, f"{label}/{form.algorithm}")).hexdigest()[:18]
    secret = secret_of(seed, name).hex()[:36] if form.algorithm == "hmac" else _new_pem()
    return Key(label, name, form.algorithm, form.permissions, secret)


def key_file(key: Key) -> str:
    """Write a key as JSON in the form that Dustman reads; the venue itself gives no file."""
    return json.dumps({"name": key.api_key, "privateKey": key.secret}, indent=2)


def accepts(key: Key, payload: bytes, signature: str) -> bool:
    """Say whether the signature is this key's over the payload."""
    if key.algorithm == "hmac":
        wanted = hmac.new(key.secret.encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted.encode(), signature.encode())
    try:
        given = base64.b64decode(signature, validate=True)
        _public(key.secret).verify(given, payload, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _new_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@cache
def _public(pem: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)  # the twin made it
    return key.public_key()
