"""How many requests a scan of the 300-wallet account takes, as the venue counts them.

The reference is the loop that everybody writes first: all wallets, then one product request for each that holds
something and is not excluded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal

from coinbase.rest import RESTClient
from requests import HTTPError

from benchmarks.figure import Figure
from benchmarks.ground import Ground
from dustman.demo.stage import ACCOUNT, Venue
from dustman.keys import key_of
from workers import scanning

PAGE = 250
LIMIT = 4


def measure(ground: Ground, rounds: int) -> list[Figure]:
    """Count both ways of reading the account; of the scans, the most that one took."""
    ground.refill()
    settings, desk = ground.stage.settings, ground.desk
    account, key = settings.exchange(ACCOUNT), key_of(settings, ACCOUNT)
    client = RESTClient(api_key=key.name, api_secret=key.secret, base_url=account.base_url.address)
    client.session.verify, client.session.trust_env = str(account.ca_file), False
    with client.session:
        scans = {
            _counted(ground.stage.venue, lambda: scanning.read(desk, ACCOUNT, desk.clock(), automatic=True))
            for _ in range(rounds)
        }
        loop = _counted(ground.stage.venue, lambda: _ordinary_loop(client, account.exclude))
    return [
        Figure(
            name="requests_per_scan",
            value=max(scans),
            unit="requests",
            against="a loop over the wallets, one product request for each candidate",
            reference=loop,
            limit=LIMIT,
            benchmark="requests_per_scan",
            samples=rounds,
            exact=True,
        )
    ]


def _counted(venue: Venue, run: Callable[[], object]) -> int:
    before = _requests(venue)
    run()
    return _requests(venue) - before


def _requests(venue: Venue) -> int:
    return sum(int(count) for count in venue.get("/requests")["requests"].values())


def _ordinary_loop(client: RESTClient, excluded: Collection[str]) -> int:
    """Read wallets page by page and each candidate's product; return how many products there are."""
    products, cursor, more = 0, None, True
    while more:
        page = client.get_accounts(limit=PAGE, cursor=cursor).to_dict()
        cursor, more = page["cursor"], page["has_next"]
        for wallet in page["accounts"]:
            code = wallet["currency"]
            if Decimal(wallet["available_balance"]["value"]) > 0 and code not in excluded:
                products += _has_product(client, f"{code}-USD")
    return products


def _has_product(client: RESTClient, name: str) -> bool:
    try:
        client.get_product(name)
    except HTTPError:
        return False
    return True
