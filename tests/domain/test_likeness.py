"""Names that could be taken for others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.likeness import resembled, skeleton


@pytest.mark.parametrize(
    "name",
    [
        "USDC",
        "usdc",
        "USD\u0421",  # Cyrillic Es
        "\u054dSDC",  # Armenian Seh
        "U\u200bSD\u200dC",  # zero-width space and joiner
        "\u202eUSDC",  # right-to-left override
        "\uff35\uff33\uff24\uff23",  # full-width letters
        "\U0001d414\U0001d412\U0001d403\U0001d402",  # mathematical bold
        "U.S.D.C",
        "USDC ",
        "U$DC",
        "U\u0301SDC",  # with an accent
        "USDC\x00\x07",
    ],
)
def test_resembled__what_reads_as_a_known_name__is_taken_for_it(name: str) -> None:
    assert resembled(name, {skeleton("USDC"): "USDC"}) == "USDC"


@pytest.mark.parametrize("name", ["", "USDT", "USDCC", "MKR", "USD", "\u0416" * 500, "<script>", "C\u0421"])
def test_resembled__another_name__is_not(name: str) -> None:
    assert resembled(name, {skeleton("USDC"): "USDC"}) is None


@pytest.mark.parametrize(
    ("one", "other"), [("WETH", "W\u0395\u03a4\u0397"), ("DAI", "DA1"), ("ETH", "\u0415\u0422\u041d"), ("KING", "K|NG")]
)
def test_skeleton__names_that_look_alike__share_one(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@given(st.text())
def test_skeleton__of_a_skeleton__is_itself(name: str) -> None:
    found = skeleton(name)
    assert skeleton(found[:64]) == found[:64]
