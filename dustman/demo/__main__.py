"""`make demo`: the main job on a simulated Coinbase and a local chain; shown, broken, and checked to the last unit."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from dustman import drawings
from dustman.crew import Crew
from dustman.demo import wallet
from dustman.demo.audience import Audience
from dustman.demo.audit import Audit, audit, exchange_statement
from dustman.demo.stage import ACCOUNT, Stage, set_up, start_workers
from dustman.exits import Exit, ended
from dustman.screen import UNSEEN_WIDTH
from dustman.wiring import open_log, open_redis
from events.money import plain
from simulators.chain import installation

FIRST_SWEEP = 60.0
SECOND_SWEEP = 60.0
# New crumbs for the second sweep: six coins that had their answer in the first.
CRUMBS = {"ADA": "0.61", "XLM": "2.9", "DOGE": "1.9", "LINK": "0.02", "ATOM": "0.11", "GRT": "5.5"}
FATAL_ORDER = 3
# Long enough for the order to reach the venue, which then keeps silent.
UNANSWERED = 1.0


def main() -> None:
    """Run the demonstration and exit with how it ended."""
    console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else UNSEEN_WIDTH)
    # The demonstration writes a log of its own, never the one that this machine keeps for real.
    os.environ.pop("DUSTMAN_LOG_URL", None)
    end: list[Exit] = []
    number = ended(lambda: end.append(_show(console)), lambda: False)
    sys.exit(int(end[0]) if end else number)


def _show(console: Console) -> Exit:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dustman-demo-") as scratch:
        directory = Path(scratch)
        with Crew(directory / "log", tell=console.print) as crew:
            console.print(Rule("an account with 300 wallets, as its owner meets it"))
            lacking = installation.missing()
            with console.status("starting Redis, the simulated Coinbase and a chain"):
                chain = None if lacking else wallet.start(crew, directory)
                stage = set_up(crew, directory, more=f"  {wallet.WALLET}: {chain.account}\n" if chain else "")
            stage.command(console, "doctor")
            stage.command(console, "sweep", ACCOUNT, "--dry-run")
            stage.command(console, "go-live", ACCOUNT, "--confirm", ACCOUNT)
            with console.status("starting detector, converter, relay, reconciler and beat"):
                stage = start_workers(crew, stage, directory)
            audience = Audience(open_redis(stage.settings), console, stage.settings.all_labels())
            _first_sweep(console, audience)
            _second_sweep(console, stage, audience)
            if chain:
                _wallet(console, stage, audience)
            else:
                console.print(Rule("no wallet is shown"))
                console.print(f"{lacking}\nNode 20 or newer makes `make demo` install it.", markup=False)
            crew.stop(*stage.workers.values())
            results = _check(console, stage, audience, chain)
    took = time.monotonic() - started
    if not all(result.passed for result in results):
        console.print(f"\n[bold red]The records do not agree.[/bold red] ({took:.0f} s)")
        return Exit.AUDIT_MISMATCH
    console.print(
        f"\n[bold green]Live view, replay and the venue's ledger agree to the last unit[/bold green]; "
        f"{' and '.join(_made(*each) for each in zip(results, ('orders', 'transactions'), strict=False))}, none twice. "
        f"({took:.0f} s)\nNext: `dustman init` for an account of your own, see README.md."
    )
    return Exit.DONE


def _first_sweep(console: Console, audience: Audience) -> None:
    console.print(Rule("the first sweep, as the events arrive"))
    audience.watch(lambda me: me.sweeps == 1, FIRST_SWEEP, "beat asks for a scan every 10 s; workers convert")
    console.print(drawings.lots("what became of each lot", audience.lots.rows.values()))
    console.print(drawings.staying(ACCOUNT, audience.lots.staying.values()))


def _second_sweep(console: Console, stage: Stage, audience: Audience) -> None:
    console.print(Rule("the second sweep, with the converter killed in the middle"))
    for currency, quantity in CRUMBS.items():
        stage.venue.deposit(currency, quantity)
    stage.venue.lose_answer(FATAL_ORDER)
    console.print(f"new crumbs arrive: {', '.join(f'{quantity} {coin}' for coin, quantity in CRUMBS.items())}")
    console.print(f"the venue will take order {FATAL_ORDER} of the next sweep and never answer")
    enough = audience.requested + FATAL_ORDER
    audience.watch(lambda me: me.requested >= enough, SECOND_SWEEP, "waiting for the next scan")
    time.sleep(UNANSWERED)
    converter = stage.workers["converter"]
    converter.kill()
    console.print(
        f"[bold red]SIGKILL[/bold red] to the converter and its processes ({converter.pid}), between intent and answer"
    )
    time.sleep(1)
    converter.start()
    console.print("the converter is started again; what was asked and not answered is asked about, not sent again")
    audience.watch(lambda me: me.sweeps == 2, SECOND_SWEEP, "recovering")
    rows = list(audience.lots.rows.values())
    last = rows[-1].sweep_id
    console.print(drawings.lots("the second sweep", (row for row in rows if row.sweep_id == last)))


def _wallet(console: Console, stage: Stage, audience: Audience) -> None:
    console.print(
        Rule("a wallet: what is believed of its tokens, and all that pay for their gas sold in one transaction")
    )
    stage.command(console, "scan", wallet.WALLET, "--explain")
    stage.command(console, "sweep", wallet.WALLET, "--dry-run")
    stage.command(console, "go-live", wallet.WALLET, "--confirm", wallet.WALLET)
    console.print(f"\n[bold]$ dustman sweep {wallet.WALLET}[/bold], as the events arrive")
    with console.status("signing, sending, waiting for the block"):
        stage.quietly("sweep", wallet.WALLET, "--wait")
    audience.watch(lambda me: me.sweeps == 3, SECOND_SWEEP, "waiting for the block")


def _check(console: Console, stage: Stage, audience: Audience, chain: wallet.Chain | None) -> list[Audit]:
    console.print(Rule("replay from nothing, against the live view and the venue's own ledger"))
    log = open_log(stage.settings)
    audience.catch_up(log.head(), 10)
    statements = {ACCOUNT: exchange_statement(stage.venue.get("/ledger"), stage.venue.get("/orders"))}
    if chain:
        named = audience.ledger.get(wallet.WALLET, {})
        statements[wallet.WALLET] = chain.statement(named, log.read())
    results = []
    for account, statement in statements.items():
        results.append(audit(account, audience.ledger, audience.lots, log, statement))
        console.print(_compared(f"{account}, of {log.head()} events", results[-1], stage.settings.labels(account)))
    return results


def _compared(title: str, result: Audit, labels: Mapping[str, str]) -> Table:
    drawn = drawings.table(title, "asset", "live view", "replay", "venue", "", numbers=("live view", "replay", "venue"))
    for row in result.rows:
        numbers = (plain(number.normalize()) for number in (row.live, row.replayed, row.venue))
        differs = "" if row.agrees else "DIFFERS"
        drawn.add_row(drawings.called(row.asset, labels), *numbers, differs, style="bold red" if differs else "")
    return drawn


def _made(result: Audit, what: str) -> str:
    return f"{result.orders} {what}"


if __name__ == "__main__":
    main()
