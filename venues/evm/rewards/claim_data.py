"""Claim data: the proofs that whoever computes rewards hands out, from a file or over HTTP; the contracts check them.

KING's is the form of ether.fi's own service, `{"Amount", "Root", "Proofs"}`, alone or by address; EigenLayer's is what
`eigenlayer-cli rewards claim --output-type json` writes. Amounts are cumulative, in base units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from venues.evm.assets import checksummed

# No honest claim has this many proofs; the largest that were seen have some kilobytes.
LARGEST: Final = 1 << 20
TIMEOUT: Final = urllib3.Timeout(connect=3, read=10)
_HEX: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_Form = TypeVar("_Form")


class NoClaimData(Exception):
    """Claim data cannot be read, or is none: its source is not claimed now, and all others are."""


class KingEntry(msgspec.Struct, frozen=True):
    """What one account has earned of KING in all, and the proof of it."""

    amount: str | int = msgspec.field(name="Amount")
    root: str = msgspec.field(name="Root")
    proofs: tuple[str, ...] = msgspec.field(name="Proofs")


class EarnerLeaf(msgspec.Struct, frozen=True, rename="camel"):
    """An earner, and the root of their tokens."""

    earner: str
    earner_token_root: str


class TokenLeaf(msgspec.Struct, frozen=True, rename="camel"):
    """A token, and what was earned of it in all."""

    token: str
    cumulative_earnings: str | int


class MerkleClaim(msgspec.Struct, frozen=True, rename="camel"):
    """RewardsCoordinator's RewardsMerkleClaim."""

    root_index: int
    earner_index: int
    earner_tree_proof: str
    earner_leaf: EarnerLeaf
    token_indices: tuple[int, ...]
    token_tree_proofs: tuple[str, ...]
    token_leaves: tuple[TokenLeaf, ...]


@dataclass(frozen=True, slots=True)
class ClaimData:
    """Where claim data is read: a file, or a URL in which `{address}` stands for the wallet."""

    place: Path | str = field(repr=False)

    def king(self, account: str) -> KingEntry | None:
        """Return an account's entry of KING, None where it has none."""
        return self._entry(account, KingEntry, "Amount")

    def eigenlayer(self, account: str) -> MerkleClaim | None:
        """Return an earner's claim, None where there is none."""
        return self._entry(account, MerkleClaim, "rootIndex")

    def _entry(self, account: str, form: type[_Form], key: str) -> _Form | None:
        found = self._parsed(self._content(account))
        if isinstance(found, dict) and key not in found:
            found = next((each for name, each in found.items() if name.lower() == account.lower()), None)
        if found is None:
            return None
        try:
            return msgspec.convert(found, form)
        except msgspec.ValidationError as error:
            raise NoClaimData(f"{self}: is no claim data, {error}") from None

    def _parsed(self, content: bytes) -> Any:
        try:
            return msgspec.json.decode(content) if content.strip() else None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NoClaimData(f"{self}: is no JSON, {error}") from None

    def _content(self, account: str) -> bytes:
        if isinstance(self.place, Path):
            try:
                with self.place.open("rb") as file:
                    return self._bounded(file.read(LARGEST + 1))
            except FileNotFoundError:
                return b""
            except OSError as error:
                raise NoClaimData(f"{self}: cannot be read, {error.strerror}") from None
        with urllib3.PoolManager(retries=False, timeout=TIMEOUT) as pool:
            try:
                answer = pool.request("GET", self.place.replace("{address}", account), preload_content=False)
                content = answer.read(LARGEST + 1)
            except HTTPError as error:
                raise NoClaimData(f"{self} does not answer, {type(error).__name__}") from None
        if answer.status == 404:
            return b""
        if answer.status != 200:
            raise NoClaimData(f"{self} answers with status {answer.status}")
        return self._bounded(content)

    def _bounded(self, content: bytes) -> bytes:
        if len(content) > LARGEST:
            raise NoClaimData(f"{self}: is larger than {LARGEST} bytes, which no claim data is")
        return content

    def __str__(self) -> str:
        if isinstance(self.place, Path):
            return str(self.place)
        return f"the claim data at {urllib3.util.parse_url(self.place).host}"


def octets(text: str, name: str, size: int | None = None) -> bytes:
    """Read hex with 0x; `NoClaimData` names what is not."""
    found = bytes.fromhex(text[2:]) if _HEX.fullmatch(text) else None
    if found is None or (size is not None and len(found) != size) or len(found) % 32:
        wanted = f"{size} bytes" if size else "words of 32 bytes"
        raise NoClaimData(f"claim data: {name} is {text[:80]!r}, not 0x and {wanted} in hexadecimal digits")
    return found


def units(value: str | int, name: str) -> int:
    """Read an amount in base units; `NoClaimData` for what is none."""
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,78}", text) or int(text) >= 2**256:
        raise NoClaimData(f"claim data: {name} is {text[:80]!r}, not a whole number of 256 bits")
    return int(text)


def address(text: str, name: str) -> str:
    """Read an address; `NoClaimData` for what is none."""
    try:
        return checksummed(text)
    except ValueError as error:
        raise NoClaimData(f"claim data: {name}: {error}") from None


def index(value: int, name: str) -> int:
    """Read a place of 32 bits; `NoClaimData` for what is none."""
    if not 0 <= value < 2**32:
        raise NoClaimData(f"claim data: {name} is {value}, not a whole number of 32 bits")
    return value
