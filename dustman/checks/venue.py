"""An account at its venue: reachable, in time, with a key that may do what is needed and no more."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from domain.errors import ConfigurationError, VenueUnavailable
from dustman.checks.finding import Finding, fail, ok, skip, warn
from dustman.checks.schedule import check_schedule
from dustman.exchanges.account import Account
from dustman.keys import key_of
from dustman.settings import Settings
from dustman.wiring import now, open_exchange
from events.money import ticker
from events.values import Policy
from venues.exchange import Exchange, KeyRights

TIMEOUT = 5.0
# The venue's clock is known to a second; a token that starts in the venue's future is refused.
SMALL_SKEW = timedelta(seconds=5)
LARGE_SKEW = timedelta(seconds=30)


def check_account(settings: Settings, name: str) -> Iterator[Finding]:
    """Look at everything about an account that can be looked at without moving money."""
    account = settings.exchange(name)
    yield check_schedule(settings, name)
    reached = list(_reach(name, account))
    yield from reached
    key = _key(settings, name)
    yield key
    if reached[0].fix or key.fix:
        yield skip(f"{name}: rights", "the venue was not asked")
        return
    yield from _ask(name, settings.policy(name), open_exchange(settings, name), account.key_advice)


def _reach(name: str, account: Account) -> Iterator[Finding]:
    """Open a TLS connection of our own and read the venue's clock off its answer."""
    check, url = f"{name}: venue", account.base_url
    try:
        trust = ssl.create_default_context(cafile=None if account.ca_file is None else str(account.ca_file))
    except OSError as error:
        yield fail(check, f"ca_file {account.ca_file} cannot be used ({error.strerror})", "give the path of a PEM file")
        return
    line = http.client.HTTPSConnection(url.host, url.port, timeout=TIMEOUT, context=trust)
    try:
        line.request("GET", account.time_path)
        answer = line.getresponse()
        there, here = answer.headers.get("Date"), now()
    except ssl.SSLCertVerificationError as error:
        fix = "for a simulated venue set ca_file; else look for a proxy that opens TLS in between"
        yield fail(check, f"{url} shows a certificate that is not trusted ({error.verify_message})", fix)
        return
    except (OSError, http.client.HTTPException) as error:
        yield fail(check, f"{url} cannot be reached ({type(error).__name__})", "look at the network, then try again")
        return
    finally:
        line.close()
    yield ok(check, f"{url} answers")
    yield _clock(f"{name}: clock", there, here)


def _clock(check: str, there: str | None, here: datetime) -> Finding:
    try:
        skew = here - parsedate_to_datetime(there or "")
    except ValueError:
        return skip(check, "the venue's answer names no time")
    sentence = f"this machine's clock is within {SMALL_SKEW.seconds} s of the venue's"
    if abs(skew) <= SMALL_SKEW:
        return ok(check, sentence)
    way = "ahead of" if skew > timedelta() else "behind"
    sentence = f"this machine's clock is {round(abs(skew).total_seconds())} s {way} the venue's"
    fix = "switch on time synchronisation (NTP); signed requests are refused otherwise"
    return (fail if abs(skew) > LARGE_SKEW else warn)(check, sentence, fix)


def _key(settings: Settings, name: str) -> Finding:
    try:
        key = key_of(settings, name)
    except ConfigurationError as error:
        return fail(f"{name}: key", str(error), "dustman init --force, or mend what the sentence names")
    return ok(f"{name}: key", f"{key.name} can sign")


def _ask(name: str, policy: Policy, venue: Exchange, fix: str) -> Iterator[Finding]:
    """Ask the venue with the key, which `fix` says how to make; the first answer that fails ends the asking."""
    check = f"{name}: rights"
    try:
        yield _rights(check, venue.permissions(), fix)
        check = f"{name}: balances"
        yield ok(check, f"{len(venue.holdings())} assets can be read")
        check = f"{name}: target"
        yield _target(check, policy, venue)
    except ConfigurationError as error:
        yield fail(check, str(error), fix)
    except VenueUnavailable as error:
        yield fail(check, str(error), "try again later; the venue or the network is not well")


def _rights(check: str, rights: KeyRights, fix: str) -> Finding:
    if rights.danger:
        return fail(check, rights.danger, fix)
    missing = [word for word, has in (("view", rights.can_view), ("trade", rights.can_trade)) if not has]
    if missing:
        return fail(check, f"the key may not {' or '.join(missing)}", fix)
    return ok(check, "the key may view and trade, and not transfer")


def _target(check: str, policy: Policy, venue: Exchange) -> Finding:
    name = ticker(policy.target)
    if policy.target in policy.hubs:
        return ok(check, f"sales are paid in {name} itself")
    products = venue.capabilities().products
    markets = [product for hub in policy.hubs if (product := products.get((policy.target, hub)))]
    if open_markets := [product.name for product in markets if not product.closed]:
        return ok(check, f"{name} is bought at {open_markets[0]}")
    closed = ", ".join(f"{product.name} is {product.closed}" for product in markets)
    reason = closed or f"the venue has no market for {name} in {' or '.join(map(ticker, policy.hubs))}"
    return fail(check, reason, "change target or hubs, or wait until the market opens")
