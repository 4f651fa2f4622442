"""Keys: read from where the settings say, refused with a reason, shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1

from domain.errors import ConfigurationError
from dustman.exchanges.key import Key
from dustman.keys import key_of, read_key_file
from dustman.secret import redacted
from dustman.settings import load
from tests.dustman.api_keys import NAME, ed25519, key_file, pem


def key_in(tmp_path: Path, account: str = "main", **environment: str) -> Key:
    config = tmp_path / "dustman.yaml"
    config.write_text(f"accounts: {{{account}: {{venue: coinbase}}}}")
    return key_of(load(config, environment), account)


@pytest.mark.parametrize("secret", [pem(), ed25519()], ids=["pem", "ed25519"])
def test_key_of__environment_or_file__is_the_same_key(tmp_path: Path, secret: str) -> None:
    one_line = secret.replace("\n", "\\n")
    exported = key_in(tmp_path, "my-acc", DUSTMAN_MY_ACC_KEY_NAME=NAME, DUSTMAN_MY_ACC_KEY_SECRET=one_line)
    assert exported == Key(NAME, secret.strip())
    (tmp_path / ".env").write_text(f'DUSTMAN_MAIN_KEY_NAME={NAME}\nDUSTMAN_MAIN_KEY_SECRET="{one_line}"\n')
    assert key_in(tmp_path) == exported
    assert read_key_file(key_file(tmp_path / "cdp.json", secret), "coinbase") == exported


def test_key__read_once__is_in_no_text_we_write(tmp_path: Path) -> None:
    secret = pem()
    key = read_key_file(key_file(tmp_path / "cdp.json", secret), "coinbase")
    body = secret.splitlines()[1]
    assert body in key.secret
    assert body not in repr(key)
    assert body not in redacted(f"{secret} {secret!r} {json.dumps(secret)} {body}")


def test_key_of__nothing_set__says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="account main: DUSTMAN_MAIN_KEY_NAME is not set"):
        key_in(tmp_path)
    with pytest.raises(ConfigurationError, match="account main: DUSTMAN_MAIN_KEY_SECRET is not set"):
        key_in(tmp_path, DUSTMAN_MAIN_KEY_NAME=NAME)


@pytest.mark.parametrize(
    "secret", ["hunter2hunter2", "aHVudGVyMg==", pem(SECP384R1()), pem().replace("M", "?"), "-----BEGIN hunter2"]
)
def test_key_of__a_secret_that_cannot_sign__is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="DUSTMAN_MAIN_KEY_SECRET: ") as caught:
        key_in(tmp_path, DUSTMAN_MAIN_KEY_NAME=NAME, DUSTMAN_MAIN_KEY_SECRET=secret)
    assert all(line not in str(caught.value) for line in secret.splitlines())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such key file"),
        ("hunter2", "is not JSON"),
        ('["hunter2"]', "is not a key file"),
        ('{"name": "x"}', "is not a key file"),
        ('{"name": "", "privateKey": "hunter2"}', "is not a key file"),
        ('{"name": "x", "privateKey": "hunter2"}', "key secret"),
        ("\x00", "is not JSON"),
    ],
)
def test_read_key_file__anything_else__is_refused_and_not_repeated(
    tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "cdp.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_key_file(path, "coinbase")
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_read_key_file__a_directory__is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_key_file(tmp_path, "coinbase")
