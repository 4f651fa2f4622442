"""`dustman init`: what it writes can be read back, and the key is where keys belong."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import stat
from decimal import Decimal
from pathlib import Path

import pytest

from dustman.exits import Exit
from dustman.keys import key_of
from dustman.settings import load
from tests.dustman.api_keys import NAME, ed25519, key_file, pem
from tests.dustman.conftest import COMMAND, Typed, spawned
from workers.schedule import Every


def test_init__asked_nothing__writes_settings_that_are_the_defaults(dustman: Typed, home: Path) -> None:
    ended = dustman("init", "--no-input", "--json")
    assert ended.exit == Exit.DONE
    assert ended.value == {"config": "dustman.yaml", "account": "main", "key_file": None, "variables": []}
    assert ended.err == "Next: dustman doctor\n"
    written = load(home / "dustman.yaml", {})
    (home / "shortest.yaml").write_text("accounts: {main: {venue: coinbase}}")
    assert written == load(home / "shortest.yaml", {})


def test_init__its_commented_keys__are_the_defaults_when_uncommented(dustman: Typed, home: Path) -> None:
    dustman("init", "--no-input")
    text = (home / "dustman.yaml").read_text()
    assert "# A holding worth less than this is dust.\n    # threshold: 0.50\n" in text
    opened = re.sub(r"^( *)# (\w+: .+)$", r"\1\2", text, flags=re.MULTILINE)
    assert opened != text
    (home / "opened.yaml").write_text(opened)
    assert load(home / "opened.yaml", {}) == load(home / "dustman.yaml", {})


def test_init__every_option__is_written_exactly(dustman: Typed, home: Path) -> None:
    key_file(home / "my key.json", pem())
    ended = dustman(
        *("init", "--account", "savings", "--key-file", "my key.json", "--target", "ETH", "--threshold", "0.10"),
        *("--per-day", "7.5", "--per-sweep", "2.50", "--schedule", "every 5 min"),
    )
    assert (ended.exit, ended.err) == (Exit.DONE, "Next: dustman doctor\n")
    account = load(home / "dustman.yaml", {}).exchange("savings")
    assert (account.target, str(account.threshold), account.schedule) == ("ETH", "0.10", Every(300))
    assert (account.caps.per_day, account.caps.per_sweep) == (Decimal("7.5"), Decimal("2.50"))
    assert account.key == home / "my key.json"
    assert not (home / ".env").exists()


@pytest.mark.parametrize("secret", [pem(), ed25519()], ids=["pem", "ed25519"])
def test_init__a_secret_from_stdin__is_in_a_file_of_its_own_and_nowhere_else(tmp_path: Path, secret: str) -> None:
    (tmp_path / ".env").write_text("# mine\nOTHER='x y'")
    ended = spawned("init", "--key-name", NAME, "--secret-from-stdin", "--json", stdin=secret, cwd=tmp_path)
    assert (ended.exit, ended.value["variables"]) == (0, ["DUSTMAN_MAIN_KEY_NAME", "DUSTMAN_MAIN_KEY_SECRET"])
    dotenv = tmp_path / ".env"
    assert stat.S_IMODE(dotenv.stat().st_mode) == 0o600
    assert dotenv.read_text().startswith("# mine\nOTHER='x y'\nDUSTMAN_MAIN_KEY_NAME=")
    settings = load(tmp_path / "dustman.yaml", {})
    assert key_of(settings, "main").secret == secret.strip()
    line = max(secret.splitlines(), key=len)
    assert line not in ended.out + ended.err + (tmp_path / "dustman.yaml").read_text() + repr(settings)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--threshold", "0,5"], '--threshold: "0,5" is not a number above zero, such as 0.50'),
        (["--per-sweep", "60"], "--per-sweep: per_sweep (60) is above per_day (50)"),
        (["--schedule", "weekly"], '--schedule: "weekly" is not a crontab'),
        (["--account", "a b"], '"a b" is not a name of up to 32 letters'),
        (["--key-file", "key.pem"], "--key-file: what stands there (not shown) is not env, or the path"),
        (["--key-file", "missing.json"], "missing.json: there is no such key file"),
        (["--base-url", "http://localhost"], "--base-url: "),
        (["--base-url", "https://elsewhere.example"], "permit_other_host"),
        (["--key-name", NAME, "--no-input"], "--key-name needs the key's secret"),
    ],
)
def test_init__a_bad_answer__writes_nothing(dustman: Typed, home: Path, arguments: list[str], words: str) -> None:
    ended = dustman("init", *arguments)
    assert (ended.exit, ended.out) == (Exit.CONFIGURATION, "")
    assert words in ended.err
    assert list(home.iterdir()) == []


def test_init__a_bad_secret__writes_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    ended = spawned("init", "--key-name", NAME, "--secret-from-stdin", stdin="hunter2hunter2", cwd=tmp_path)
    assert (ended.exit, ended.out) == (Exit.CONFIGURATION, "")
    assert "the secret: key secret: neither" in ended.err
    assert "hunter2" not in ended.err
    assert not (tmp_path / "dustman.yaml").exists()
    assert not (tmp_path / ".env").exists()


def test_init__a_file_is_there__is_overwritten_only_by_force(dustman: Typed, home: Path) -> None:
    (home / "dustman.yaml").write_text("mine")
    ended = dustman("init", "--no-input")
    assert ended.exit == Exit.CONFIGURATION
    assert "dustman.yaml: is there already; --force overwrites it" in ended.err
    assert (home / "dustman.yaml").read_text() == "mine"
    assert dustman("init", "--no-input", "--force").exit == Exit.DONE
    assert load(home / "dustman.yaml", {}).accounts


def test_init__a_key_is_there__is_replaced_only_by_force(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DUSTMAN_MAIN_KEY_SECRET=old\n")
    arguments = ("init", "--key-name", NAME, "--secret-from-stdin")
    ended = spawned(*arguments, stdin=ed25519(), cwd=tmp_path)
    assert ended.exit == Exit.CONFIGURATION
    assert ".env: DUSTMAN_MAIN_KEY_SECRET is there already; --force replaces it" in ended.err
    assert not (tmp_path / "dustman.yaml").exists()
    assert spawned(*arguments, "--force", stdin=ed25519(), cwd=tmp_path).exit == Exit.DONE
    assert "old" not in (tmp_path / ".env").read_text()


def test_init__a_directory_that_cannot_be_written__is_said(dustman: Typed, home: Path) -> None:
    ended = dustman("--config", "missing/dustman.yaml", "init", "--no-input")
    assert ended.exit == Exit.CONFIGURATION
    assert "missing/dustman.yaml: cannot be written, No such file or directory" in ended.err


def typed_at_terminal(cwd: Path, answers: list[str]) -> tuple[int, str]:
    """Run `dustman init` on a terminal of its own; each answer is typed when a question waits."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(COMMAND, ["dustman", "init"], {"PATH": os.environ["PATH"], "HOME": str(cwd), "TERM": "dumb"})
    said, waiting = "", list(answers)
    while chunk := heard(terminal):
        said += chunk
        if waiting and said.endswith(": "):
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
            said += "\n"
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def heard(terminal: int) -> str:
    """What the terminal shows next, empty when its program has ended."""
    assert select.select([terminal], [], [], 20)[0], "nothing was said for 20 s"
    try:
        return os.read(terminal, 4096).decode()
    except OSError:  # Linux says so when the other end is closed
        return ""


def test_init__at_a_terminal__asks_again_until_accepted_and_hides_the_secret(tmp_path: Path) -> None:
    secret = ed25519()
    answers = ["", "", NAME, secret, "ETH", "0,5", "0.10", "20", "", "5", ""]
    number, said = typed_at_terminal(tmp_path, answers)
    assert number == 0, said
    account = load(tmp_path / "dustman.yaml", {}).account("main")
    assert (account.target, str(account.threshold), str(account.schedule)) == ("ETH", "0.10", "0 2 * * sun")
    assert (account.caps.per_day, account.caps.per_sweep) == (Decimal(20), Decimal(5))
    assert '"0,5" is not a number above zero, such as 0.50' in said
    assert "per_sweep (25) is above per_day (20)" in said
    assert secret not in said
    assert key_of(load(tmp_path / "dustman.yaml", {}), "main").secret == secret


WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
NODE = ("--chain", "arbitrum", "--endpoint", "http://127.0.0.1:1/path")


def test_init__a_wallet__is_watched_with_defaults(dustman: Typed, home: Path) -> None:
    ended = dustman("init", "--wallet", WALLET, *NODE, "--per-day", "9", "--per-sweep", "9", "--json")
    assert (ended.exit, ended.value["variables"]) == (Exit.DONE, [])
    written = load(home / "dustman.yaml", {}).wallet("main")
    assert (written.address, written.chain, written.target, written.selling) == (WALLET, 42161, "ETH", None)
    assert (written.threshold, written.caps.per_day) == (Decimal(10), Decimal(9))
    assert not (home / ".env").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--wallet", WALLET.lower() + "0", *NODE], "--wallet: "),
        (["--wallet", WALLET], "chain: is missing"),
        (["--wallet", WALLET, "--chain", "solana", "--endpoint", "https://x"], '--chain: "solana" is not ethereum'),
        (["--wallet", WALLET, "--chain", "base", "--endpoint", "ftp://x"], "--endpoint: what stands there (not shown)"),
        (["--wallet", WALLET, *NODE, "--target", "BTC"], '--target: "BTC" is not one of ETH'),
        (["--wallet", WALLET, *NODE, "--key-file", "key.json"], "--wallet takes no key"),
        (["--chain", "base"], "chain: "),
    ],
)
def test_init__a_bad_answer_about_a_wallet__writes_nothing(
    dustman: Typed, home: Path, arguments: list[str], words: str
) -> None:
    ended = dustman("init", *arguments)
    assert (ended.exit, ended.out) == (Exit.CONFIGURATION, "")
    assert words in ended.err
    assert list(home.iterdir()) == []


def test_init__at_a_terminal__a_key_file_that_holds_no_key_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"ready": "chain"}')
    (tmp_path / "empty.json").touch()
    (tmp_path / "key.json").write_text(json.dumps({"name": NAME, "privateKey": ed25519()}))
    answers = ["kraken", "", "missing.json", "other.json", "empty.json", "key.json", *[""] * 5]
    number, said = typed_at_terminal(tmp_path, answers)
    assert number == 0, said
    assert '"kraken" is none of Coinbase, Binance, Bybit, ' in said
    assert "missing.json: there is no such key file" in said
    assert "other.json: is not a key file" in said
    assert "empty.json: is not JSON" in said
    assert load(tmp_path / "dustman.yaml", {}).exchange("main").key == tmp_path / "key.json"


def test_init__of_a_simulated_exchange__is_told_where_it_is_and_whom_to_trust(dustman: Typed, home: Path) -> None:
    (home / "ca.pem").touch()
    ended = dustman("init", "--base-url", "https://localhost:8443", "--ca-file", "ca.pem", "--no-input")
    assert ended.exit == Exit.DONE, ended.err
    written = load(home / "dustman.yaml", {}).exchange("main")
    assert (str(written.base_url), written.ca_file) == ("https://localhost:8443", home / "ca.pem")


def test_init__at_a_terminal__an_address_makes_it_a_wallet(tmp_path: Path) -> None:
    answers = ["0x12", WALLET, "base", "https://node.example/key", "", "5", "", "", "every 5 min"]
    number, said = typed_at_terminal(tmp_path, answers)
    assert number == 0, said
    wallet = load(tmp_path / "dustman.yaml", {}).wallet("main")
    assert (wallet.address, wallet.chain, wallet.threshold, wallet.schedule) == (WALLET, 8453, Decimal(5), Every(300))
    assert "is not an address" in said
