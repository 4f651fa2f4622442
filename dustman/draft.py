"""Settings that are being written: the owner's answers so far, each checked against those before it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from domain.errors import ConfigurationError
from dustman.exchanges import NAMES
from dustman.exchanges.account import Account
from dustman.exchanges.coinbase import CoinbaseAccount
from dustman.exchanges.table import EXCHANGES
from dustman.interview import ask
from dustman.keys import read_key_file
from dustman.mistakes import found
from dustman.section import Caps
from dustman.settings import Settings
from dustman.wallet_settings import WalletAccount
from dustman.written import scalar, settings_file

QUESTIONS = {
    "target": "Convert dust into",
    "threshold": "Dust is worth less than, in USD",
    "per_day": "Sell at most this much a day, in USD",
    "per_sweep": "Sell at most this much at once, in USD",
    "schedule": "Scan when (crontab in UTC, or every ...)",
}
# What a wallet needs besides, and has no default for.
WALLET_QUESTIONS = {
    "chain": "The wallet's chain (ethereum, arbitrum or base)",
    "endpoints": "The URL of a node (env:DUSTMAN_... for one that holds a secret)",
}
CAPS = ("per_day", "per_sweep")
LISTS = ("endpoints",)
OPTIONS = {"key": "key-file", "address": "wallet", "endpoints": "endpoint"}


@dataclass
class Draft:
    """The answers, by key of the account or of its caps; `model` is that of the account."""

    config: Path
    account: str
    answers: dict[str, str] = field(default_factory=dict)
    model: type[Account | WalletAccount] = CoinbaseAccount

    def text(self) -> str:
        """Return the settings file that the answers make."""
        chosen = {name: _written(name, answer) for name, answer in self.answers.items() if name not in CAPS}
        caps = [f"{name}: {scalar(self.answers[name])}" for name in reversed(CAPS) if name in self.answers]
        if caps:
            chosen["caps"] = "{" + ", ".join(caps) + "}"
        return settings_file(self.account, self.model, {"venue": self.model.tag, **chosen})

    def ask_for_venue(self) -> None:
        """Ask whether the account is at the exchange or a wallet, and which one."""
        answer = ask(f"{', '.join(NAMES.values())}, or the address of a wallet", CoinbaseAccount.tag, self._no_venue)
        if answer.lower() in EXCHANGES:
            self.become_exchange(answer)
        else:
            self.become_wallet(answer)

    def become_exchange(self, venue: str) -> None:
        """Draft the settings of an account at this exchange from here on."""
        if (model := EXCHANGES.get(venue.lower())) is None:
            raise ConfigurationError(f"--venue: {venue!r}: must be one of {', '.join(EXCHANGES)}")
        self.model = model

    def become_wallet(self, address: str) -> None:
        """Draft the settings of a wallet from here on."""
        self.model, self.answers = WalletAccount, {"address": address, **self.answers}

    def _no_venue(self, answer: str) -> str | None:
        if answer.lower() in EXCHANGES:
            return None
        if answer.lower().startswith("0x"):
            return replace(self, model=WalletAccount).mistake("address", answer)
        return f"{json.dumps(answer)} is none of {', '.join(NAMES.values())}, nor an address that begins with 0x"

    def ask_for_key_file(self) -> str:
        """Ask where the key file is; an empty answer means that there is none."""
        return ask("Path of the key file (empty: type the key)", "", self._no_key_file)

    def _no_key_file(self, answer: str) -> str | None:
        if not answer or (wrong := self.mistake("key", answer)):
            return wrong if answer else None
        try:
            self.read_key(answer)
        except ConfigurationError as error:
            return str(error)
        return None

    def read_key(self, file: str) -> None:
        """Raise `ConfigurationError` unless a key file, named as in the settings, holds a key for the venue."""
        read_key_file(self.config.absolute().parent / Path(file).expanduser(), self.model.tag)

    def ask_for_rest(self) -> None:
        """Ask what no option said."""
        fields = {**self.model.model_fields, **Caps.model_fields}
        needed = WALLET_QUESTIONS if self.model is WalletAccount else {}
        for name, question in {**needed, **QUESTIONS}.items():
            if name not in self.answers:
                usual = "" if name in needed else str(fields[name].default)
                self.answers[name] = ask(question, usual, partial(self.mistake, name))

    def check(self) -> None:
        """Raise `ConfigurationError` for the first answer that is not accepted, naming the option it came from."""
        for name, answer in self.answers.items():
            if wrong := self.mistake(name, answer):
                raise ConfigurationError(f"--{OPTIONS.get(name, name.replace('_', '-'))}: {wrong}")

    def mistake(self, name: str, answer: str) -> str | None:
        """Say what is wrong with an answer, given those before it."""
        answers = {**self.answers, name: answer}
        caps = {cap: answers.pop(cap) for cap in CAPS if cap in answers}
        given = {each: [text] if each in LISTS else text for each, text in answers.items()}
        whole = {"accounts": {self.account: {"venue": self.model.tag, "caps": caps, **given}}}
        try:
            Settings.model_validate(whole, context=self.config.absolute().parent)
        except ValidationError as error:
            return next((words for place, words in found(error, Settings) if name in place[-2:]), None)
        return None

    def write(self, replace: bool) -> None:
        """Write the settings file; without `replace`, never over one that appeared meanwhile."""
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL)
        try:
            with os.fdopen(os.open(self.config, flags, 0o644), "w", encoding="utf-8") as file:
                file.write(self.text())
        except OSError as error:
            raise ConfigurationError(f"{self.config}: cannot be written, {error.strerror}") from None


def _written(name: str, answer: str) -> str:
    """Write an answer as YAML; an address in quotes, since YAML reads hexadecimal digits as a number."""
    if name in LISTS:
        return f"[{json.dumps(answer, ensure_ascii=False)}]"
    return json.dumps(answer) if name == "address" else scalar(answer)
