"""The forms that strategies are written in."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from dustman.forms import Form, matching, number, whole
from workers.schedule import LONGEST

_MODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TICKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]{0,19}")
_VENUE = re.compile(r"[a-z][a-z0-9]{0,31}")
_KEY = re.compile(r"[!-~]{1,200}")

Mode = Annotated[
    str, Form("a word of up to 64 letters, digits, dashes and underscores, such as eth_leveraged", matching(_MODE))
]
ShareClass = Annotated[Literal["USDT", "ETH"], Form("USDT or ETH", matching(re.compile("USDT|ETH")))]
StrategyAsset = Annotated[Literal["BTC", "ETH"], Form("BTC or ETH", matching(re.compile("BTC|ETH")))]
LstType = Annotated[
    Literal["weeth", "wsteth", "none"], Form("weeth, wsteth or none", matching(re.compile("weeth|wsteth|none")))
]
Share = Annotated[
    Decimal,
    Form("a share of equity above zero and below 1, such as 0.002 for 20 bps", number("0", "1", low_included=False)),
]
Interval = Annotated[int, Form(f"a whole number of seconds from 1 to {LONGEST}, such as 300", whole(1, LONGEST))]
VenueWord = Annotated[str, Form("a venue's word, such as coinbase or evm", matching(_VENUE))]
Ticker = Annotated[str, Form("a token's symbol, such as EIGEN", matching(_TICKER))]
RedisKey = Annotated[str, Form("a key of up to 200 letters and signs without spaces", matching(_KEY))]
