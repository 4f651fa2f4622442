"""`dustman simulate`: a venue on this machine, for trying out settings and rehearsing faults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from dustman.exchanges import NAMES
from dustman.exits import Exit

simulate = typer.Typer(no_args_is_help=True, help="Run a simulated venue on this machine; nothing real is touched.")


@simulate.callback()
def venues() -> None:
    """Run a simulated venue on this machine; nothing real is touched."""


def _serving(exchange: str) -> Callable[..., Exit]:
    """Return the command that serves a simulated exchange."""

    def serve(
        port: Annotated[int, typer.Option(min=0, max=65535, help="The TLS port on loopback; 0 takes a free one.")] = 0,
        admin_port: Annotated[int, typer.Option(min=0, max=65535, help="The admin port; 0 takes a free one.")] = 0,
        state: Annotated[str, typer.Option(help="A scenario file, or demo, or small.")] = "demo",
        faults: Annotated[Path | None, typer.Option(help="A file of faults to inject.")] = None,
        seed: Annotated[int, typer.Option(help="Decides every id and key.")] = 0,
        ca_file: Annotated[Path | None, typer.Option(help="The authority to trust; made when it is missing.")] = None,
        snapshot: Annotated[Path | None, typer.Option(help="Where the state survives a restart.")] = None,
        key_directory: Annotated[Path | None, typer.Option(help="Where the scenario's API keys are written.")] = None,
        verbose: Annotated[bool, typer.Option("--verbose", help="Write every request to stderr.")] = False,
    ) -> Exit:
        from dustman.exchanges.table import EXCHANGES
        from simulators.exchange import serving

        twin = EXCHANGES[exchange].twin()
        serving.serve(twin, port, state, faults, seed, admin_port, ca_file, snapshot, key_directory, verbose)
        return Exit.DONE

    return serve


for word, name in NAMES.items():
    told = f"Serve a simulated {name} until stopped; one line of JSON says where it is."
    simulate.command(word, help=told)(_serving(word))


@simulate.command()
def chain(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on loopback; 0 takes a free one.")] = 0,
    chain_id: Annotated[int, typer.Option(min=1, help="The chain id that the node has.")] = 31337,
    dust: Annotated[int, typer.Option(min=0, max=500, help="How many plain tokens there are.")] = 60,
    faults: Annotated[Path | None, typer.Option(help="A file of faults to inject.")] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Give the first wallet dust, and write settings that watch it here.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Write every request to stderr.")] = False,
) -> Exit:
    """Run a real node with real contracts, which `make chain` installs; one line of JSON says where it is."""
    from simulators.chain.serving import serve

    serve(port, chain_id, dust, faults, settings, verbose)
    return Exit.DONE
