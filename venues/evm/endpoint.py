"""What may be shown of an endpoint: its host and port, since the rest of a URL may be a secret."""

from __future__ import annotations

from urllib.parse import urlsplit


def endpoint_name(url: str) -> str:
    """Return host and port of a URL, `rpc.example` or `127.0.0.1:8545`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{host}:{parts.port}" if parts.port else host
