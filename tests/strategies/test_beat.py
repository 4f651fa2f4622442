"""Beat measures strategies, and leaves the reading of their accounts to that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.strategies.test_settings import LOOP, settings

ASKED = """
import json, celeryconfig
entries = celeryconfig.beat_schedule
print(json.dumps({name: [each["task"], each["kwargs"], each["options"]["expires"]] for name, each in entries.items()}))
"""


def test_beat__a_strategy__has_an_entry_and_its_accounts_have_none(tmp_path: Path) -> None:
    settings(tmp_path, {"loop.yaml": LOOP})
    root = Path(__file__).parents[2]
    told = subprocess.run(
        [sys.executable, "-c", ASKED],
        env={"DUSTMAN_CONFIG": str(tmp_path / "dustman.yaml"), "HOME": str(tmp_path), "PATH": ""},
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    entries = json.loads(told.stdout)
    assert entries["measure-loop"] == ["dustman.measure", {"strategy": "loop"}, 300]
    assert {name for name in entries if name.startswith("scan-")} == {"scan-hodl", "scan-euros"}
