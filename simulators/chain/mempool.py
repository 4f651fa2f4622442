"""The mempool's rules as geth has them, which the node before us does not: pure functions over what waits.

Source: go-ethereum, core/txpool/legacypool (price bump of 10 %, one transaction in flight for delegated accounts) and
the sentences of core/txpool/errors.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import rlp
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from rlp.exceptions import DecodingError

BUMP_PERCENT = 10
ALREADY_KNOWN = "already known"
UNDERPRICED = "replacement transaction underpriced"
IN_FLIGHT = "in-flight transaction limit reached for delegated accounts"
GAPPED = "gapped-nonce tx from delegated accounts"
RESERVED = "authority already reserved"
DELEGATION = "0xef0100"
# Types of transactions, how many fields each has, and where nonce, tip and fee are among them.
LEGACY, ACCESS_LIST, DYNAMIC_FEE, SET_CODE = 0, 1, 2, 4
FIELDS = {LEGACY: 9, ACCESS_LIST: 11, DYNAMIC_FEE: 12, SET_CODE: 13}
PRICES = {LEGACY: (0, 1, 1), ACCESS_LIST: (1, 2, 2), DYNAMIC_FEE: (1, 2, 3), SET_CODE: (1, 2, 3)}
# From here on a first byte begins a list: a transaction from before there were types.
LISTS = b"\xc0"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A signed transaction as the pool sees it; prices in wei per gas, `authorities` of its EIP-7702 list."""

    hash: str
    sender: str
    nonce: int
    fee: int
    tip: int
    authorities: frozenset[str] = frozenset()


class NoTransaction(ValueError):
    """The bytes are no signed transaction of a kind that this pool holds."""


def read(raw: bytes) -> Waiting:
    """Read a signed transaction of type 0, 1, 2 or 4 (EIP-2718); raises `NoTransaction` for anything else."""
    if not raw:
        raise NoTransaction("it is empty")
    try:
        kind, fields = (raw[0], rlp.decode(raw[1:])) if raw[:1] < LISTS else (LEGACY, rlp.decode(raw))
        if len(fields) != FIELDS.get(kind) or not all(isinstance(one, bytes) for one in fields[:4]):
            raise NoTransaction("it has other fields than its type")
        hashed, nonce, tip, fee = "0x" + keccak(raw).hex(), *(number(fields[place]) for place in PRICES[kind])
        return Waiting(
            hashed, _sender(kind, fields), nonce, fee, tip, _authorities(fields[9] if kind == SET_CODE else [])
        )
    except (DecodingError, BadSignature, ValidationError, TypeError, ValueError) as error:
        raise NoTransaction(str(error)) from error


def objection(sent: Waiting, pool: Sequence[Waiting], next_nonce: int, *, delegated: bool) -> str | None:
    """Say why geth would not take a transaction into this pool, or None.

    `next_nonce` is the sender's by the latest block; `delegated` whether the sender's code is a delegation.
    """
    if any(waiting.hash == sent.hash for waiting in pool):
        return ALREADY_KNOWN
    # What was mined a moment ago may still be listed.
    pool = [waiting for waiting in pool if waiting.sender != sent.sender or waiting.nonce >= next_nonce]
    own = [waiting for waiting in pool if waiting.sender == sent.sender]
    replaced = next((waiting for waiting in own if waiting.nonce == sent.nonce), None)
    promised = any(sent.sender in waiting.authorities for waiting in pool)
    if (delegated or promised) and replaced is None:
        if own:
            return IN_FLIGHT
        if sent.nonce > next_nonce:
            return GAPPED
    if any(sum(waiting.sender == authority for waiting in pool) > 1 for authority in sent.authorities):
        return RESERVED
    if replaced and not _pays_enough(sent, replaced):
        return UNDERPRICED
    return None


def _pays_enough(sent: Waiting, replaced: Waiting) -> bool:
    asked = [price * (100 + BUMP_PERCENT) // 100 for price in (replaced.fee, replaced.tip)]
    higher = sent.fee > replaced.fee and sent.tip > replaced.tip
    return higher and sent.fee >= asked[0] and sent.tip >= asked[1]


def authority(entry: dict[str, str]) -> str:
    """Return who signed an authorization, in the form that JSON-RPC has for it."""
    chain, nonce, *signature = (int(entry[key], 16) for key in ("chainId", "nonce", "yParity", "r", "s"))
    return _authority(chain, bytes.fromhex(entry["address"][2:]), nonce, signature)


def number(field: bytes) -> int:
    """Read a number as RLP has it."""
    return int.from_bytes(field)


def _authorities(entries: list[list[bytes]]) -> frozenset[str]:
    return frozenset(
        _authority(number(chain), delegate, number(nonce), [number(part) for part in signature])
        for chain, delegate, nonce, *signature in entries
    )


def _authority(chain: int, delegate: bytes, nonce: int, signature: list[int]) -> str:
    """Recover who signed keccak(0x05 || rlp([chain, delegate, nonce])), EIP-7702."""
    return _signer(b"\x05" + rlp.encode([chain, delegate, nonce]), signature)


def _sender(kind: int, fields: list[bytes]) -> str:
    """Recover the sender from what was signed; an old transaction may have the chain's id in its v (EIP-155)."""
    *signed, v, r, s = fields
    if kind != LEGACY:
        return _signer(bytes([kind]) + rlp.encode(signed), [number(part) for part in (v, r, s)])
    chain, parity = divmod(number(v) - 35, 2) if number(v) >= 35 else (0, number(v) - 27)
    return _signer(rlp.encode([*signed, chain, 0, 0] if chain else signed), [parity, number(r), number(s)])


def _signer(message: bytes, signature: list[int]) -> str:
    parity, r, s = signature
    return str(Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(keccak(message)).to_checksum_address())
