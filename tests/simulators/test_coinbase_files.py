"""Scenario and fault files of the Coinbase twin: what is accepted, and how mistakes are told."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from domain.errors import ConfigurationError
from simulators.coinbase.demo import CRUMBS, demo
from simulators.coinbase.endpoints import ENDPOINTS
from simulators.coinbase.faults import ENDPOINTS as STRUCK
from simulators.coinbase.faults import Fault, Faults
from simulators.coinbase.scenario import ConvertForm, KeyForm, ProductForm, Scenario, WalletForm
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from simulators.exchange.scenario import BookForm, ClockForm
from simulators.exchange.serving import scenario_of
from simulators.forms import Strict, read_file

RULES = '{base_increment: "0.01", quote_increment: "0.01", base_min_size: "1"'  # more may follow
PRODUCT = RULES + "}"


def mistakes(tmp_path: Path, text: str, form: type[Scenario] | type[Faults]) -> str:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        read_file(path, form)
    told = str(raised.value)
    assert told.startswith(f"{path}: ")
    return told


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("taker_fees: '1'", "unknown key 'taker_fees'; the keys here are wallets, products"),
        ("wallets: {ADA: {avail: '1'}}", "wallets.ADA: unknown key 'avail'; the keys here are available, hold"),
        ("taker_fee: 0.012", "taker_fee: 0.012: must be a number in quotes"),
        ("taker_fee: 'much'", "taker_fee: 'much': must be a number in quotes"),
        ("taker_fee: true", "taker_fee: True: must be a number in quotes"),
        ("taker_fee: 'Infinity'", "taker_fee: 'Infinity': must be a number in quotes"),
        ("wallets: {ADA: {available: '-1'}}", "wallets.ADA.available: '-1': must be zero or above"),
        ("wallets: {ADA: {decimals: 40}}", "wallets.ADA.decimals: 40: Input should be less than or equal to 18"),
        (f"products: {{ADA: {PRODUCT}}}", "products.ADA must be named BASE-QUOTE"),
        (f"products: {{ADA-USD: {RULES}, alias: ADA-X}}}}", "'ADA-X' must name another product"),
        (
            f"products: {{A-USD: {RULES}, alias: B-USD}}, B-USD: {RULES}, alias: A-USD}}}}",
            "must not itself have an alias",
        ),
        ("products: {ADA-USD: {base_increment: '1'}}", "products.ADA-USD.quote_increment: Field required"),
        (
            f"products: {{ADA-USD: {RULES}, book: {{price: '1', bids: [['1', '1']]}}}}}}",
            "products.ADA-USD.book: takes either bids and asks or a price, not both",
        ),
        (
            f"products: {{ADA-USD: {RULES}, book: {{bids: [['1', '1'], ['2', '1']]}}}}}}",
            "must list the best level first",
        ),
        (
            "clock: {start: '2026-01-04T02:00:00'}",
            "clock.start: '2026-01-04T02:00:00': Input should have timezone info",
        ),
        ("keys: {a: {algorithm: rsa}}", "keys.a.algorithm: 'rsa': Input should be 'ed25519' or 'es256'"),
        ("taker_fee: '1'\ntaker_fee: '2'", "a key stands twice in one mapping"),
        ("taker_fee: [", "is neither YAML nor JSON"),
        ("- 1", "[1]: Input should be a valid dictionary"),
    ],
)
def test_scenario__with_a_mistake__names_file_key_value_and_what_is_accepted(
    tmp_path: Path, text: str, sentence: str
) -> None:
    assert sentence in mistakes(tmp_path, text, Scenario)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("{kind: reset}", "faults.0.reset.endpoint: Field required"),
        ("{endpoint: any}", "faults.0: 'kind' is missing"),
        ("{kind: storm, endpoint: any}", "Input tag 'storm'"),
        ("{kind: reset, endpoint: orders}", "faults.0: endpoint 'orders': must be any, list_accounts"),
        ("{kind: reset, endpoint: any, call: 1}", "faults.0.reset: unknown key 'call'; the keys here are endpoint"),
        ("{kind: reset, endpoint: any, calls: 0}", "faults.0.reset.calls: 0: must be a call's number 3, a range"),
        ("{kind: reset, endpoint: any, calls: 3-1}", "must be a range whose end is not before its start"),
        ("{kind: reset, endpoint: any, calls: true}", "faults.0.reset.calls: True: must be a call's number"),
        ("{kind: reset, endpoint: any, when: never}", "'never': Input should be 'before', 'after' or 'later'"),
        ("{kind: timeout, endpoint: any, seconds: '0'}", "faults.0.timeout.seconds: '0': must be above zero"),
        ("{kind: slow, endpoint: any}", "faults.0.slow.seconds: Field required"),
        ("{kind: server_error, endpoint: any, status: 404}", "Input should be greater than or equal to 500"),
        ("{kind: partial, endpoint: create_order, fraction: '1'}", "must be zero or above and below one"),
        ("{kind: partial, endpoint: get_order, fraction: '0'}", "this kind of fault strikes create_order"),
        ("{kind: cut_json, endpoint: any, when: before}", "must be after, because there is an answer to cut"),
    ],
)
def test_fault__with_a_mistake__names_file_key_value_and_what_is_accepted(
    tmp_path: Path, fault: str, sentence: str
) -> None:
    assert sentence in mistakes(tmp_path, f"faults: [{fault}]", Faults)


def test_file__that_is_not_there__is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_file(tmp_path / "nothing.yaml", Scenario)
    with pytest.raises(ConfigurationError, match="must be a file, or one of demo, small"):
        scenario_of(CoinbaseTwin.kind, "nothing")


def test_scenario__in_json_or_empty__is_read(tmp_path: Path) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps({"wallets": {"ADA": {"available": "1"}}, "taker_fee": 0}))
    assert read_file(path, Scenario).wallets["ADA"].available == 1
    path.write_text("")
    assert read_file(path, Scenario) == Scenario()


def test_scenario__written_out__reads_back_as_itself(tmp_path: Path) -> None:
    path = tmp_path / "scenario.json"
    for scenario in (small(), demo()):
        path.write_text(scenario.model_dump_json())
        assert read_file(path, Scenario) == scenario


def test_demo__as_an_account__has_an_example_of_everything() -> None:
    scenario = demo()
    assert len(scenario.wallets) == 300
    assert all(Decimal(crumb.available) * Decimal(crumb.price) < Decimal("0.5") for crumb in CRUMBS)
    assert sum(Decimal(crumb.available) * Decimal(crumb.price) for crumb in CRUMBS) > 5
    assert sum(f"{crumb.name}-USDC" in scenario.products for crumb in CRUMBS) == 14
    assert sum(wallet.available == wallet.hold == 0 for wallet in scenario.wallets.values()) > 200
    second_page = list(scenario.wallets.values())[250:]
    assert any(wallet.available for wallet in second_page)


PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/coinbase-twin.md").read_text()


def test_reference__in_its_examples__is_accepted(tmp_path: Path) -> None:
    scenario, faults = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for text, form in ((scenario, Scenario), (faults, Faults)):
        path = tmp_path / "example.yaml"
        path.write_text(text)
        assert read_file(path, form) != form()


def test_reference__for_every_key_kind_and_endpoint__has_a_word() -> None:
    kinds: tuple[type[Strict], ...] = get_args(get_args(Fault)[0])
    forms: tuple[type[Strict], ...] = (
        Scenario,
        WalletForm,
        ProductForm,
        BookForm,
        KeyForm,
        ClockForm,
        ConvertForm,
        *kinds,
    )
    words = {name for form in forms for name in form.model_fields}
    words |= {get_args(kind.model_fields["kind"].annotation)[0] for kind in kinds}
    words |= {endpoint.name for endpoint in ENDPOINTS}
    assert {word for word in words if not re.search(rf"\b{word}\b", PAGE)} == set()
    assert set(STRUCK) == {endpoint.name for endpoint in ENDPOINTS}
