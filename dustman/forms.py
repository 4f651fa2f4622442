"""The forms that settings are written in. Each says in one phrase what it accepts; errors and the reference page
show that phrase."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dustman.exchanges import NAMES
from dustman.secret import conceal, redacted
from events.catalogue import UnknownType, known_type
from events.webhook import PREFIX as SECRET_PREFIX
from views.alarms import Alarm, Level
from workers import schedule
from workers.schedule import Schedule, schedule_of, seconds_of

# 18 decimals are what the finest coins have; 15 digits before them are more than anyone sweeps.
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_CODE = re.compile(r"[A-Z0-9]{1,20}")
# What a database's URL may ask for besides: how the way to the server is protected.
_TLS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding"}


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is written: `accepted` says it, `read` turns text into the value or raises `ValueError`.

    Errors do not repeat a value whose form is `private`.
    """

    accepted: str
    read: Callable[[str], Any]
    private: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def _validate(self, value: object) -> Any:
        try:
            return self.read(_text(value))
        except ValueError:
            raise PydanticCustomError(
                "form", "{accepted}", {"accepted": self.accepted, "private": self.private}
            ) from None


def _text(value: object) -> str:
    """Take text as it is and exact numbers as their digits; a float is refused, since 0.1 is not one tenth."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise ValueError(type(value).__name__)


def matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """Read text that a pattern matches whole."""

    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(text)
        return text

    return read


def number(low: str, high: str = "1e15", *, low_included: bool) -> Callable[[str], Decimal]:
    """Read a number from `low` on and below `high`."""

    def read(text: str) -> Decimal:
        value = Decimal(matching(_NUMBER)(text))
        if value >= Decimal(high) or value < Decimal(low) or (value == Decimal(low) and not low_included):
            raise ValueError(text)
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """Read a whole number between two others, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return read


def _yes(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A log kept in one SQLite file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


def _sqlite_file(text: str) -> SqliteFile:
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


def _postgres_database(text: str) -> PostgresDatabase:
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


def _log(text: str) -> SqliteFile | PostgresDatabase:
    return _postgres_database(text) if text.startswith("postgres") else _sqlite_file(text)


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A Redis server without a database number. Its password is concealed."""

    text: str = field(repr=False)

    def database(self, number: int) -> str:
        """Return the URL of one database of the server."""
        return urlsplit(self.text)._replace(path=f"/{number}").geturl()

    def __str__(self) -> str:
        return redacted(self.text)


def _redis_url(text: str) -> RedisUrl:
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


def _origin(text: str) -> Origin:
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


def _receiver(text: str) -> ReceiverUrl:
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


def _secret_source(text: str) -> Path | Literal["env"]:
    # A secret that was pasted in the place of a path starts with these letters.
    if text == "env":
        return "env"
    if text.startswith(SECRET_PREFIX) or "\n" in text:
        raise ValueError("neither env nor a path")
    return _file(text)


def _start(text: str) -> int | Literal["now", "beginning"]:
    match text:
        case "now" | "beginning":
            return text
        case _:
            return whole(1, 999_999_999)(text)


def _host(text: str) -> str:
    return text if text == "localhost" else str(ip_address(text))


def _variable(text: str) -> str:
    return matching(re.compile(r"env:DUSTMAN_[A-Z0-9_]{1,60}"))(text).removeprefix("env:")


def _event_type(text: str) -> str:
    try:
        return known_type(text).word
    except UnknownType:
        raise ValueError(text) from None


def _key_source(text: str) -> Path | Literal["env"]:
    if text == "env":
        return "env"
    # The ending tells a path from a key that was pasted in its place.
    if not text.endswith(".json") or "\n" in text or "\0" in text:
        raise ValueError("neither env nor a path")
    return Path(text)


def _file(text: str) -> Path:
    if not text or text.endswith("/") or "\0" in text:
        raise ValueError(text)
    return Path(text)


def at_home(value: Any, info: ValidationInfo) -> Any:
    """Read relative paths from the directory of the settings file, so that cron and shell mean the same file."""
    match value:
        case Path():
            return (info.context or Path()) / value.expanduser()
        case SqliteFile(path):
            return SqliteFile(at_home(path, info))
        case _:
            return value


name_of = matching(_NAME)
AccountName = Annotated[str, Form("a name of up to 32 letters, digits, dashes and underscores, such as main", name_of)]
Code = Annotated[str, Form("an asset's code as the venue writes it, such as BTC", matching(_CODE))]
Positive = Annotated[Decimal, Form("a number above zero, such as 0.50", number("0", low_included=False))]
NotNegative = Annotated[Decimal, Form("zero or a number above it, such as 0.50", number("0", low_included=True))]
Fraction = Annotated[Decimal, Form("a fraction below 1, such as 0.012 for 1.2 %", number("0", "1", low_included=True))]
Rate = Annotated[
    Decimal,
    Form("a number of requests above zero, up to 1000, such as 10", number("0", "1000.000001", low_included=False)),
]
Seconds = Annotated[
    Decimal, Form("a number of seconds up to an hour, such as 0.5", number("0", "3600.000001", low_included=True))
]
Duration = Annotated[int, Form(schedule.DURATION, seconds_of)]
When = Annotated[Schedule, Form(schedule.ACCEPTED, schedule_of)]
Database = Annotated[int, Form("a whole number from 0 to 999", whole(0, 999))]
Count = Annotated[int, Form("a whole number from 1 to 64", whole(1, 64))]
Yes = Annotated[bool, Form("true or false", _yes)]
VenueName = Annotated[str, Form(f"{', '.join(NAMES)} or evm", matching(re.compile("|".join(NAMES))))]
LogUrl = Annotated[
    SqliteFile | PostgresDatabase,
    Form(
        "sqlite:/// and a path, such as sqlite:///var/dustman.db, or postgresql://user:password@host:port/database",
        _log,
    ),
    AfterValidator(at_home),
]
DatabaseUrl = Annotated[
    PostgresDatabase, Form("postgresql://user:password@host:port/database", _postgres_database, private=True)
]
ServerUrl = Annotated[
    RedisUrl,
    Form(
        "redis://host:port or rediss://host:port, without a database number, such as redis://127.0.0.1:6379", _redis_url
    ),
]
VenueUrl = Annotated[Origin, Form("https://host or https://host:port, such as https://api.coinbase.com", _origin)]
KeySource = Annotated[
    Path | Literal["env"],
    Form("env, or the path of a key file ending in .json", _key_source, private=True),
    AfterValidator(at_home),
]
WebhookUrl = Annotated[
    ReceiverUrl,
    Form(
        "https://host/path, or http://127.0.0.1:port/path on this machine, without user, password and fragment",
        _receiver,
        private=True,
    ),
]
SecretSource = Annotated[
    Path | Literal["env"],
    Form("env, or the path of a file that holds the secret", _secret_source, private=True),
    AfterValidator(at_home),
]
Start = Annotated[
    int | Literal["now", "beginning"],
    Form("now, beginning, or the position of the first event that is sent", _start),
]
EventWord = Annotated[str, Form("a type of event, such as dust_converted", _event_type)]
Tries = Annotated[int, Form("a whole number from 1 to 100", whole(1, 100))]
Patience = Annotated[int, Form("a whole number of seconds from 1 to 60", whole(1, 60))]
Port = Annotated[int, Form("a whole number from 1 to 65535", whole(1, 65535))]
Variable = Annotated[str, Form("env: and the name of a variable that begins with DUSTMAN_", _variable, private=True)]
AlarmName = Annotated[Alarm, Form("an alarm of docs/reference/alerts.md, such as account_halted", Alarm)]
LevelName = Annotated[Level, Form("on, silent, digest or off", Level)]
Host = Annotated[str, Form("an address of this machine, such as 127.0.0.1, or localhost", _host)]
Window = Annotated[int, Form("a whole number from 1000 to 1000000", whole(1000, 1_000_000))]
File = Annotated[Path, Form("the path of a file", _file), AfterValidator(at_home)]
Folder = Annotated[Path, Form("the path of a folder", _file), AfterValidator(at_home)]
