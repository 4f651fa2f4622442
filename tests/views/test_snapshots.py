"""A snapshot never changes a result: whatever is in its directory, a state is what a fold of the whole log gives."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

import views
from domain.account import Account
from domain.lane import Idle, Included, Lane, Signed
from events.facts import StrategyFact, TransactionIncluded, TransactionSigned
from events.log import EventLog, Recorded
from events.memory import MemoryLog
from events.sqlite import SQLiteLog
from tests.events.clocks import SetClock
from tests.events.samples import SAMPLES, new
from tests.exports.stories import record, swept_account
from tests.views.stories import STORIES, story
from views import closed, form, snapshots
from views.closed import Closed
from views.form import PACK, StateForm, form_of, state_from
from views.snapshots import FOLD_VERSION, Snapshots
from views.state import State, state_of

EVERY = 7


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short log fills pages too."""
    for module in (closed, snapshots):
        monkeypatch.setattr(module, "PAGE", 3)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventLog]:
    clock = SetClock()
    log = SQLiteLog(Path(tmp_path_factory.mktemp("snapshots"), "log.db"), clock)
    scans = [(120, 490, 0, []), (50, 0, 30, ["half", "no"]), (0, 300, 32, ["lost", "pending"]), (119, 0, 0, ["all"])]
    record(log, clock, [swept_account("main", scans * 3), swept_account("other", scans[::-1])], Random(3))
    yield log
    log.close()


@pytest.fixture(scope="module")
def folds(log: EventLog) -> list[State]:
    """The state after each position, folded from the beginning."""
    records = list(log.read())
    return [state_of(records[:position]) for position in range(len(records) + 1)]


def test_as_of__1000_random_times__is_the_full_fold(log: EventLog, folds: list[State], tmp_path: Path) -> None:
    random, kept = Random(5), Snapshots(tmp_path / "kept", log, EVERY)
    times = [recorded.recorded_at for recorded in log.read()]
    for _ in range(1000):
        moment = times[0] + (times[-1] - times[0]) * random.uniform(-0.01, 1.01)
        position = log.position_at(moment)
        state = kept.as_of(position)
        assert state == folds[position]
        assert list(state.lots.rows) == list(folds[position].lots.rows)
        if position % 10 == 0:
            account = random.choice(["main", "other"])
            assert state.only(account) == state_of(log.read(until=position), account)
    assert len(list((tmp_path / "kept").glob("*.state"))) == len(times) // EVERY
    assert list((tmp_path / "kept").glob("*.rows"))


def test_as_of__with_any_damage__is_the_full_fold(log: EventLog, folds: list[State], tmp_path: Path) -> None:
    random, whole, head = Random(9), tmp_path / "whole", log.head()
    Snapshots(whole, log, EVERY).as_of(head)
    for turn in range(60):
        hurt = tmp_path / f"hurt-{turn}"
        shutil.copytree(whole, hurt)
        for path in random.sample(sorted(hurt.iterdir()), 6):
            damage(path, random)
        for position in (head, random.randrange(head)):
            assert Snapshots(hurt, log, EVERY).as_of(position) == folds[position]
        shutil.rmtree(hurt)


def damage(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes())
    match random.randrange(5):
        case 0:
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
            path.write_bytes(content)
        case 1:
            path.write_bytes(content[: random.randrange(len(content))])
        case 2:
            path.unlink()
        case 3:  # a file of the right kind at the wrong place
            others = sorted(each for each in path.parent.glob(f"*{path.suffix}") if each != path and each.is_file())
            path.write_bytes(random.choice(others).read_bytes())
        case _:
            path.unlink()
            path.mkdir()


def test_as_of__beside_the_snapshots_of_another_log__ignores_them(log: EventLog, tmp_path: Path) -> None:
    """The same identity, but other events: what a backup that was restored and went on leaves behind."""
    clock = SetClock()
    other = MemoryLog(log.identity, clock)
    record(other, clock, [swept_account("main", [(120, 490, 0, ["no"]), (50, 30, 0, [])] * 3)], Random(4))
    Snapshots(tmp_path, log, EVERY).as_of(other.head())
    assert Snapshots(tmp_path, other, EVERY).as_of(other.head()) == state_of(other.read())
    renamed = MemoryLog("another", clock)
    record(renamed, clock, [swept_account("main", [(120, 490, 0, [])])], Random(4))
    assert Snapshots(tmp_path, renamed, EVERY).as_of(renamed.head()) == state_of(renamed.read())


def test_as_of__beside_those_of_another_fold__makes_its_own_and_drops_them(log: EventLog, tmp_path: Path) -> None:
    Snapshots(tmp_path, log, EVERY, fold="f" * 64).as_of(log.head())
    assert Snapshots(tmp_path, log, EVERY).as_of(log.head()) == state_of(log.read())
    assert {path.name.split(".")[1] for path in tmp_path.iterdir()} == {FOLD_VERSION[:16]}


def test_as_of__where_another_fold_took_our_name__is_not_believed(log: EventLog, tmp_path: Path) -> None:
    lying = FOLD_VERSION[:16] + "f" * 48
    Snapshots(tmp_path, log, EVERY, fold=lying).as_of(log.head())
    before = {path: path.read_bytes() for path in tmp_path.glob("*.state")}
    assert Snapshots(tmp_path, log, EVERY).as_of(log.head()) == state_of(log.read())
    assert all(path.read_bytes() != content for path, content in before.items())


def test_as_of__where_nothing_can_be_written__is_the_full_fold(log: EventLog, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Snapshots(tmp_path / "file", log, EVERY).as_of(log.head()) == state_of(log.read())
    assert Snapshots(tmp_path / "file" / "below", log, EVERY).as_of(log.head()) == state_of(log.read())


def test_as_of__reads_no_more_than_the_tail(log: EventLog, tmp_path: Path) -> None:
    Snapshots(tmp_path, log, EVERY).as_of(log.head())
    read = list[tuple[int, int | None]]()

    class Watched(SQLiteLog):
        def read(self, after: int = 0, until: int | None = None) -> Iterator[Recorded]:
            read.append((after, until))
            return super().read(after, until)

    watched = Watched(log.path, SetClock())  # type: ignore[attr-defined]
    for position in range(log.head() + 1):
        Snapshots(tmp_path, watched, EVERY).as_of(position)
    watched.close()
    assert all(until is not None and until - after <= EVERY for after, until in read)


def test_fold_version__is_another_when_any_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "views"
    shutil.copytree(Path(views.__file__).parent, copy)
    monkeypatch.setattr(views, "__path__", [str(copy)])
    assert snapshots._fold_version() == FOLD_VERSION
    for source in copy.glob("*.py"):
        code = source.read_bytes()
        source.write_bytes(code + b"\n")
        assert snapshots._fold_version() != FOLD_VERSION, source
        source.write_bytes(code)
    (copy / "lots.py").rename(copy / "plots.py")
    assert snapshots._fold_version() != FOLD_VERSION


def written(state: State) -> list[str]:
    """Every digit and exponent of the accounts; sets have no order, and equal ones are equal."""
    return [repr(account._replace(watched=frozenset())) for account in state.accounts.values()]


@pytest.mark.parametrize("name", STORIES)
def test_form__of_every_state_of_a_story__gives_it_back(name: str) -> None:
    state = State()
    for recorded in story(name).log:
        state.apply(recorded)
        again = state_from(rewritten(form_of(state)), [])
        assert again == state
        assert written(again) == written(state)
        assert list(again.lots.staying) == list(state.lots.staying)


def test_form__of_a_nonce_lane_in_each_state__gives_it_back() -> None:
    signed = next(sample for sample in SAMPLES if isinstance(sample, TransactionSigned))
    seen = next(sample for sample in SAMPLES if isinstance(sample, TransactionIncluded))
    for lane_state in (Idle(), Signed((signed, signed), displaced=True), Signed((signed,)), Included((signed,), seen)):
        lane = Lane(lane_state, nonce=7, anew=False, delegated=True, head=290_000_001, turn=5)
        state = State(accounts={"main": Account("main", lane=lane)})
        assert state_from(rewritten(form_of(state)), []) == state


def test_form__of_strategies__gives_them_back_whatever_came_of_them() -> None:
    log = MemoryLog("log-1", SetClock())
    told = [sample for sample in SAMPLES if isinstance(sample, StrategyFact)]
    for version, fact in enumerate([*told, *told]):
        log.append("strategy-weeth-loop", version, [new(f"s{version}", fact)])
        state = state_of(log.read())
        assert state.strategies["weeth-loop"].due_until is not None
        assert state.accounts == {}
        assert state_from(rewritten(form_of(state)), []) == state


def rewritten(written: StateForm) -> StateForm:
    return msgspec.msgpack.decode(PACK.encode(written), type=StateForm)


def test_form__of_an_account__has_all_its_fields() -> None:
    in_flight = ("attempts", "displaced", "seen")
    assert form._Lane.__struct_fields__ == in_flight + tuple(field.name for field in dataclasses.fields(Lane))[1:]
    assert form._Account.__struct_fields__ == Account._fields
    assert {field.name for field in dataclasses.fields(State)} == {"lots", "ledger", "accounts", "strategies"}


def test_closed__in_pages__is_the_same_sequence(log: EventLog) -> None:
    rows = list(state_of(log.read()).lots.closed)
    assert len(rows) > 6
    assert Closed(rest=rows) == Closed(rest=rows)
    assert Closed(rest=rows) != Closed(rest=rows[1:])
