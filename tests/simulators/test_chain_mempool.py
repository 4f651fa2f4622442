"""The mempool's rules and its reading of signed bytes, as pure functions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.chain.mempool import (
    ALREADY_KNOWN,
    GAPPED,
    IN_FLIGHT,
    RESERVED,
    UNDERPRICED,
    NoTransaction,
    Waiting,
    objection,
    read,
)
from venues.evm.accounts import Account

KEY = "0x" + "11" * 32
SENDER = Account.from_key(KEY).address
OLD = Waiting("0x01", "A", 5, fee=100, tip=10)


def raw(**form: Any) -> bytes:
    common = {"nonce": 3, "to": SENDER, "value": 1, "gas": 21_000}
    return bytes(Account.sign_transaction(common | form, KEY).raw_transaction)


@pytest.mark.parametrize(
    ("form", "fee", "tip"),
    [
        ({"gasPrice": 7}, 7, 7),
        ({"gasPrice": 7, "chainId": 1}, 7, 7),
        ({"gasPrice": 7, "chainId": 42161, "accessList": []}, 7, 7),
        ({"maxFeePerGas": 9, "maxPriorityFeePerGas": 2, "chainId": 1}, 9, 2),
    ],
)
def test_read__every_type__gives_sender_nonce_and_prices(form: dict[str, Any], fee: int, tip: int) -> None:
    sent = read(raw(**form))
    assert (sent.sender, sent.nonce, sent.fee, sent.tip, sent.authorities) == (SENDER, 3, fee, tip, frozenset())


def test_read__a_delegation__names_who_signed_it() -> None:
    other = "0x" + "22" * 32
    allowed = Account.sign_authorization({"chainId": 1, "address": SENDER, "nonce": 0}, other)
    sent = read(raw(maxFeePerGas=9, maxPriorityFeePerGas=2, chainId=1, authorizationList=[allowed]))
    assert (sent.sender, sent.authorities) == (SENDER, frozenset({Account.from_key(other).address}))


@given(st.binary(max_size=200))
def test_read__any_other_bytes__are_no_transaction(given_bytes: bytes) -> None:
    with pytest.raises(NoTransaction):
        read(given_bytes)


@given(st.data())
def test_read__a_spoiled_transaction__is_another_s_or_none(data: st.DataObject) -> None:
    whole = raw(maxFeePerGas=9, maxPriorityFeePerGas=2, chainId=1)
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != whole[place]))
    try:
        sent = read(whole[:place] + bytes([byte]) + whole[place + 1 :])
    except NoTransaction:
        return
    assert sent.hash != read(whole).hash


@pytest.mark.parametrize(
    ("sent", "pool", "next_nonce", "delegated", "expected"),
    [
        (Waiting("0x02", "A", 6, 100, 10), [OLD], 5, False, None),
        (OLD, [OLD], 5, False, ALREADY_KNOWN),
        (Waiting("0x02", "A", 5, 110, 11), [OLD], 5, False, None),
        (Waiting("0x02", "A", 5, 109, 11), [OLD], 5, False, UNDERPRICED),
        (Waiting("0x02", "A", 5, 110, 10), [OLD], 5, False, UNDERPRICED),
        (Waiting("0x02", "B", 5, 1, 1), [OLD], 5, False, None),
        # A tenth of a small price is nothing; it must be higher all the same.
        (Waiting("0x02", "A", 5, 9, 1), [Waiting("0x01", "A", 5, 9, 1)], 5, False, UNDERPRICED),
        (Waiting("0x02", "A", 5, 10, 2), [Waiting("0x01", "A", 5, 9, 1)], 5, False, None),
        (Waiting("0x02", "A", 6, 100, 10), [OLD], 5, True, IN_FLIGHT),
        (Waiting("0x02", "A", 5, 110, 11), [OLD], 5, True, None),
        (Waiting("0x02", "A", 6, 100, 10), [], 5, True, GAPPED),
        (Waiting("0x02", "A", 5, 100, 10), [], 5, True, None),
        # What was mined a moment ago and is still listed holds nothing up.
        (Waiting("0x02", "A", 6, 100, 10), [OLD], 6, True, None),
        # Somebody else's waiting transaction carries the sender's delegation.
        (Waiting("0x02", "A", 7, 1, 1), [Waiting("0x03", "B", 0, 1, 1, frozenset("A"))], 5, False, GAPPED),
        (Waiting("0x02", "B", 0, 1, 1, frozenset("A")), [OLD], 0, False, None),
        (Waiting("0x02", "B", 0, 1, 1, frozenset("A")), [OLD, Waiting("0x03", "A", 6, 1, 1)], 0, False, RESERVED),
    ],
)
def test_objection__of_a_pool__is_geth_s(
    sent: Waiting, pool: list[Waiting], next_nonce: int, delegated: bool, expected: str | None
) -> None:
    assert objection(sent, pool, next_nonce, delegated=delegated) == expected
