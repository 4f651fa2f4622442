"""This machine: Python, SQLite, and who may read the files that hold keys."""

from __future__ import annotations

import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from dustman.checks.finding import Finding, fail, ok, skip, warn
from dustman.settings import Settings
from dustman.wallet_settings import WalletAccount

PYTHON = (3, 11)
# The log's tables are STRICT (https://sqlite.org/stricttables.html, 2021-11-27).
SQLITE = (3, 37, 0)


def check_versions() -> Iterator[Finding]:
    """Look at what the program itself runs on."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= PYTHON:
        yield ok("python", version)
    else:
        yield fail("python", version, "install Python 3.11 or newer")
    if sqlite3.sqlite_version_info >= SQLITE:
        yield ok("sqlite", sqlite3.sqlite_version)
    else:
        yield fail("sqlite", sqlite3.sqlite_version, "use a Python that is built with SQLite 3.37 or newer")


def check_files(config: Path, settings: Settings) -> Iterator[Finding]:
    """Look at who else may read the keys or change the settings."""
    mode = stat.S_IMODE(config.stat().st_mode)
    if mode & 0o022:
        yield warn("settings file", f"{config} can be changed by others (mode {mode:03o})", f"chmod go-w {config}")
    else:
        yield ok("settings file", f"{config} can be changed by its owner alone")
    yield _private(".env", config.with_name(".env"))
    for name, account in settings.exchanges.items():
        if isinstance(account.key, Path):
            yield _private(f"{name}: key file", account.key)
    for name, wallet in settings.wallets.items():
        for what, path in _wallet_files(wallet):
            yield _private(f"{name}: {what}", path)
    for name, webhook in settings.webhooks.items():
        if isinstance(webhook.secret, Path):
            yield _private(f"{name}: secret file", webhook.secret)


def _wallet_files(wallet: WalletAccount) -> Iterator[tuple[str, Path]]:
    if wallet.selling and isinstance(wallet.selling.key, Path):
        yield "keystore", wallet.selling.key
    if wallet.selling and wallet.selling.password_file:
        yield "password file", wallet.selling.password_file


def _private(check: str, path: Path) -> Finding:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return skip(check, f"there is no {path}")
    except OSError as error:
        return fail(check, f"{path} cannot be looked at, {error.strerror}", "let this user read it")
    if mode & 0o077:
        return warn(check, f"{path} can be read or changed by others (mode {mode:03o})", f"chmod 600 {path}")
    return ok(check, f"{path} belongs to its owner alone")
