"""The stopwatch adds up what it watches, and leaves no trace."""

from __future__ import annotations

import threading
from time import perf_counter_ns

import pytest

from benchmarks.stopwatch import MILLISECOND, Stopwatch


def test_over__two_methods__adds_up_both_and_gives_back_their_answers() -> None:
    watch, event = Stopwatch(), threading.Event()
    with watch.over(threading.Event, "wait", "is_set"):
        assert event.wait(0.02) is False
        first = watch.total
        assert event.is_set() is False
    assert first >= 20 * MILLISECOND
    assert watch.total > first


def test_over__a_method_inside_another__counts_once_and_for_the_inner_watch() -> None:
    outer, inner = Stopwatch(), Stopwatch()
    start = perf_counter_ns()
    with outer.over(threading.Event, "wait"), inner.over(threading.Condition, "wait"):
        threading.Event().wait(0.02)
    assert inner.total >= 20 * MILLISECOND
    assert outer.total > 0
    assert outer.total + inner.total <= perf_counter_ns() - start


def test_over__a_method_that_raises__counts_it_and_passes_the_error_on() -> None:
    watch = Stopwatch()
    with watch.over(threading.Semaphore, "acquire"), pytest.raises(ValueError, match="timeout"):
        threading.Semaphore().acquire(blocking=False, timeout=1)
    assert watch.total > 0


def test_over__after_the_block__watches_no_more() -> None:
    watch, before = Stopwatch(), threading.Event.wait
    with watch.over(threading.Event, "wait"):
        assert threading.Event.wait is not before
    assert threading.Event.wait is before
    threading.Event().wait(0.001)
    assert watch.total == 0
