"""Every exchange by its word in the settings. A new one has a module of its own, a name in this package, and stands in
both lists here: the models by their words, and as types."""

from __future__ import annotations

from typing import Annotated

from pydantic import Tag

from dustman.exchanges.account import Account
from dustman.exchanges.binance import BinanceAccount
from dustman.exchanges.bybit import BybitAccount
from dustman.exchanges.coinbase import CoinbaseAccount
from dustman.exchanges.okx import OKXAccount

EXCHANGES: dict[str, type[Account]] = {
    each.tag: each for each in (CoinbaseAccount, BinanceAccount, BybitAccount, OKXAccount)
}
AnyExchange = (
    Annotated[CoinbaseAccount, Tag(CoinbaseAccount.tag)]
    | Annotated[BinanceAccount, Tag(BinanceAccount.tag)]
    | Annotated[BybitAccount, Tag(BybitAccount.tag)]
    | Annotated[OKXAccount, Tag(OKXAccount.tag)]
)
