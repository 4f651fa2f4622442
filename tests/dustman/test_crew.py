"""A crew of real processes: they come up, crash and come again, and none outlives the crew, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dustman.child import Again, Child, ChildFailed, Job
from dustman.crew import Crew
from tests.dustman.remains import gone, living

SLEEP = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
# A leader with a child of its own, as a prefork pool has, both deaf.
POOL = f"import os; os.fork(); {DEAF}"


def python(code: str, name: str = "child", **more: object) -> Job:
    return Job(name=name, command=(sys.executable, "-c", code), environment={}, **more)  # type: ignore[arg-type]


def said(word: str, times: int = 1) -> Callable[[Child], bool]:
    return lambda child: "\n".join(child.last_lines()).count(word) >= times


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with Crew(tmp_path / "log", grace=1.0) as crew:
        yield crew


def looked_at(crew: Crew, until: Callable[[], bool], within: float = 10.0) -> None:
    """Look after the crew until something holds."""
    deadline = time.monotonic() + within
    while not until():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        crew.look()
        time.sleep(0.02)


def test_start__a_command__gets_its_environment_and_nothing_else(crew: Crew) -> None:
    code = "import os; print(sorted(os.environ.items()))"
    child = crew.start(Job(name="x", command=(sys.executable, "-c", code), environment={"A": "1", "LC_ALL": "C.UTF-8"}))
    looked = time.monotonic() + 10
    while child.running and time.monotonic() < looked:
        time.sleep(0.01)
    assert "('A', '1')" in child.last_lines()[0]
    assert "HOME" not in child.last_lines()[0]


def test_start__while_it_runs__is_refused(crew: Crew) -> None:
    child = crew.start(python(SLEEP))
    with pytest.raises(RuntimeError, match=f"child runs already, as process {child.pid}"):
        child.start()


def test_settle__all_ready__returns(crew: Crew) -> None:
    child = crew.start(python("print('here I am', flush=True); " + SLEEP, ready=said("here I am")))
    crew.settle(10)
    assert child.running


def test_settle__one_ends_at_once__shows_its_code_and_last_lines(crew: Crew) -> None:
    crew.start(python("import sys; sys.exit('the disk is full')", ready=said("never")))
    with pytest.raises(ChildFailed) as caught:
        crew.settle(10)
    assert str(caught.value) == (
        f"child ended with exit code 1. The end of {crew.logs / 'child.log'}:\n  the disk is full"
    )


def test_settle__no_such_command__says_so(crew: Crew) -> None:
    crew.start(Job(name="child", command=("/no/such/thing",), environment={}, ready=said("never")))
    with pytest.raises(ChildFailed, match=r"exit code 127(.|\n)*/no/such/thing"):
        crew.settle(10)


def test_settle__one_does_not_come_up__names_the_time_it_had(crew: Crew) -> None:
    crew.start(python(SLEEP, ready=said("never")))
    with pytest.raises(ChildFailed, match=r"child did not come up within 0.3 s(.|\n)*\(nothing\)"):
        crew.settle(0.3)


def test_last_lines__a_long_log__are_the_last_of_this_start(crew: Crew) -> None:
    crew.logs.joinpath("child.log").write_text("from an earlier run\n")
    short = crew.start(python("print('short')"))
    looked_until_gone(short)
    assert short.last_lines() == ["short"]
    long = crew.start(python("for n in range(30000): print('line', n)", name="long"))
    looked_until_gone(long)
    assert long.last_lines() == [f"line {n}" for n in range(29985, 30000)]


def looked_until_gone(child: Child) -> None:
    deadline = time.monotonic() + 10
    while child.running and time.monotonic() < deadline:
        time.sleep(0.01)


def test_look__a_crash_that_nobody_should_mend__is_an_error(crew: Crew) -> None:
    child = crew.start(python(SLEEP))
    crew.look()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(ChildFailed, match="child was ended by SIGKILL"):
        looked_at(crew, until=lambda: False)


def test_look__a_crash_in_a_loop__waits_twice_as_long_each_time_up_to_the_most(tmp_path: Path) -> None:
    told: list[str] = []
    with Crew(tmp_path, tell=told.append) as crew:
        ends = Job(name="child", command=("/bin/sh", "-c", "exit 3"), environment={}, again=Again(first=0.2, most=0.6))
        crew.start(ends)
        looked_at(crew, until=lambda: len(told) == 4)
    waits = [sentence.split("again in ")[1].split(",")[0] for sentence in told]
    # It runs for less than the longest wait, so the wait is never forgotten.
    assert waits == ["0.2 s", "0.4 s", "0.6 s", "0.6 s"]
    assert told[0].startswith("child ended with exit code 3; it is started again in ")


def test_look__a_crash_after_a_long_time_up__waits_as_for_the_first(tmp_path: Path) -> None:
    told: list[str] = []
    with Crew(tmp_path, tell=told.append) as crew:
        crew.start(python("import time; time.sleep(0.3)", again=Again(first=0.05, most=0.2)))
        looked_at(crew, until=lambda: len(told) == 3)
    assert all("again in 0.05 s" in sentence for sentence in told)


def test_look__a_leader_crashed__ends_its_orphans_before_it_is_started_again(crew: Crew) -> None:
    child = crew.start(python(POOL, ready=said("deaf", 2), again=Again(first=0.05)))
    crew.settle(10)
    before = child.pid
    assert len(living(before)) == 2
    os.kill(before, signal.SIGKILL)
    looked_at(crew, until=lambda: child.running and child.pid != before)
    assert gone([before], within=0)


def test_look__killed_on_purpose__is_left_alone_until_it_is_started(crew: Crew) -> None:
    child = crew.start(python(POOL, ready=said("deaf", 2)))
    crew.settle(10)
    before = child.pid
    child.kill()
    assert gone([before], within=1)
    crew.look()
    assert not child.running
    child.start()
    crew.settle(10)
    assert child.running


def test_stop__a_child_that_ignores_sigterm__is_killed_after_the_grace_period(crew: Crew) -> None:
    child = crew.start(python(POOL, ready=said("deaf", 2)))
    crew.settle(10)
    begun = time.monotonic()
    crew.stop(child)
    assert 1.0 <= time.monotonic() - begun < 3.0
    assert gone([child.pid], within=1)
    assert child.ending() == "was ended by SIGKILL"


def test_exit__children_of_two_ranks__stops_first_what_was_started_last(tmp_path: Path) -> None:
    tidy = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(print(time.time()))); print('up', flush=1); "
    )
    with Crew(tmp_path) as crew:
        needed = crew.start(python(tidy + SLEEP, name="needed", ready=said("up")))
        crew.settle(10)
        needing = crew.start(python(tidy + SLEEP, name="needing", ready=said("up")))
        crew.settle(10)
    assert float(needing.last_lines()[-1]) < float(needed.last_lines()[-1])


def test_exit__after_an_exception__leaves_nothing_and_lets_it_pass(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Crew(tmp_path, grace=0.5) as crew:
        child = crew.start(python(POOL, ready=said("deaf", 2)))
        crew.settle(10)
        raise ZeroDivisionError
    assert gone([child.pid], within=1)


def test_look__the_guard_was_killed__is_an_error_that_still_stops_all(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="start anew"), Crew(tmp_path) as crew:
        child = crew.start(python(SLEEP))
        os.kill(crew.guard, signal.SIGKILL)
        looked_at(crew, until=lambda: False)
    assert gone([child.pid], within=1)


LEADER = f"""
import sys
from pathlib import Path
from dustman.child import Job
from dustman.crew import Crew

with Crew(Path(sys.argv[1]), grace=1.0) as crew:
    print(crew.guard)
    for name, code in (("calm", {SLEEP!r}), ("pool", {POOL!r})):
        job = Job(name=name, command=(sys.executable, "-c", code), environment={{}})
        print(crew.start(job).pid, flush=True)
    crew.watch()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_signal__to_the_crews_own_process__leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with leader:
        assert leader.stdout is not None
        groups = [int(leader.stdout.readline()) for _ in range(3)]
        deadline = time.monotonic() + 10
        while [len(living(group)) for group in groups] != [1, 1, 2]:
            assert time.monotonic() < deadline
        leader.send_signal(number)
        assert leader.wait(10) != 0
        assert gone(groups, within=5)


def test_signal__sigkill_right_after_a_start__still_leaves_nothing_behind(tmp_path: Path) -> None:
    """The child is on record before it runs: no delay of the crew's process can lose it."""
    rash = LEADER.replace("crew.watch()", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    for _ in range(3):
        ended = subprocess.run([sys.executable, "-c", rash, str(tmp_path)], stdout=subprocess.PIPE, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert gone(map(int, ended.stdout.split()), within=5)


def test_signal__a_second_ctrl_c_while_stopping__kills_at_once(tmp_path: Path) -> None:
    slow = LEADER.replace("grace=1.0", "grace=60.0")
    leader = subprocess.Popen(
        [sys.executable, "-c", slow, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with leader:
        assert leader.stdout is not None
        groups = [int(leader.stdout.readline()) for _ in range(3)]
        deadline = time.monotonic() + 10
        while len(living(groups[2])) < 2:
            assert time.monotonic() < deadline
        time.sleep(0.3)
        leader.send_signal(signal.SIGINT)
        assert gone(groups[1:2], within=5), "the first asks"
        assert living(groups[2]), "and waits for the deaf"
        leader.send_signal(signal.SIGINT)
        assert gone(groups, within=5)
