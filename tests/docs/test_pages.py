"""What the documents promise: links that lead somewhere, commands that exist, and code that runs."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import events
from dustman.cli import assembled
from dustman.redis_server import free_port
from events.envelope import cloud_event
from events.feed import Feed
from events.log import NewEvent
from events.memory import MemoryLog
from events.sqlite import SQLiteLog
from events.webhook import Secret, headers
from tests.events.samples import SAMPLES, new
from tests.receiver import SECRET
from tests.redis_server import RedisServer
from workers.receiver import Receiver

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
OTHER_SECRET = f"whsec_{b64encode(bytes(32)).decode()}"
# A link to a heading, in this page or in another one of ours.
HEADING = re.compile(r"\[[^\]]*\]\(([^)#:\s]*)#([^)\s]+)\)")
TYPED = re.compile(r"^(?:    |\$ )?(dustman [a-z-].*)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links__within_the_repository__lead_to_a_file(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links__to_a_heading__find_it(page: Path) -> None:
    named = [(page.parent / path if path else page, heading) for path, heading in HEADING.findall(page.read_text())]
    assert [f"{there.name}#{heading}" for there, heading in named if heading not in headings(there)] == []


def headings(page: Path) -> set[str]:
    """Name a page's headings as links do: small letters and digits, dashes for spaces, no other signs."""
    lines = [line.lstrip("# ") for line in page.read_text().splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options__of_commands_that_pages_type__exist(page: Path) -> None:
    """A line of code that begins with `dustman` is typed as it stands, as far as the shell does not take over."""
    text = page.read_text().replace("\\\n", " ")
    unknown = [f"{line}: {option}" for line in TYPED.findall(text) for option in unknown_options(line)]
    assert unknown == []


def unknown_options(line: str) -> list[str]:
    command = get_command(assembled())
    named = {option for parameter in command.params for option in parameter.opts}
    for word in re.split(r" [|&>#]", line)[0].split()[1:]:
        if isinstance(command, TyperGroup) and word in command.commands:
            command = command.commands[word]
            named |= {option for parameter in command.params for option in parameter.opts}
    typed = [word.partition("=")[0] for word in re.split(r" [|&>#]", line)[0].split() if word.startswith("-")]
    return [option for option in typed if option not in named | {"-", "--help"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands__that_pages_name__exist(page: Path) -> None:
    known = {command.name for command in assembled().registered_commands} | {
        group.name for group in assembled().registered_groups
    }
    named = set(re.findall(r"(?:^|`)(?:    )?dustman ([a-z][a-z-]+)", page.read_text(), re.MULTILINE))
    assert named - known == set()


def test_readme__is_under_two_screens__of_fifty_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 100


def test_packages__that_are_imported__are_those_of_this_checkout() -> None:
    """`events` is a name that others have too; what runs must be what lies here."""
    assert Path(events.__file__).parents[1] == ROOT


def test_subscribing__the_lines_of_the_how_to__print_what_was_converted(tmp_path: Path) -> None:
    code, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/subscribe.md").read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    log = SQLiteLog(tmp_path / "log.db", lambda: datetime.now(UTC))
    sample = next(fact for fact in SAMPLES if type(fact).__name__ == "DustConverted")
    log.append("account-main", 0, [NewEvent("id", sample, datetime.now(UTC), "test")])
    with RedisServer(tmp_path / "redis") as server, server.client() as client:
        Feed(client, log.identity).publish_pending(log)
        script = tmp_path / "subscriber.py"
        script.write_text(code.replace("redis.Redis(", f"redis.Redis(port={server.port}, "))
        with subprocess.Popen([sys.executable, "-u", script], stdout=subprocess.PIPE, text=True) as subscriber:
            assert subscriber.stdout
            line = subscriber.stdout.readline()
            subscriber.kill()
    log.close()
    assert "coinbase:" in line


def test_subscribing_from_python__the_lines_of_the_how_to__print_what_was_converted(tmp_path: Path) -> None:
    _, code, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/subscribe.md").read_text(), re.DOTALL)
    (tmp_path / "var").mkdir(mode=0o700)
    log = SQLiteLog(tmp_path / "var/dustman.db", lambda: datetime.now(UTC))
    sample = next(fact for fact in SAMPLES if type(fact).__name__ == "DustConverted")
    log.append("account-main", 0, [NewEvent("id", sample, datetime.now(UTC), "test")])
    with RedisServer(tmp_path / "redis") as server, server.client() as client:
        Feed(client, log.identity).publish_pending(log)
        url = f"redis://127.0.0.1:{server.port}"
        (tmp_path / "dustman.yaml").write_text(f"accounts: {{main: {{venue: coinbase}}}}\nredis: {{url: '{url}'}}\n")
        with subprocess.Popen(
            [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path
        ) as subscriber:
            assert subscriber.stdout
            line = subscriber.stdout.readline()
            subscriber.kill()
    log.close()
    assert line.startswith("1 coinbase:")


def test_webhooks__the_receiver_of_the_how_to__takes_what_is_genuine_once(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/webhooks.md").read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    script, port = tmp_path / "receiver.py", free_port()
    script.write_text(code)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env={"SECRET": SECRET, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    log = MemoryLog("6f1c", lambda: datetime.now(UTC))
    log.append("account-main", 0, [new("one"), new("two")])
    one, two = (cloud_event(recorded, "6f1c") for recorded in log.read())
    receiver, secret, now = Receiver("127.0.0.1", port, "/", None, 5.0), Secret.read(SECRET), int(time.time())
    try:
        sent = [
            (one, headers(secret, "one", now, one)),
            (one, headers(secret, "one", now, one)),
            (two, headers(secret, "two", now, one)),
            (two, headers(secret, "two", now - 600, two)),
            (two, headers(Secret.read(OTHER_SECRET), "two", now, two)),
            (two, headers(Secret.read(f"{OTHER_SECRET} {SECRET}"), "two", now, two)),
        ]
        deadline = time.monotonic() + 10
        while not listens(port) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [receiver.post(*each).status for each in sent] == [204, 204, 401, 401, 401, 204]
    finally:
        receiver.close()
        process.kill()
        said, _ = process.communicate()
    assert said == "1 conversions_halted\n2 conversions_halted\n"


def listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages__when_two_versions_were_merged__then_no_mark_of_it_is_left(page: Path) -> None:
    left = [line for line in page.read_text().splitlines() if line.startswith(("<<<<<<<", ">>>>>>>"))]
    assert left == []
