"""Names of assets on chains: CAIP-19, in which a token is its contract and nothing else.

`eip155:42161/erc20:0xaf88d065e77c8cC2239327C5EDb3A432268e5831` is a token, `eip155:42161/slip44:60` the chain's own
coin, ether (https://chainagnostic.org/CAIPs/caip-19, https://namespaces.chainagnostic.org/eip155/caip19). Addresses
stand in their checksum form (EIP-55), so one token has one name.
"""

from __future__ import annotations

import re
from typing import Final

ETHER: Final = 60  # SLIP-44
_TOKEN: Final = re.compile(r"eip155:([1-9][0-9]{0,17})/erc20:(0x[0-9a-fA-F]{40})")
_COIN: Final = re.compile(r"eip155:([1-9][0-9]{0,17})/slip44:60")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def chain_name(chain_id: int) -> str:
    """Name a chain by CAIP-2."""
    return f"eip155:{chain_id}"


def coin(chain_id: int) -> str:
    """Name the coin that gas is paid in."""
    return f"{chain_name(chain_id)}/slip44:{ETHER}"


def token(chain_id: int, address: str) -> str:
    """Name a token by the address of its contract, in whatever case that is written."""
    return f"{chain_name(chain_id)}/erc20:{checksummed(address)}"


def address_of(asset: str, chain_id: int) -> str | None:
    """Return the contract of a token on a chain, None for the chain's coin; `ValueError` names what is accepted."""
    if (found := _TOKEN.fullmatch(asset)) and int(found[1]) == chain_id:
        return checksummed(found[2])
    if (found := _COIN.fullmatch(asset)) and int(found[1]) == chain_id:
        return None
    raise ValueError(f"asset: {asset!r} is neither {chain_name(chain_id)}/erc20:0x… nor {coin(chain_id)}")


def checksummed(address: str) -> str:
    """Return an address in its checksum form; one in mixed case must have it already, since a typing error breaks it.

    `ValueError` names the address and what is accepted.
    """
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"address: {address!r} is not 0x and forty hexadecimal digits")
    # Loaded by whoever has a wallet; other settings are read without it.
    from eth_utils.address import to_checksum_address

    right = str(to_checksum_address(address))
    digits = address[2:]
    if digits not in (digits.lower(), digits.upper()) and address != right:
        raise ValueError(
            f"address: {address} has a wrong checksum (EIP-55); a digit may be mistyped, {right} would be right"
        )
    return right
