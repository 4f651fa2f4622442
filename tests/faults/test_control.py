"""The check can fail: a converter that answers doubt with another order is caught by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.victim import send_again
from tests.faults.correctness import assert_correct
from tests.faults.orders import on
from tests.faults.trial import staged, trading, work
from workers import conducting


@pytest.mark.parametrize("leg", ["sell", "buy"])
@pytest.mark.parametrize("kind", ["timeout", "reset"])
def test_check__a_converter_that_sends_again_after_a_lost_answer__is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leg: str, kind: str
) -> None:
    with staged(tmp_path, trading(), waits=kind == "timeout") as at:
        at.twin.inject(**on(leg, {"kind": kind, "when": "after"}))
        with monkeypatch.context() as naive:
            naive.setattr(conducting, "_settle", send_again)
            work(at, 3)
        with pytest.raises(AssertionError, match=r"no intent speaks of|the log and the venue differ"):
            assert_correct(at, finished=True)


def test_check__the_same_without_sending_again__passes(tmp_path: Path) -> None:
    with staged(tmp_path, trading(), waits=True) as at:
        at.twin.inject(**on("sell", {"kind": "timeout", "when": "after"}))
        work(at, 3)
        assert_correct(at, finished=True)
