"""Where things are that settings name: a log, a database, a Redis server, a venue, a receiver of webhooks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from dustman.secret import conceal, redacted

# What a database's URL may ask for besides: how the way to the server is protected.
_TLS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding"}


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A log kept in one SQLite file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


def _file_of(text: str) -> SqliteFile:
    prefix, slashes, path = text.partition("sqlite:///")
    if prefix or not slashes or not path or path.endswith("/") or any(c in path for c in "?#\0"):
        raise ValueError(text)
    return SqliteFile(Path(path))


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A log kept in a PostgreSQL database. Its password is concealed."""

    text: str = field(repr=False)

    @property
    def login(self) -> tuple[str, str]:
        """Return user and password, empty where the URL has none."""
        url = urlsplit(self.text)
        return unquote(url.username or ""), unquote(url.password or "")

    def __str__(self) -> str:
        return redacted(self.text)


def database_of(text: str) -> PostgresDatabase:
    """Read the URL of a PostgreSQL database; `ValueError` for what is none."""
    url = urlsplit(text)
    for form in {url.password or "", unquote(url.password or "")}:
        conceal(form)
    # Reading the port raises ValueError when it is none.
    whole = url.hostname and url.port != 0 and re.fullmatch(r"/[^/]+", url.path) and not url.fragment
    if url.scheme not in {"postgresql", "postgres"} or not whole or "\0" in unquote(text):
        raise ValueError(text)
    if any(
        name not in _TLS for name, _ in parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    ):
        raise ValueError(text)
    return PostgresDatabase(text)


def log_of(text: str) -> SqliteFile | PostgresDatabase:
    """Read where the log is kept; `ValueError` for what is no such place."""
    return database_of(text) if text.startswith("postgres") else _file_of(text)


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A Redis server without a database number. Its password is concealed."""

    text: str = field(repr=False)

    def database(self, number: int) -> str:
        """Return the URL of one database of the server."""
        return urlsplit(self.text)._replace(path=f"/{number}").geturl()

    def __str__(self) -> str:
        return redacted(self.text)


def redis_of(text: str) -> RedisUrl:
    """Read the URL of a Redis server; `ValueError` for what is none."""
    url = urlsplit(text)
    conceal(url.password or "")
    # Reading the port raises ValueError when it is none.
    if url.scheme not in {"redis", "rediss"} or not url.hostname or url.port == 0 or url.path not in {"", "/"}:
        raise ValueError(text)
    return RedisUrl(text)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a venue is reached: host and port, always over TLS."""

    host: str
    port: int = 443

    @property
    def address(self) -> str:
        """Return the host, with its port unless that is HTTPS's own."""
        return str(self).removeprefix("https://")

    @property
    def loopback(self) -> bool:
        """Say whether it is this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}" if self.port == 443 else f"https://{host}:{self.port}"


def origin_of(text: str) -> Origin:
    """Read where a venue is reached; `ValueError` for what is no such place."""
    url = urlsplit(text)
    plain = url.path in {"", "/"} and not url.query and not url.fragment and "@" not in url.netloc
    if url.scheme != "https" or not url.hostname or url.port == 0 or not plain:
        raise ValueError(text)
    return Origin(url.hostname, url.port or 443)


@dataclass(frozen=True, slots=True)
class ReceiverUrl:
    """Where a webhook is sent: over TLS, or to this machine. Path and query may hold a secret and are never shown."""

    origin: Origin
    secure: bool
    target: str = field(repr=False)

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.origin.host}:{self.origin.port}"


def receiver_of(text: str) -> ReceiverUrl:
    """Read where a webhook is sent; `ValueError` for what is no such place."""
    url = urlsplit(text)
    secure = url.scheme == "https"
    # Reading the port raises ValueError when it is none.
    if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0 or "@" in url.netloc or url.fragment:
        raise ValueError(text)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if not all("!" <= letter <= "~" for letter in f"{url.hostname}{target}"):
        raise ValueError(text)
    origin = Origin(url.hostname, url.port or (443 if secure else 80))
    if not (secure or origin.loopback):
        raise ValueError(text)
    return ReceiverUrl(origin, secure, target)
