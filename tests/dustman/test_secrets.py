"""Secrets end to end: whatever the commands do with a real key, nothing they say or write contains it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dustman.exits import Exit
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from tests.dustman.conftest import Outcome, Typed, spawned
from tests.redis_server import RedisServer

PASSWORD = "hunter2hunter2"
LOOKING = (("doctor",), ("scan", "--explain"), ("sweep", "--dry-run"), ("status",), ("events",))


def marks(secret: str) -> list[str]:
    """What must be seen nowhere: each line of the key, and the password."""
    return [PASSWORD, *(line for line in secret.splitlines() if not line.startswith("-----"))]


def leaks(home: Path, outcomes: list[Outcome], secret: str) -> list[str]:
    """Every place but the key's own files where the key or the password can be read."""
    said = {f"output {number}": (o.out + o.err).encode() for number, o in enumerate(outcomes)}
    files = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != ".env"}
    return [place for place, held in (said | files).items() for mark in marks(secret) if mark.encode() in held]


@pytest.mark.parametrize("algorithm", ["ed25519", "es256"])
def test_commands__with_a_real_key__say_and_write_it_nowhere(
    dustman: Typed, home: Path, tmp_path_factory: pytest.TempPathFactory, algorithm: str
) -> None:
    with CoinbaseTwin(small()) as twin, RedisServer(tmp_path_factory.mktemp("redis")) as redis:
        key = json.loads(twin.key_file(algorithm="es256" if algorithm == "es256" else "ed25519").read_text())
        secret = key["privateKey"]
        (home / "dustman.yaml").write_text(
            f"accounts: {{main: {{venue: coinbase, base_url: https://{twin.base_url}, ca_file: {twin.ca_file}}}}}\n"
        )
        one_line = secret.replace("\n", "\\n")
        (home / ".env").write_text(
            f'DUSTMAN_MAIN_KEY_NAME={key["name"]}\nDUSTMAN_MAIN_KEY_SECRET="{one_line}"\n'
            f"DUSTMAN_REDIS_URL=redis://default:{PASSWORD}@127.0.0.1:{redis.port}\n"
        )
        outcomes = [dustman(*command, *json_too) for command in LOOKING for json_too in ([], ["--json"])]
    assert {outcome.exit for outcome in outcomes} <= {Exit.DONE, Exit.NOTHING_TO_DO}, outcomes
    assert (home / "var" / "dustman.db").exists()
    assert leaks(home, outcomes, secret) == []


def test_commands__when_everything_fails__say_and_write_it_nowhere(home: Path) -> None:
    with CoinbaseTwin(small()) as twin:
        key = json.loads(twin.key_file().read_text())
    (home / "dustman.yaml").write_text(
        f"accounts: {{main: {{venue: coinbase, base_url: https://{twin.base_url}, ca_file: {twin.ca_file}}}}}\n"
    )
    told = {
        "DUSTMAN_REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:{twin.port}",
        "DUSTMAN_MAIN_KEY_NAME": key["name"],
        "DUSTMAN_MAIN_KEY_SECRET": key["privateKey"],
    }
    outcomes = [spawned("--debug", *command, cwd=home, **told) for command in (("doctor",), ("scan",))]
    assert [outcome.exit for outcome in outcomes] == [Exit.CONFIGURATION, Exit.VENUE_UNAVAILABLE]
    assert leaks(home, outcomes, key["privateKey"]) == []
