"""The containers: a valid file, the same processes as `dustman up`, and an image that holds all they need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from dustman import pulse
from dustman.cli import run
from dustman.commands.up import GRACE
from dustman.roles import EVERY_ROLE, ROLES
from dustman.service_settings import Workers
from tests.postgres_server import Database

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
# What workers, beat, commands and health checks load, the broker's transport included.
LOAD_ALL = """
import celeryconfig, dustman.cli, dustman.pulse, dustman.service
dustman.cli.assembled()
dustman.service.app.connection_for_write().transport
dustman.service.worker_desk(celeryconfig.settings, dustman.service.nudge).log.head()
print(dustman.cli.__file__, celeryconfig.__file__)
"""


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def complaints(file: Path) -> list[str]:
    """What is wrong with a Compose file: by the specification's schema, by names that lead nowhere, and by Compose."""
    by_schema = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [by_schema.stdout + by_schema.stderr] if by_schema.returncode else []
    if not found:
        found += dangling(read(file))
    if compose_is_here():
        found += by_compose(file)
    return found


def dangling(compose: Any) -> list[str]:
    """References that the schema cannot follow."""
    found = []
    for name, service in compose["services"].items():
        named = [
            volume["source"] if isinstance(volume, dict) else volume.split(":")[0] for volume in service["volumes"]
        ]
        volumes = [volume for volume in named if not volume.startswith((".", "/"))]
        for kind, used in (
            ("services", service.get("depends_on", ())),
            ("networks", service["networks"]),
            ("volumes", volumes),
        ):
            found += [f"{name}: there is no {each} in {kind}" for each in used if each not in compose[kind]]
    return found


def compose_is_here() -> bool:
    docker = shutil.which("docker")
    return docker is not None and not subprocess.call(
        [docker, "compose", "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def by_compose(file: Path) -> list[str]:
    ended = subprocess.run(
        ["docker", "compose", "-f", str(file), "config", "--quiet"], capture_output=True, text=True, check=False
    )
    return [ended.stderr] if ended.returncode else []


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A directory as an owner has it: the file with what must lie beside it."""
    passwords = ("DUSTMAN_POSTGRES_PASSWORD", "DUSTMAN_LOG_PASSWORD", "DUSTMAN_REDIS_PASSWORD")
    (tmp_path / ".env").write_text("".join(f"{name}=0123456789abcdef\n" for name in passwords))
    (tmp_path / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
    for name in ("webhooks.env", "alerts.env"):
        (tmp_path / name).touch()
    shutil.copy(ROOT / "Dockerfile", tmp_path)
    return Path(shutil.copy(COMPOSE, tmp_path))


def test_file__as_it_is__is_valid(beside: Path) -> None:
    assert complaints(beside) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("healthcheck:", "healthchek:"),
        ("stop_grace_period: 30s", "stop_grace_period: [30]"),
        ("networks: [inside]", "networks: [inwards]"),
        ("redis: {condition: service_healthy}", "redis: {condition: service_healed}"),
        ("redis: {condition: service_healthy}", "rediss: {condition: service_healthy}"),
        ("- redis:/data", "- rdis:/data"),
        ("log: {condition: service_completed_successfully}", "logs: {condition: service_completed_successfully}"),
        ("  detector:\n    <<: *venue-role", "  detector:\n    <<: *venue-role\n    build: {contxt: .}"),
        ("timeout: 10s", "timeout: 10"),
    ],
)
def test_file__with_a_mistake__is_refused(beside: Path, right: str, wrong: str) -> None:
    text = beside.read_text()
    assert right in text
    beside.write_text(text.replace(right, wrong, 1))
    assert complaints(beside) != []


def test_services__are_the_stores_and_every_role__and_run_what_up_runs() -> None:
    services = read(COMPOSE)["services"]
    assert services.keys() == {"redis", "postgres", "log", *EVERY_ROLE}
    assert {name: tuple(services[name]["command"]) for name in ROLES} == {
        name: role.command for name, role in ROLES.items()
    }
    asked_for = [name for name in EVERY_ROLE if name not in ROLES]
    assert {name: tuple(services[name]["command"]) for name in asked_for} == {
        name: ("python", "-m", *EVERY_ROLE[name].command) for name in asked_for
    }


def test_services__without_being_asked_for__are_those_that_work_without_settings_of_their_own() -> None:
    asked_for = {name: each["profiles"] for name, each in read(COMPOSE)["services"].items() if "profiles" in each}
    assert asked_for == {name: [name] for name in EVERY_ROLE if name not in ROLES}


def test_services__with_the_settings_as_they_ship__do_as_much_at_once_as_up() -> None:
    assert {name: role.sized(Workers()) for name, role in EVERY_ROLE.items()} == EVERY_ROLE


def test_services__each__is_asked_for_its_health_and_waits_for_its_stores() -> None:
    services = read(COMPOSE)["services"]
    lasting = [service for name, service in services.items() if name != "log"]
    assert all(service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"} for service in lasting)
    assert services["log"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    stores = {
        "redis": {"condition": "service_healthy"},
        "log": {"condition": "service_completed_successfully"},
    }
    assert all(
        services[name]["depends_on"] == stores
        and services[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "dustman.pulse"]
        for name in EVERY_ROLE
    )


def test_services__when_stopped__have_longer_than_tasks_are_given() -> None:
    given = re.search(r"^worker_soft_shutdown_timeout = (\d+)$", (ROOT / "celeryconfig.py").read_text(), re.MULTILINE)
    assert given is not None
    periods = [service["stop_grace_period"] for service in read(COMPOSE)["services"].values()]
    assert all(int(period.removesuffix("s")) >= GRACE > int(given[1]) + 5 for period in periods)


def test_services__of_all__only_those_that_ask_venues_have_keys_and_only_they_and_who_tells_others_a_way_out() -> None:
    compose = read(COMPOSE)
    inside = {name for name, service in compose["services"].items() if service["networks"] == ["inside"]}
    assert inside == {"redis", "postgres", "log", "beat", "relay", "metrics"}
    files = {name: service["env_file"] for name, service in compose["services"].items() if "env_file" in service}
    told = {"webhooks": "webhooks.env", "alerts": "alerts.env"}
    assert files == dict.fromkeys(("detector", "converter", "reconciler"), ".env") | told
    assert compose["networks"]["inside"] == {"internal": True}


def test_services__each__may_do_as_little_as_possible() -> None:
    for service in read(COMPOSE)["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert "ports" not in service
    assert {name: read(COMPOSE)["services"][name]["user"] for name in ("redis", "postgres")} == {
        "redis": "redis",
        "postgres": "postgres",
    }
    assert re.findall(r"^USER (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE) == ["dustman"]


def test_passwords__in_the_file__are_asked_of_the_environment_and_the_owners_is_kept_from_workers() -> None:
    compose, text = read(COMPOSE), COMPOSE.read_text()
    assert set(re.findall(r"\$\{([^}]*)\}", text)) == {
        "DUSTMAN_POSTGRES_PASSWORD:?choose one in .env",
        "DUSTMAN_LOG_PASSWORD:?choose one in .env",
        "DUSTMAN_REDIS_PASSWORD:?choose one in .env",
        "DUSTMAN_SUBSCRIBER_PASSWORD:-",
    }
    environments = {name: service.get("environment", {}) for name, service in compose["services"].items()}
    assert all(environments[name]["DUSTMAN_POSTGRES_PASSWORD"] == "" for name in EVERY_ROLE)
    knowing = {name for name, each in environments.items() if "${DUSTMAN_POSTGRES_PASSWORD" in str(each)}
    assert knowing == {"postgres", "log"}


def test_log__made_and_used_as_compose_says__is_one_and_the_same(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    services = read(COMPOSE)["services"]
    owner, address = postgres_url.removeprefix("postgresql://").rsplit("@", 1)
    (tmp_path / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
    with Database(postgres_url, installed=False) as database:
        for variable in ("DUSTMAN_LOG_URL", "DUSTMAN_LOG_OWNER_URL"):
            given = re.sub(r"\$\{DUSTMAN_LOG[^}]*\}", "of-workers", services["log"]["environment"][variable])
            given = re.sub(r"postgres:\$\{[^}]*\}", owner, given).replace("postgres:5432/dustman", f"{address}/dustman")
            given = given.replace("//dustman:", f"//{database.name}_writes:")
            monkeypatch.setenv(variable, given.replace("/dustman", f"/{database.name}"))
        monkeypatch.setenv("DUSTMAN_CONFIG", str(tmp_path / "dustman.yaml"))
        assert run(services["log"]["command"][3:]) == 0
        assert f"{database.name}_writes writes it" in capfd.readouterr().out
        monkeypatch.delenv("DUSTMAN_LOG_OWNER_URL")
        assert run(["status"]) == 0


def test_redis__as_started_by_compose__keeps_what_it_is_given() -> None:
    shell, script, *words = read(COMPOSE)["services"]["redis"]["command"]
    assert (shell, script) == ("sh", "/etc/dustman/redis.sh")
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options == {
        "--maxmemory-policy": "noeviction",
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
    }


def test_image__what_is_copied_and_locked__is_all_that_the_processes_import(tmp_path: Path) -> None:
    copied = re.findall(r"^COPY (\w\S*) (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(copied) == 9
    for source, place in copied[1:]:
        target = tmp_path / place
        if source.endswith("/"):
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, target)
    (tmp_path / "dustman.yaml").write_text("accounts: {main: {venue: coinbase}}\n")
    absent = f"import sys\nsys.modules.update(dict.fromkeys({not_in_the_image()}))\n"
    ended = subprocess.run(
        [sys.executable, "-c", absent + LOAD_ALL],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stderr, ended.stdout) == ("", f"{tmp_path / 'dustman/cli.py'} {tmp_path / 'celeryconfig.py'}\n")


def test_image__what_may_get_into_it__is_named_one_by_one() -> None:
    rules = [rule for rule in (ROOT / ".dockerignore").read_text().splitlines() if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    named = {rule.removeprefix("!").removesuffix("/**") for rule in rules[1:] if rule.startswith("!")}
    copied = re.findall(r"^COPY (\w\S*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert named == {source.removesuffix("/") for source in copied}


def not_in_the_image() -> list[str]:
    """The modules of packages that only the lock file for development names."""
    names = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    return [
        module
        for module, packages in metadata.packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", package).lower() for package in packages} & {*names, "dustman"}
    ]


def health(environment: dict[str, str]) -> tuple[int, str]:
    """Ask as a container's health check does."""
    ended = subprocess.run(
        [sys.executable, "-m", "dustman.pulse"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stderr


def test_health__a_recent_sign_of_life__is_good(tmp_path: Path) -> None:
    pulse.touch(tmp_path / "run/pulse")
    assert health({pulse.VARIABLE: str(tmp_path / "run/pulse")}) == (0, "")


def test_health__an_old_sign_or_none__is_bad(tmp_path: Path) -> None:
    file = tmp_path / "pulse"
    assert health({pulse.VARIABLE: str(file)})[0] == 1
    file.touch()
    os.utime(file, (time.time() - 40, time.time() - 40))
    code, sentence = health({pulse.VARIABLE: str(file)})
    assert (code, sentence) == (1, f"no sign of life in {file} for 40 s\n")


def test_health__no_file_named__is_bad() -> None:
    assert health({}) == (1, "DUSTMAN_PULSE does not name the file that the worker touches\n")
