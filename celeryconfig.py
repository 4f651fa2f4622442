"""Celery's settings: broker, queues, routes, schedule. Each line says why it is not the default.

Tasks are nudges, the log is the truth: a lost task costs time, a repeated one finds nothing to do. Facts about the
broker are from the Celery 5.7 and kombu 5.7 sources and their public issues, named where they decide.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kombu import Queue

from dustman.settings import load
from workers.schedule import Every, celery_schedule

settings = load(Path(os.environ.get("DUSTMAN_CONFIG", "dustman.yaml")), os.environ)

# A database of its own, so that flushing the queues never touches the feed.
broker_url = settings.redis.broker_url
# Kombu's own loses a place with each acknowledgement that fails.
broker_transport = "workers.broker:Transport"
# What the URL doesn't say of TLS: kombu would check no certificate, or with a transport of ours use no TLS at all.
broker_use_ssl = {"ssl_cert_reqs": "required"} if broker_url.startswith("rediss://") else None
# Nobody waits for a task's return value; what came of it is in the log. Those that answer a trade say so themselves,
# and their answers are of use for as long as what they promise.
task_ignore_result = True
result_backend = broker_url
redis_backend_use_ssl = broker_use_ssl
result_expires = 600
result_serializer = "json"
# Pickle would let whoever reaches the broker run code.
accept_content = ["json"]
task_serializer = "json"

# A worker that dies gives its task back instead of losing it, and a child that dies alone does too.
task_acks_late = True
task_reject_on_worker_lost = True
# One task at a time in each process: a task taken early would wait behind a long one.
worker_prefetch_multiplier = 1
# A task whose broker connection is gone would be delivered again while it runs; not so those that answer a trade.
worker_cancel_long_running_tasks_on_connection_loss = True
# Soft below hard below visibility: a task that is still running is never handed out a second time.
task_soft_time_limit = 45
task_time_limit = 60
broker_transport_options = {
    "visibility_timeout": 120,
    # Kombu looks for abandoned tasks in this rhythm; its defaults take a minute and a half longer.
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # A half-open connection is noticed in two seconds instead of forty.
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
broker_connection_max_retries = None
broker_connection_retry_on_startup = True
broker_pool_limit = 10
# A scan never waits for a nudge: one short try, then the beat's safety net does it.
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
# SIGTERM lets running tasks end for this long, then gives them back; containers grant more than that.
worker_soft_shutdown_timeout = 8
# Workers share nothing but the broker: no gossip, no events, no remote shells.
worker_send_task_events = False
worker_enable_remote_control = False
worker_hijack_root_logger = False
worker_redirect_stdouts = False

# A queue a role, so that a slow venue never delays the feed; a misspelt queue is an error, not a new queue.
task_queues = [Queue(role) for role in ("detector", "converter", "reconciler", "relay")]
task_create_missing_queues = False
task_default_queue = "detector"
task_routes = {
    "dustman.scan": {"queue": "detector"},
    "dustman.measure": {"queue": "detector"},
    "dustman.convert": {"queue": "converter"},
    "dustman.ensure_eth": {"queue": "converter"},
    "dustman.release_eth": {"queue": "detector"},
    "dustman.balance_status": {"queue": "detector"},
    "dustman.reconcile": {"queue": "reconciler"},
    "dustman.relay": {"queue": "relay"},
}

# Plain scheduler, no state file: due times are computed from the clock, and the log knows which were scanned.
beat_scheduler = "celery.beat:Scheduler"
beat_max_loop_interval = 5
timezone = "UTC"
enable_utc = True


def _entry(task: str, schedule: Any, seconds: int, **kwargs: str) -> dict[str, Any]:
    """A task that nobody took within its period is dropped: the next one does the same."""
    return {"task": task, "schedule": schedule, "kwargs": kwargs, "options": {"expires": seconds}}


# Accounts that are read in the same requests are one entry, by the first of them.
_first = {together[0] for together in settings.together().values()}
# Two beats by mistake send everything twice; the second of each finds its work done.
beat_schedule = (
    {
        f"scan-{name}": _entry("dustman.scan", celery_schedule(account.schedule), 3600, account=name)
        for name, account in settings.accounts.items()
        if name in _first and not settings.strategies_with(name)
    }
    | {
        f"measure-{name}": _entry("dustman.measure", celery_schedule(every), every.seconds, strategy=name)
        for name, every in settings.intervals.items()
    }
    | {
        "reconcile": _entry(
            "dustman.reconcile", celery_schedule(Every(int(settings.reconcile.every))), int(settings.reconcile.every)
        ),
        "convert": _entry("dustman.convert", celery_schedule(Every(10)), 10),
    }
)
