"""The forms that settings are written in. Each says in one phrase what it accepts; errors and the reference page
show that phrase."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dustman.addresses import (
    Origin,
    PostgresDatabase,
    ReceiverUrl,
    RedisUrl,
    SqliteFile,
    database_of,
    log_of,
    origin_of,
    receiver_of,
    redis_of,
)
from dustman.exchanges import NAMES
from events.catalogue import UnknownType, known_type
from events.webhook import PREFIX as SECRET_PREFIX
from views.alarms import Alarm, Level
from workers import schedule
from workers.schedule import Schedule, schedule_of, seconds_of

# 18 decimals are what the finest coins have; 15 digits before them are more than anyone sweeps.
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_CODE = re.compile(r"[A-Z0-9]{1,20}")


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
        log_of,
    ),
    AfterValidator(at_home),
]
DatabaseUrl = Annotated[
    PostgresDatabase, Form("postgresql://user:password@host:port/database", database_of, private=True)
]
ServerUrl = Annotated[
    RedisUrl,
    Form(
        "redis://host:port or rediss://host:port, without a database number, such as redis://127.0.0.1:6379", redis_of
    ),
]
VenueUrl = Annotated[Origin, Form("https://host or https://host:port, such as https://api.coinbase.com", origin_of)]
KeySource = Annotated[
    Path | Literal["env"],
    Form("env, or the path of a key file ending in .json", _key_source, private=True),
    AfterValidator(at_home),
]
WebhookUrl = Annotated[
    ReceiverUrl,
    Form(
        "https://host/path, or http://127.0.0.1:port/path on this machine, without user, password and fragment",
        receiver_of,
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
