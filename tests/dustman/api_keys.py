"""API keys as a venue gives them out, with a private half that can sign."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurve, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

NAME = "organizations/9d3ae5e5-0000-4000-8000-000000000001/apiKeys/9d3ae5e5-0000-4000-8000-000000000002"


def pem(curve: EllipticCurve | None = None) -> str:
    """An ECDSA key in PEM form, on P-256 unless said otherwise."""
    key = generate_private_key(curve or SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def ed25519() -> str:
    """An Ed25519 key in base64, seed and public half."""
    key = Ed25519PrivateKey.generate()
    return b64encode(key.private_bytes_raw() + key.public_key().public_bytes_raw()).decode()


def key_file(path: Path, secret: str) -> Path:
    """Write a key file as the venue's portal does."""
    path.write_text(json.dumps({"name": NAME, "privateKey": secret}))
    path.chmod(0o600)
    return path
