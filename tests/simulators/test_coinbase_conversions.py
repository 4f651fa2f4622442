"""Conversions at the Coinbase twin, through the vendor's SDK."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from requests.exceptions import HTTPError

from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.simulators.client import client_of

USD_USDC = {"from_account": "USD", "to_account": "USDC"}
STARTED, COMPLETED = "TRADE_STATUS_STARTED", "TRADE_STATUS_COMPLETED"


def quoted(client: Any, amount: str = "2.5") -> str:
    trade_id = client.create_convert_quote(**USD_USDC, amount=amount).trade.id
    assert trade_id
    return str(trade_id)


def test_conversion__quoted_committed_and_read__moves_its_amount_one_to_one(twin: CoinbaseTwin, client: Any) -> None:
    quote = client.create_convert_quote(**USD_USDC, amount="2.50").trade
    assert quote.status == "TRADE_STATUS_UNSPECIFIED"
    assert (quote.total, quote.amount) == ({"value": "2.5", "currency": "USD"}, {"value": "2.5", "currency": "USDC"})
    assert quote.exchange_rate == {"value": "1", "currency": "USD"}
    assert twin.balance("USD") == 5
    committed = client.commit_convert_trade(quote.id, **USD_USDC).trade
    assert (committed.id, committed.status) == (quote.id, STARTED)
    assert client.get_convert_trade(quote.id, **USD_USDC).trade.status == COMPLETED
    assert (twin.balance("USD"), twin.balance("USDC")) == (Decimal("2.5"), Decimal("22.5"))


def test_conversion__while_it_runs__holds_the_amount() -> None:
    with CoinbaseTwin(small(convert={"seconds": "5"}, clock={"frozen": True})) as twin, client_of(twin) as client:
        trade_id = quoted(client)
        client.commit_convert_trade(trade_id, **USD_USDC)
        assert client.get_convert_trade(trade_id, **USD_USDC).trade.status == STARTED
        wallets = {account.currency: account for account in client.get_accounts().accounts}
        assert (wallets["USD"].available_balance["value"], wallets["USD"].hold["value"]) == ("2.5", "2.5")
        assert wallets["USDC"].available_balance["value"] == "20"
        twin.exchange.clock.advance(timedelta(seconds=5))
        assert client.get_convert_trade(trade_id, **USD_USDC).trade.status == COMPLETED
        assert twin.balance("USDC") == Decimal("22.5")


def test_conversion__that_takes_reads__says_started_as_often() -> None:
    with CoinbaseTwin(small(convert={"reads": 2})) as twin, client_of(twin) as client:
        trade_id = quoted(client)
        client.commit_convert_trade(trade_id, **USD_USDC)
        statuses = [client.get_convert_trade(trade_id, **USD_USDC).trade.status for _ in range(4)]
        assert statuses == [STARTED, STARTED, COMPLETED, COMPLETED]


@pytest.mark.parametrize(
    "pair",
    [("ADA", "USDC"), ("EUR", "USD"), ("USD", "USD"), ("USD", ""), ("USD", "c1e8df76-2a35-50e5-994a-1701db3db65f")],
)
def test_quote__for_another_pair__is_unsupported(client: Any, pair: tuple[str, str]) -> None:
    expected = "Unsupported account in this conversion" if pair[1] else "to_account is required"
    with pytest.raises(HTTPError, match=rf"400.*{expected}"):
        client.create_convert_quote(*pair, amount="1")


def test_quote__by_wallet_uuids__is_unsupported(client: Any) -> None:
    wallets = {account.currency: account.uuid for account in client.get_accounts().accounts}
    with pytest.raises(HTTPError, match=r"400.*Unsupported account in this conversion"):
        client.create_convert_quote(wallets["USD"], wallets["USDC"], amount="1")


@pytest.mark.parametrize(
    "pair", [("USD", "USDC"), ("USDC", "USD"), ("USD", "PYUSD"), ("PYUSD", "USDC"), ("EURC", "EUR")]
)
def test_quote__for_each_served_pair__is_given(pair: tuple[str, str]) -> None:
    wallets = {code: {"available": "9"} for code in ("USD", "USDC", "PYUSD", "EUR", "EURC")}
    with CoinbaseTwin(small(wallets=wallets)) as twin, client_of(twin) as client:
        assert client.create_convert_quote(*pair, amount="9").trade.id


@pytest.mark.parametrize("amount", ["0", "-1", "1.001", "much"])
def test_quote__for_an_impossible_amount__is_a_bad_request(client: Any, amount: str) -> None:
    with pytest.raises(HTTPError, match=r"400.*amount"):
        client.create_convert_quote(**USD_USDC, amount=amount)


def test_quote__for_more_than_there_is__has_no_id_and_says_why(client: Any) -> None:
    trade = client.create_convert_quote(**USD_USDC, amount="5.01").trade
    assert trade.id == ""
    assert trade.cancellation_reason["message"] == "You do not have enough funds"


def test_commit__after_the_money_went__ends_canceled(twin: CoinbaseTwin, client: Any) -> None:
    first, second = quoted(client, "3"), quoted(client, "3")
    client.commit_convert_trade(first, **USD_USDC)
    trade = client.commit_convert_trade(second, **USD_USDC).trade
    assert trade.status == "TRADE_STATUS_CANCELED"
    assert trade.cancellation_reason["message"] == "You do not have enough funds"
    assert [twin.balance("USD"), twin.balance("USDC")] == [2, 23]


def test_commit__a_second_time__gives_the_same_trade(twin: CoinbaseTwin, client: Any) -> None:
    trade_id = quoted(client)
    client.commit_convert_trade(trade_id, **USD_USDC)
    assert client.commit_convert_trade(trade_id, **USD_USDC).trade.id == trade_id
    assert twin.balance("USDC") == Decimal("22.5")


def test_commit__a_second_time_where_that_is_an_error__is_refused() -> None:
    with CoinbaseTwin(small(convert={"second_commit": "error"})) as twin, client_of(twin) as client:
        trade_id = quoted(client)
        client.commit_convert_trade(trade_id, **USD_USDC)
        with pytest.raises(HTTPError, match=r"400.*already committed"):
            client.commit_convert_trade(trade_id, **USD_USDC)
        assert twin.balance("USDC") == Decimal("22.5")


def test_commit__of_an_old_quote__is_refused(twin: CoinbaseTwin, client: Any) -> None:
    trade_id = quoted(client)
    twin.exchange.clock.advance(timedelta(minutes=10, seconds=1))
    with pytest.raises(HTTPError, match=r"400.*has expired"):
        client.commit_convert_trade(trade_id, **USD_USDC)


def test_commit__of_an_unknown_trade_or_other_currencies__is_refused(client: Any) -> None:
    with pytest.raises(HTTPError, match=r"404"):
        client.commit_convert_trade("nothing", **USD_USDC)
    with pytest.raises(HTTPError, match=r"400.*is from USD to USDC"):
        client.get_convert_trade(quoted(client), "USDC", "USD")
