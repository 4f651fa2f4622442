"""`dustman audit`: that the log is what it was, shown to its owner and to anybody else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import ConfigurationError
from dustman.exits import Exit
from dustman.invocation import Invocation, Json
from dustman.screen import Screen

audit = typer.Typer(no_args_is_help=True, help="Prove what is on record, and check that nobody changed it.")


@audit.command()
def verify(
    context: typer.Context,
    witness: Annotated[
        str, typer.Option("--witness", help="Checkpoints that were kept out of the log's reach: a file or an address.")
    ] = "",
    as_json: Json = False,
) -> Exit:
    """Check the whole log: bytes, order, versions, tree and signatures."""
    from dustman.keyring import read_keyring
    from dustman.notary import provable
    from dustman.wiring import open_log
    from dustman.witness import WitnessUnavailable, remembered
    from events.inspection import inspect

    settings, screen = Invocation.of(context).settings, Screen(as_json=as_json)
    ring = read_keyring(settings.audit.key)
    try:
        witnessed = remembered(witness) if witness else None
    except WitnessUnavailable as unavailable:
        screen.note(str(unavailable))
        return Exit.WITNESS_UNAVAILABLE
    found = inspect(provable(open_log(settings)), ring.trusted if ring else (), witnessed)
    verdict = "BROKEN" if found.broken else "cannot tell" if found.doubtful else "intact"
    summary = f"{verdict}: {found.events} events, of which {found.vouched} are covered by a signed checkpoint"
    value = {"verdict": verdict.lower(), **vars(found), "root": found.root.hex()}
    screen.show(value, summary, *found.broken, *found.doubtful)
    return Exit.AUDIT_MISMATCH if found.broken else Exit.UNDECIDED if found.doubtful else Exit.DONE


@audit.command()
def checkpoint(context: typer.Context) -> None:
    """Sign the log as it is now, keep that in the log and print it."""
    from dustman.notary import keyring_of, provable, signed_head
    from dustman.wiring import open_log

    settings, screen = Invocation.of(context).settings, Screen()
    log = provable(open_log(settings))
    screen.exact(signed_head(log, keyring_of(log, settings.audit.key), log.head()).decode())


@audit.command()
def prove(
    context: typer.Context,
    position: Annotated[int | None, typer.Argument(min=1, help="The event's position in the log.")] = None,
    size: Annotated[
        int | None, typer.Option("--from", min=0, help="How many events the earlier checkpoint covers.")
    ] = None,
) -> None:
    """Print a proof, for whoever has the verifier key: that an event is on record, or that the log only grew."""
    from dustman.notary import keyring_of, provable, signed_head
    from dustman.wiring import open_log
    from events.proof import growth, proof

    if (position is None) == (size is None):
        raise typer.BadParameter(
            "name one of them: an event, or the size of an earlier checkpoint", param_hint="POSITION, --from"
        )
    settings, screen = Invocation.of(context).settings, Screen()
    log = provable(open_log(settings))
    asked, head = position or size or 0, log.head()
    if asked > head:
        raise ConfigurationError(f"{asked}: the log ends at position {head}")
    ring = keyring_of(log, settings.audit.key)
    if position:
        screen.exact(proof(log, position, signed_head(log, ring, position), ring.trusted))
    else:
        screen.exact(growth(log, asked, signed_head(log, ring, head), ring.trusted))


@audit.command()
def witness(
    context: typer.Context,
    file: Annotated[Path | None, typer.Option("--file", help="Append the checkpoint to this file.")] = None,
    url: Annotated[str, typer.Option("--url", help="Send the checkpoint to this address by POST.")] = "",
) -> Exit:
    """Give a checkpoint to somebody who keeps it out of the log's reach."""
    from dustman.notary import keyring_of, provable, signed_head
    from dustman.wiring import open_log
    from dustman.witness import WitnessUnavailable, append, post

    if not file and not url:
        raise typer.BadParameter("name a file or an address", param_hint="--file, --url")
    settings, screen = Invocation.of(context).settings, Screen()
    log = provable(open_log(settings))
    note = signed_head(log, keyring_of(log, settings.audit.key), log.head())
    try:
        if file:
            append(file, note)
        if url:
            post(url, note)
    except WitnessUnavailable as unavailable:
        screen.note(str(unavailable))
        return Exit.WITNESS_UNAVAILABLE
    screen.exact(note.decode())
    return Exit.DONE


@audit.command()
def key(
    context: typer.Context,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Sign with a new key from now on, also when the old one is lost.")
    ] = False,
) -> None:
    """Print the verifier keys, the signer's first; the key is made when there is none."""
    from dustman.notary import keyring_of, provable, rotated_keyring_of
    from dustman.wiring import open_log

    settings, screen = Invocation.of(context).settings, Screen()
    log = provable(open_log(settings))
    ring = (rotated_keyring_of if rotate else keyring_of)(log, settings.audit.key)
    screen.exact("".join(f"{each}\n" for each in ring.trusted))
