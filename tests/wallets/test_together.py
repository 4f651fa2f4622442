"""Wallets that are read together: as many requests as for one, and what spoils one spoils no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigurationError, VenueUnavailable
from domain.identity import stream_of
from domain.venue import Survey
from events.facts import ScanCompleted, VenueUnreachable
from simulators.chain.chain import LocalChain
from simulators.chain.proxy import ChainProxy
from tests.venues.test_evm_rpc import nobody
from tests.venues.wallet_stage import described, wallet_on
from tests.wallets.stand import Stand, dust, stand
from venues.evm.rpc import Rpc
from venues.evm.wallet import Wallet
from workers import gathering, reconciling, scanning
from workers.desk import Desk, Mandate
from workers.schedule import Every

NAMES = ("main", "second", "third")
HELD = {
    "main": ("DUST000", "DUST001", "USDC"),
    "second": ("DUST001", "gas_burner", "return_bomb"),
    "third": ("DUST002",),
}


@pytest.fixture
def proxy(chain: LocalChain) -> Iterator[ChainProxy]:
    with ChainProxy(chain.url) as proxy:
        yield proxy


def opened(chain: LocalChain, proxy: ChainProxy, name: str, **options: object) -> Wallet:
    allow = [token for token in chain.tokens if token.startswith("DUST")]
    number = NAMES.index(name)
    return wallet_on(chain, number, "WETH", url=proxy.url, allow=allow, **options)  # type: ignore[arg-type]


def endowed(chain: LocalChain) -> None:
    gifts = [(token, name) for name, tokens in HELD.items() for token in tokens]
    chain.hand_out([(token, chain.wallets[NAMES.index(name)].address, 10**7) for token, name in gifts])


def alone(wallet: Wallet) -> tuple[object, ...]:
    holdings, capabilities = tuple(wallet.holdings()), wallet.capabilities()
    prices = wallet.prices([product.name for product in capabilities.products.values()])
    return holdings, capabilities, prices, wallet.worth([wallet.target])


def test_survey__of_several_wallets__finds_what_each_finds_alone_in_two_requests(
    chain: LocalChain, proxy: ChainProxy
) -> None:
    endowed(chain)
    wallets = [opened(chain, proxy, name) for name in NAMES]
    wallets[0].survey(wallets)
    proxy.forget()
    found = wallets[0].survey(wallets)
    assert proxy.counts()["requests"] == 2
    assert proxy.counts()["eth_getLogs"] == 1
    for name, survey in zip(NAMES, found, strict=True):
        assert isinstance(survey, Survey)
        assert survey.requests == 2
        told = (survey.holdings, survey.capabilities, survey.prices, survey.worth)
        assert told == alone(opened(chain, proxy, name))


def test_survey__of_a_hundred_wallets__is_two_requests(chain: LocalChain, proxy: ChainProxy) -> None:
    allow = [f"DUST{number:03}" for number in range(20)]
    addresses = [f"0x{number + 2**80:040x}" for number in range(100)]
    wallets = [wallet_on(chain, 0, "WETH", url=proxy.url, allow=allow, address=address) for address in addresses]
    chain.hand_out(
        [
            (f"DUST{(3 * number + each) % 20:03}", wallet.address, 10**18)
            for number, wallet in enumerate(wallets)
            for each in range(3)
        ]
    )
    wallets[0].survey(wallets)
    proxy.forget()
    found = [survey for survey in wallets[0].survey(wallets) if isinstance(survey, Survey)]
    assert proxy.counts()["requests"] == 2
    assert [len(survey.holdings) for survey in found] == [4] * 100
    assert [len(survey.prices) for survey in found] == [3] * 100


def test_survey__of_a_wallet_whose_history_is_refused__is_its_outage_alone(
    chain: LocalChain, proxy: ChainProxy
) -> None:
    endowed(chain)
    chain.mine(300)
    wallets = [opened(chain, proxy, name) for name in NAMES]
    wallets[0].survey(wallets[:2])
    # The third begins at block 0, from where the provider does not read all at once, and can't ask in steps.
    proxy.inject(kind="log_range", blocks=200, calls="all")
    wallets[2]._holder.discovery.rpc = Rpc([nobody()], chain.chain_id)
    found = wallets[0].survey(wallets)
    assert [type(each) for each in found] == [Survey, Survey, VenueUnavailable]


def test_survey__of_what_is_no_wallet_there__is_refused(chain: LocalChain, proxy: ChainProxy) -> None:
    here, there = opened(chain, proxy, "main"), opened(chain, proxy, "second", where=described(chain, sequencer=True))
    with pytest.raises(ValueError, match="only wallets on local are read together"):
        here.survey([here, there])


def desk_of(built: Stand, venue: Callable[[str], Wallet], nudges: list[tuple[str, str]]) -> Desk:
    mandates = {name: Mandate(name, "evm", built.policy, Every(60), NAMES) for name in NAMES}
    return dataclasses.replace(
        built.fresh(), mandates=mandates, open_venue=venue, nudge=lambda queue, name: nudges.append((queue, name))
    )


def facts(desk: Desk, name: str) -> list[str]:
    return [each.type for each in desk.log.stream(stream_of(name))]


def test_scan__of_a_group__is_in_each_ones_stream_and_only_once(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        endowed(chain)
        nudges: list[tuple[str, str]] = []
        desk = desk_of(built, lambda name: opened(chain, built.proxy, name), nudges)
        due = desk.clock()
        scanning.scan(desk, "second", due, automatic=True)
        built.proxy.forget()
        gathering.scan(desk, "third", due, automatic=True)
        told = {each.fact.account: each.fact for each in desk.log.read() if isinstance(each.fact, ScanCompleted)}
        assert set(told) == set(NAMES)
        assert nudges == [("convert", "main")]
        before, counted = desk.log.head(), built.proxy.counts()
        gathering.scan(desk, "main", due, automatic=True)
        assert (desk.log.head(), built.proxy.counts()) == (before, counted)


def test_scan__of_a_group_whose_node_is_away__is_an_outage_of_each(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        desk = desk_of(built, lambda name: opened(chain, built.proxy, name), [])
        built.proxy.inject(kind="bad_gateway", method="eth_call", when="before", calls="all")
        gathering.scan(desk, "main", desk.clock(), automatic=True)
        outages = [each.fact.account for each in desk.log.read() if isinstance(each.fact, VenueUnreachable)]
        assert outages == list(NAMES)
        assert built.proxy.counts()["requests"] == 1


def test_scan__of_a_group_with_one_that_cannot_be_opened__scans_the_others(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:

        def venue(name: str) -> Wallet:
            if name == "main":
                raise ConfigurationError("its key is gone")
            return opened(chain, built.proxy, name)

        desk = desk_of(built, venue, [])
        gathering.scan(desk, "main", desk.clock(), automatic=True)
        assert facts(desk, "main")[-1] == "venue_unreachable"
        assert facts(desk, "second")[-1] == facts(desk, "third")[-1] == "scan_completed"


def test_reconcile__of_a_group_that_missed_its_scan__asks_for_it_once(chain: LocalChain, tmp_path: Path) -> None:
    with stand(chain, tmp_path, dust(1), target="WETH") as built:
        nudges: list[tuple[str, str]] = []
        desk = desk_of(built, lambda name: opened(chain, built.proxy, name), nudges)
        gathering.scan(desk, "main", desk.clock() - timedelta(days=1), automatic=True)
        nudges.clear()
        late = datetime.now(UTC).replace(second=45)
        reconciling.reconcile_all(dataclasses.replace(desk, clock=lambda: late))
        assert [each for each in nudges if each[0] == "scan"] == [("scan", "main")]
