"""`dustman wallet`: what a wallet's tokens are, by what they do when they are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

if TYPE_CHECKING:
    from dustman.settings import Settings
    from venues.evm.wallet import Wallet

wallet = typer.Typer(no_args_is_help=True, help="Look at the tokens of a wallet.")


@wallet.callback()
def place() -> None:
    """Look at the tokens of a wallet."""


@wallet.command()
def why(
    context: typer.Context,
    token: Annotated[
        str, typer.Argument(help="A token: its address, its CAIP-19 name, or a symbol that only one has.")
    ],
    account: Annotated[str, typer.Option("--account", help="The wallet; the only one when none is named.")] = "",
    as_json: Json = False,
) -> Exit:
    """Try a token at the latest block, say what it is and what would change that. Nothing is signed."""
    from dustman import examined
    from dustman.wiring import open_wallet

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    name = account or _only_wallet(settings)
    opened = open_wallet(settings, name)
    found = opened.examine(_address(token, opened))
    screen.show(examined.form(name, found), *examined.drawn(name, found))
    return Exit.DONE


def _only_wallet(settings: Settings) -> str:
    wallets = [name for name in settings.accounts if name not in settings.exchanges]
    if len(wallets) == 1:
        return wallets[0]
    raise ConfigurationError(
        f"--account: which wallet? The settings have {', '.join(wallets)}" if wallets else "the settings have no wallet"
    )


def _address(token: str, opened: Wallet) -> str:
    """Return the contract that was meant; `ConfigurationError` says which there are."""
    from venues.evm.assets import address_of, checksummed

    try:
        if token.startswith("0x"):
            return checksummed(token)
        if ":" in token:
            address = address_of(token, opened.chain.chain_id)
            if address is None:
                raise ValueError(f"asset: {token!r} is the coin that pays for gas, not a token")
            return address
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    called = opened.called(token)
    if len(called) == 1:
        return called[0]
    if called:
        raise ConfigurationError(
            f"{token!r} is what {len(called)} tokens call themselves: {', '.join(called)}; name one"
        )
    raise ConfigurationError(f"{token!r} is not known, and no token that a scan met goes by it; give its address")
