"""The .env file: what is put into it comes out again, and what was there stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError
from dustman.environment import environment_of, write_secrets

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))


@given(VALUES, VALUES)
def test_write_secrets__whatever_they_hold__are_read_back(
    tmp_path_factory: pytest.TempPathFactory, one: str, two: str
) -> None:
    dotenv = tmp_path_factory.mktemp("env") / ".env"
    secrets = {"DUSTMAN_A_KEY_NAME": one, "DUSTMAN_A_KEY_SECRET": two}
    write_secrets(dotenv, secrets, replace=False)
    assert environment_of(dotenv, {}) == secrets


def test_write_secrets__other_lines__stay_in_place(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("# mine\nexport A='x # y'\nDUSTMAN_B=\"old\"\nC=last")
    dotenv.chmod(0o644)
    write_secrets(dotenv, {"DUSTMAN_B": "new"}, replace=True)
    assert dotenv.read_text() == "# mine\nexport A='x # y'\nC=last\nDUSTMAN_B=\"new\"\n"
    assert stat.S_IMODE(dotenv.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [dotenv]


def test_write_secrets__through_a_link__keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / ".env").symlink_to(tmp_path / "kept" / "secrets")
    write_secrets(tmp_path / ".env", {"DUSTMAN_B": "new"}, replace=False)
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "kept" / "secrets").read_text() == 'DUSTMAN_B="new"\n'


def test_write_secrets__one_is_there__is_refused_without_a_change(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("DUSTMAN_B=old\n")
    with pytest.raises(ConfigurationError, match="DUSTMAN_B is there already; --force replaces it"):
        write_secrets(dotenv, {"DUSTMAN_A": "x", "DUSTMAN_B": "new"}, replace=False)
    assert dotenv.read_text() == "DUSTMAN_B=old\n"


def test_write_secrets__no_such_directory__is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written, No such file or directory"):
        write_secrets(tmp_path / "missing" / ".env", {"DUSTMAN_A": "x"}, replace=False)


def test_environment_of__variables_of_others__are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PATH=/x\nDUSTMAN_A=filed\nDUSTMAN_EMPTY=\n")
    ours = environment_of(tmp_path / ".env", {"HOME": "/h", "DUSTMAN_A": "exported"})
    assert ours == {"DUSTMAN_A": "exported", "DUSTMAN_EMPTY": ""}
