"""API keys of the twin, and the check of what they sign.

A token is a JWT signed with ES256 or EdDSA: header `kid`, claims `sub` (both the key's name), `iss` (`cdp`), `nbf`,
`exp` and `uri` (`METHOD host/path`, without the query). Source: docs.cdp.coinbase.com, "CDP API key authentication".
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from simulators.coinbase.state import Key
from simulators.exchange.identity import id_of, secret_of

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
JWT_ALGORITHM = {"ed25519": "EdDSA", "es256": "ES256"}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key_name(seed: int, label: str) -> str:
    """Name a key as the portal does."""
    return f"organizations/{id_of(seed, 'organization')}/apiKeys/{id_of(seed, 'key', label)}"


def private_key(seed: int, key: Key) -> PrivateKey:
    """Make the secret half of a key."""
    secret = secret_of(seed, key.name)
    if key.algorithm == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    return ec.derive_private_key(int.from_bytes(secret, "big") % (P256_ORDER - 1) + 1, ec.SECP256R1())


def key_file(seed: int, key: Key) -> str:
    """Write a key as the JSON that the portal lets its owner download: Ed25519 in base64, ES256 in PEM."""
    private = private_key(seed, key)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        raw = private.private_bytes_raw() + private.public_key().public_bytes_raw()
        secret = base64.b64encode(raw).decode()
    else:
        secret = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()
    return json.dumps({"name": key.name, "privateKey": secret}, indent=2)


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half of a key: who may sign, and with which algorithm."""

    key: Key
    public: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey

    @classmethod
    def of(cls, seed: int, key: Key) -> Verifier:
        """Make the public half of a key."""
        return cls(key, private_key(seed, key).public_key())

    def accepts(self, token: str, uri: str) -> bool:
        """Say whether the token was signed by this key, now, for this request."""
        try:
            claims = jwt.decode(
                token,
                self.public,
                algorithms=[JWT_ALGORITHM[self.key.algorithm]],
                issuer="cdp",
                options={"require": ["sub", "iss", "nbf", "exp", "uri"]},
            )
        except jwt.InvalidTokenError:
            return False
        return bool(claims["sub"] == self.key.name and claims["uri"] == uri)


def key_id(token: str) -> str | None:
    """Read which key a token claims to be signed with."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        return None
    return kid if isinstance(kid, str) else None
