"""One set of real processes for the whole directory: what one test breaks must be whole again for the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.stage import Stage, staged


@pytest.fixture(scope="package")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("chaos")) as stage:
        yield stage


@pytest.fixture
def stage(processes: Stage) -> Stage:
    """Every role at work, also after a test that failed half-way."""
    for child in processes.workers.values():
        if not child.running:
            child.start()
    return processes
