"""`dustman simulate coinbase`: a venue of its own process that `dustman doctor` finds nothing wrong with."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from dustman.exits import Exit
from tests.dustman.conftest import COMMAND, Typed, spawned

SERVING = ("simulate", "coinbase", "--state", "small", "--seed", "7", "--ca-file", "ca.pem")


def test_simulate_coinbase__started__says_where_it_is_and_the_doctor_finds_it_well(dustman: Typed, home: Path) -> None:
    with subprocess.Popen(
        [COMMAND, *SERVING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home
    ) as twin:
        try:
            assert twin.stdout
            told = json.loads(twin.stdout.readline())
            assert dustman("init", "--no-input", "--key-file", told["keys"]["owner"]).exit == Exit.DONE
            config = home / "dustman.yaml"
            lines = f"    base_url: https://{told['base_url']}\n    ca_file: {told['ca_file']}\n"
            config.write_text(config.read_text().replace("    key: ", f"{lines}    key: "))
            found = {row["check"]: row["verdict"] for row in dustman("doctor", "--json").value["findings"]}
        finally:
            twin.send_signal(signal.SIGTERM)
            twin.wait(20)
        assert twin.returncode == Exit.DONE
    venue = ("venue", "key", "rights", "balances", "target")
    assert {name: found[f"main: {name}"] for name in venue} == dict.fromkeys(venue, "ok")


@pytest.mark.parametrize(
    ("arguments", "number", "words"),
    [
        (["--state", "missing.yaml"], Exit.CONFIGURATION, "missing.yaml"),
        (["--port", "70000"], Exit.USAGE, "65535"),
    ],
)
def test_simulate_coinbase__a_bad_option__ends_before_anything_listens(
    tmp_path: Path, arguments: list[str], number: Exit, words: str
) -> None:
    ended = spawned("simulate", "coinbase", *arguments, cwd=tmp_path)
    assert (ended.exit, ended.out) == (number, "")
    assert words in ended.err
