"""Deliveries: is anything parked, and can each webhook reach its receiver and prove who it is?"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from redis.exceptions import RedisError

from domain.errors import ConfigurationError
from dustman.checks.finding import Finding, fail, ok, skip, warn
from dustman.deliveries import State, WebhookRow, in_words, parked, webhook_rows
from dustman.keys import webhook_secret
from dustman.service_settings import Webhook
from dustman.settings import Settings
from dustman.webhooks import tls_of
from dustman.wiring import open_log, open_redis
from events.log import CorruptLog, LogUnavailable, StoreMisconfigured

TIMEOUT = 5.0
# So many are a sign that the process is not at work; fewer are on their way.
MANY = 100


def check_deliveries(settings: Settings) -> Iterator[Finding]:
    """Look at everything that waits for somebody outside, without sending an event."""
    for name, webhook in settings.webhooks.items():
        yield _secret(settings, name)
        yield _reach(name, webhook)
    try:
        log, redis = open_log(settings), open_redis(settings)
        counts, rows = parked(log, redis), webhook_rows(settings, log, redis)
    except (RedisError, CorruptLog, ConfigurationError, StoreMisconfigured, LogUnavailable):
        yield skip("parked", "log or Redis was not asked")
        return
    if counts:
        fix = "mend what the errors say, then `dustman parked retry GROUP --all`, or drop them"
        yield fail("parked", in_words(counts), fix)
    else:
        yield ok("parked", "nothing is parked")
    for row in rows:
        yield _standing(row)


def _secret(settings: Settings, name: str) -> Finding:
    try:
        keys = webhook_secret(settings, name).keys
    except ConfigurationError as error:
        return fail(f"{name}: secret", str(error), 'make one: echo "whsec_$(openssl rand -base64 32)"')
    return ok(f"{name}: secret", f"{min(map(len, keys))} bytes")


def _reach(name: str, webhook: Webhook) -> Finding:
    """Open a connection, with TLS where that is asked for, and say nothing on it."""
    check, where = f"{name}: receiver", webhook.url.origin
    try:
        tls = tls_of(webhook)
    except ConfigurationError as error:
        return fail(check, str(error), "give the path of a PEM file")
    try:
        with socket.create_connection((where.host, where.port), TIMEOUT) as line:
            if tls is None:
                return ok(check, f"{webhook.url} takes connections, on this machine and not encrypted")
            with tls.wrap_socket(line, server_hostname=where.host):
                return ok(check, f"{webhook.url} takes connections and proves who it is")
    except ssl.SSLCertVerificationError as error:
        fix = "set ca_file if the receiver has an authority of its own; else look for a proxy that opens TLS in between"
        return fail(check, f"{webhook.url} shows a certificate that is not trusted ({error.verify_message})", fix)
    except OSError as error:
        return fail(check, f"{webhook.url} cannot be reached ({type(error).__name__})", "start it, or mend its url")


def _standing(row: WebhookRow) -> Finding:
    check = f"{row.webhook}: deliveries"
    match row.state:
        case State.STOPPED:
            fix = f"mend its url, or `dustman webhooks resume {row.webhook}`"
            return fail(check, f"the receiver wants no more events ({row.why})", fix)
        case State.RETRYING:
            return warn(check, f"{row.waiting} events wait, {row.tries} tries so far ({row.why})", "mend the receiver")
        case State.BEHIND if row.waiting >= MANY:
            return warn(check, f"{row.waiting} events wait", "look whether `dustman up --role webhooks` is at work")
        case _:
            return ok(check, f"{row.waiting} events wait")
