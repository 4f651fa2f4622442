"""The forms that settings of wallets are written in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

from dustman.forms import Form, at_home
from dustman.secret import conceal, redacted
from venues.evm.assets import checksummed
from venues.evm.endpoint import endpoint_name
from venues.evm.registry import CHAINS, TARGETS

_NAMES = {chain.name: chain.chain_id for chain in CHAINS.values()}
_ENVIRONMENT = re.compile(r"env:(DUSTMAN_[A-Z0-9_]{1,60})")
_SYMBOL = re.compile(r"[A-Za-z0-9.]{1,20}")
_PAIR = re.compile(r"[A-Za-z0-9.]{1,20}/(USD|ETH)")
_MOST = 2**53
# What keeps more is no tax.
HIGHEST_TAX = 50


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a node answers: a URL, which may hold a secret, or the variable that holds the URL."""

    url: str = field(repr=False)
    variable: str = ""

    def __str__(self) -> str:
        return f"env:{self.variable}" if self.variable else endpoint_name(self.url)


def endpoint_of(text: str) -> Endpoint:
    """Read an endpoint; `ValueError` for what is none. What stands in a URL beside its host is concealed."""
    if found := _ENVIRONMENT.fullmatch(text):
        return Endpoint("", found[1])
    url = urlsplit(text)
    for secret in (url.password or "", url.path.strip("/"), url.query):
        conceal(secret)
    # Reading the port raises ValueError when it is none.
    if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0 or url.fragment:
        raise ValueError("not an endpoint")
    if any(letter.isspace() or ord(letter) < 32 for letter in text):
        raise ValueError("not an endpoint")
    return Endpoint(text)


def _chain(text: str) -> int:
    if text in _NAMES:
        return _NAMES[text]
    return _whole(1)(text)


def _whole(low: int, high: int = _MOST) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,16}", text) or not low <= int(text) <= high:
            raise ValueError(redacted(text))
        return int(text)

    return read


def _target(text: str) -> str:
    if text not in TARGETS:
        raise ValueError(text)
    return text


def _evm(text: str) -> str:
    if text != "evm":
        raise ValueError(text)
    return text


def _mode(text: str) -> str:
    if text not in ("cheapest", "priorities"):
        raise ValueError(text)
    return text


def _token(text: str) -> str:
    if text.startswith("0x"):
        return checksummed(text)
    return _matching(_SYMBOL, text)


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def _percent(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,4})?", text) or Decimal(text) > HIGHEST_TAX:
        raise ValueError(text)
    return Decimal(text)


def _claim_place(text: str) -> Path | str:
    """Read where claim data is; a URL is read as it is asked, with a wallet's address in it."""
    if "://" not in text:
        if not text or text.endswith("/") or any(ord(letter) < 32 for letter in text):
            raise ValueError("not the path of a file")
        return Path(text)
    url = urlsplit(text)
    conceal(url.password or "")
    if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0 or url.fragment:
        raise ValueError("not a URL")
    if any(letter.isspace() or ord(letter) < 32 for letter in text):
        raise ValueError("not a URL")
    return text


ADDRESS = "an address, 0x and forty hexadecimal digits with the right checksum (EIP-55), quoted"
Address = Annotated[str, Form(ADDRESS, checksummed)]
EvmName = Annotated[Literal["evm"], Form("evm", _evm)]
ChainId = Annotated[int, Form(f"{', '.join(_NAMES)}, or a chain's number, such as 31337", _chain)]
EndpointUrl = Annotated[
    Endpoint,
    Form("https://… or http://…, or env:DUSTMAN_… for the variable that holds such a URL", endpoint_of, private=True),
]
ClaimPlace = Annotated[
    Path | str,
    Form(
        "the path of a file, or https://… in which {address} stands for the wallet, quoted", _claim_place, private=True
    ),
    AfterValidator(at_home),
]
Target = Annotated[str, Form(f"one of {', '.join(TARGETS)}", _target)]
TokenName = Annotated[
    str, Form("the symbol of a token that is known on the chain, or any token's address, quoted", _token)
]
Symbol = Annotated[str, Form("a symbol, such as USDC", lambda text: _matching(_SYMBOL, text))]
Pair = Annotated[str, Form("a pair in USD or ETH, such as ETH/USD", lambda text: _matching(_PAIR, text))]
BlockNumber = Annotated[int, Form("the number of a block, from 0", _whole(0))]
Percent = Annotated[Decimal, Form(f"a part in percent from 0 to {HIGHEST_TAX}, such as 2.5", _percent)]
Rank = Annotated[int, Form("a rank from 0 to 100", _whole(0, 100))]
GasUnits = Annotated[int, Form("a number of units of gas, from 21000", _whole(21_000, 16_777_216))]
Mode = Annotated[Literal["cheapest", "priorities"], Form("cheapest or priorities", _mode)]
Decimals = Annotated[int, Form("a number of decimals from 0 to 36", _whole(0, 36))]
