"""What a token is by what it did: one specification for each verdict, at its edges."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.judgement import (
    MOST_ANSWER,
    ROUNDING,
    Moved,
    Observation,
    Ruling,
    Sold,
    Standing,
    Tried,
    Verdict,
    judge,
    percent,
    quarantine,
    remedy,
)

D = Decimal
GIVEN = 10_000
WELL = Tried(True, 30_000, 500_000, 32, 1)
SILENT = Tried(True, 30_000, 500_000, 0)
REFUSED = Tried(False, 3_000, 500_000, 100, reason="paused")
FALSE = Tried(True, 3_000, 500_000, 32, 0)
BURNED = Tried(False, 500_000, 500_000, 0)
BOMB = Tried(False, 400_000, 500_000, MOST_ANSWER + 1)
OUT = Moved(WELL, 5_000, (GIVEN, 5_000), (0, 5_000))
BACK = Moved(WELL, 5_000, (5_000, 0), (5_000, GIVEN))
SALE = Sold(WELL, WELL, GIVEN, 700, GIVEN, 700)
SOUND = Observation(1_000, WELL, GIVEN, OUT, BACK, SALE)


def verdict(seen: Observation | None, standing: Standing = Standing.ALLOWED, resembles: str = "") -> Verdict:
    return judge(standing, resembles, seen).verdict


def taxed(tenths: int) -> Observation:
    """What is seen of a token that keeps so many tenths of whatever is moved."""
    arrived = 5_000 - 500 * tenths
    came_back = arrived - arrived * tenths // 10
    return replace(
        SOUND,
        out=Moved(WELL, 5_000, (GIVEN, 5_000), (0, arrived)),
        back=Moved(WELL, arrived, (arrived, 0), (5_000, 5_000 + came_back)),
        sale=replace(SALE, received=700 - 70 * tenths),
    )


def test_judge__moved_and_sold_as_it_said__is_sound() -> None:
    assert verdict(SOUND) is Verdict.SOUND


@pytest.mark.parametrize("call", [SILENT, replace(WELL, word=2)])
def test_judge__answers_nothing_or_another_truth__is_sound(call: Tried) -> None:
    seen = replace(SOUND, out=replace(OUT, call=call), back=replace(BACK, call=call), sale=replace(SALE, approval=call))
    assert verdict(seen) is Verdict.SOUND


def test_judge__rounds_by_what_shares_round__is_sound_and_by_more_is_not() -> None:
    for less, expected in ((ROUNDING, Verdict.SOUND), (ROUNDING + 1, Verdict.SOUND), (100, Verdict.TAXED)):
        seen = replace(SOUND, out=replace(OUT, taker=(0, 5_000 - less)))
        assert verdict(seen) is expected


@pytest.mark.parametrize(("tenths", "expected"), [(1, "taxed"), (3, "taxed"), (6, "honeypot"), (9, "honeypot")])
def test_judge__keeps_a_part__is_taxed_up_to_half_and_beyond_that_a_trap(tenths: int, expected: str) -> None:
    ruling = judge(Standing.KNOWN, "", taxed(tenths))
    assert (ruling.verdict, ruling.tax) == (Verdict(expected), D(tenths) / 10)


def test_judge__keeps_a_part_of_sales_alone__is_taxed_all_the_same() -> None:
    ruling = judge(Standing.KNOWN, "", replace(SOUND, sale=replace(SALE, received=665)))
    assert (ruling.verdict, ruling.tax) == (Verdict.TAXED, D("0.05"))
    assert "5 %" in ruling.sentence


@pytest.mark.parametrize(
    "sale",
    [
        replace(SALE, swap=replace(REFUSED, reason="STF"), left=0, received=0),
        replace(SALE, received=0),
        replace(SALE, received=1),
    ],
)
def test_judge__can_be_handed_on_but_not_sold__is_a_honeypot(sale: Sold) -> None:
    assert verdict(replace(SOUND, sale=sale)) is Verdict.HONEYPOT


def test_judge__who_received_it_can_not_send_it__is_a_honeypot() -> None:
    assert verdict(replace(SOUND, back=replace(BACK, call=REFUSED))) is Verdict.HONEYPOT


@pytest.mark.parametrize(
    "seen",
    [
        replace(SOUND, code=0),
        replace(SOUND, units=None),
        replace(SOUND, balance=replace(REFUSED), units=None),
        replace(SOUND, out=replace(OUT, call=REFUSED)),
        replace(SOUND, out=replace(OUT, call=FALSE)),
        replace(SOUND, sale=None),
        replace(SOUND, sale=replace(SALE, approval=REFUSED)),
        replace(SOUND, sale=replace(SALE, approval=FALSE)),
        replace(taxed(1), sale=replace(SALE, swap=REFUSED, left=0, received=0)),
    ],
)
def test_judge__moves_nowhere_or_has_no_market__is_unsellable(seen: Observation) -> None:
    assert verdict(seen) is Verdict.UNSELLABLE


@pytest.mark.parametrize("bad", [BURNED, BOMB])
@pytest.mark.parametrize("part", ["balance", "out", "back", "approval", "swap"])
def test_judge__burns_gas_or_floods_with_answers__is_hostile_wherever_it_does(bad: Tried, part: str) -> None:
    made = {
        "balance": replace(SOUND, balance=bad, units=None),
        "out": replace(SOUND, out=replace(OUT, call=bad)),
        "back": replace(SOUND, back=replace(BACK, call=bad)),
        "approval": replace(SOUND, sale=replace(SALE, approval=bad)),
        "swap": replace(SOUND, sale=replace(SALE, swap=bad, received=0)),
    }
    assert verdict(made[part]) is Verdict.HOSTILE


@pytest.mark.parametrize(
    "seen",
    [
        replace(SOUND, out=replace(OUT, taker=(1_000, 6_000))),  # a stranger had some
        replace(SOUND, out=replace(OUT, holder=(GIVEN, GIVEN), taker=(0, 0))),  # nothing moved
        replace(SOUND, out=replace(OUT, holder=(GIVEN, GIVEN))),  # made of nothing
        replace(SOUND, out=replace(OUT, holder=(GIVEN, 0))),  # took more than was sent
        replace(SOUND, out=replace(OUT, taker=(0, 0))),  # nothing arrived
        replace(SOUND, out=replace(OUT, taker=(0, 9_000))),  # more arrived than was sent
        replace(SOUND, out=replace(OUT, taker=(0, None))),
        replace(SOUND, out=replace(OUT, holder=(GIVEN, None))),
        replace(SOUND, back=replace(BACK, taker=(5_000, 5_000))),
        replace(SOUND, sale=replace(SALE, left=0)),  # paid for, and still there
        replace(SOUND, sale=replace(SALE, left=None)),
    ],
)
def test_judge__says_what_is_not_so__is_hostile(seen: Observation) -> None:
    assert verdict(seen) is Verdict.HOSTILE


@pytest.mark.parametrize("seen", [None, replace(SOUND, units=0), replace(SOUND, out=None), replace(SOUND, back=None)])
def test_judge__could_not_be_tried__is_unknown(seen: Observation | None) -> None:
    assert verdict(seen) is Verdict.UNKNOWN


def test_judge__a_stranger_like_a_known_token__is_a_look_alike_and_one_that_is_allowed_is_judged_by_what_it_does() -> (
    None
):
    assert verdict(SOUND, Standing.STRANGER, "it calls itself USDC") is Verdict.LOOK_ALIKE
    assert verdict(None, Standing.STRANGER, "it calls itself USDC") is Verdict.LOOK_ALIKE
    assert verdict(SOUND, Standing.ALLOWED, "it calls itself USDC") is Verdict.SOUND


NOTHING = D(0)


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("kind", Verdict)
def test_quarantine__by_verdict_and_standing__only_what_is_vouched_for_and_sound_is_sold(
    kind: Verdict, standing: Standing
) -> None:
    kept = quarantine(standing, Ruling(kind, "so it is", D("0.1")), NOTHING)
    assert bool(kept) == (standing is Standing.STRANGER or kind is not Verdict.SOUND)
    if kept:
        assert kept.startswith(f"{kind.value.replace('_', '-')}: so it is; ")


@pytest.mark.parametrize(("highest", "sold"), [("0", False), ("0.0999", False), ("0.1", True), ("0.5", True)])
def test_quarantine__a_tax__is_borne_as_far_as_the_owner_says(highest: str, sold: bool) -> None:
    ruling = Ruling(Verdict.TAXED, "it keeps 10 %", D("0.1"))
    assert (quarantine(Standing.ALLOWED, ruling, D(highest)) == "") == sold
    assert quarantine(Standing.STRANGER, ruling, D(highest))


def test_remedy__of_every_verdict__says_what_would_change_it() -> None:
    said = {
        (kind, standing): remedy(standing, Ruling(kind, "", D("0.1")), NOTHING)
        for kind in Verdict
        for standing in Standing
    }
    assert all(said.values())
    assert "allow" in said[Verdict.SOUND, Standing.STRANGER]
    assert "highest_tax of 10 %" in said[Verdict.TAXED, Standing.KNOWN]
    assert "leave it alone" in said[Verdict.HOSTILE, Standing.ALLOWED]


@pytest.mark.parametrize(("part", "words"), [("0.1", "10 %"), ("0.00125", "0.12 %"), ("1", "100 %"), ("0", "0 %")])
def test_percent__a_part__is_written_in_hundredths(part: str, words: str) -> None:
    assert percent(D(part)) == words
