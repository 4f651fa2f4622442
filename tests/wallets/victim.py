"""A process that sweeps a wallet in children of its own, each of which may kill itself at a step.

A job names the settings; its child is put together from them as a worker is.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from domain.errors import NOT_ASKED
from dustman.desk import worker_desk
from dustman.wiring import found_settings
from tests.crash.victim import Fuse, serve
from tests.wallets.stand import ACCOUNT, nap
from tests.wallets.steps import cut
from workers.conducting import Ended, conduct, reconcile
from workers.scanning import scan

WITHIN = 20.0


def work(job: dict[str, Any], fuse: Fuse) -> None:
    """Do what the workers do for one scan, from wherever the log says that things stand."""
    cut(fuse.around)
    desk = replace(
        worker_desk(found_settings(Path(job["config"])), lambda _queue, _account: None), hold=timedelta(0), sleep=nap
    )
    scan(desk, ACCOUNT, datetime.fromisoformat(job["due"]), automatic=True)
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        with suppress(*NOT_ASKED):
            reconcile(desk, ACCOUNT)
            if conduct(desk, ACCOUNT, desk.clock() + timedelta(seconds=WITHIN)) is Ended.RESTING:
                break
    os.write(1, json.dumps({"done": fuse.count}).encode() + b"\n")


if __name__ == "__main__":
    serve(work)
