"""Every exception that the SDK, `requests` or the reading of a reply can raise is judged; none passes through."""

from __future__ import annotations

import ast
import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import coinbase
import msgspec
import pytest
import requests
from requests import exceptions as http

from domain.errors import ConfigurationError, VenueUnavailable
from dustman.redis_server import free_port
from events.values import RefusalCode
from simulators.exchange.certificates import Certificates
from tests.venues.coinbase_stage import CoinbaseStage
from tests.venues.raised import NEVER_SENT, UNREADABLE, assert_ours_come_out, raised_by_requests
from venues.coinbase.client import check_key
from venues.coinbase.errors import MEANINGS, RAISED, fault_of, refusal_for
from venues.coinbase.replies import Complaint, Created
from venues.coinbase.venue import Coinbase
from venues.faults import Fault, Verdict, quoted
from venues.limits import Limiter

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
OTHERS: list[Exception] = [
    multiprocessing.AuthenticationError("no key"),
    *UNREADABLE,
]


@pytest.mark.parametrize("error", [*raised_by_requests(), *OTHERS], ids=lambda error: type(error).__name__)
def test_exceptions__whatever_a_request_raises__then_it_is_caught_and_judged(error: Exception) -> None:
    assert isinstance(error, RAISED)

    fault = fault_of(error, NOW)

    expected = Verdict.MISCONFIGURED if isinstance(error, multiprocessing.AuthenticationError) else Verdict.UNSURE
    assert fault.verdict is NEVER_SENT.get(type(error).__name__, expected)
    assert fault.sentence
    assert fault.refusal is None


@pytest.mark.parametrize("error", [*raised_by_requests(), *OTHERS], ids=lambda error: type(error).__name__)
def test_exceptions__when_a_read_or_an_order_raises_them__then_ours_come_out(error: Exception) -> None:
    with CoinbaseStage() as stage:
        assert_ours_come_out(stage, stage.venue._client, Created, error, fault_of(error, NOW).verdict)


def test_exceptions__when_the_sdk_raises__then_each_class_is_caught_or_ruled_out_beforehand() -> None:
    """A release of the SDK that raises something new fails here."""
    classes = {"HTTPError": http.HTTPError, "AuthenticationError": multiprocessing.AuthenticationError}
    # Of bad keys and key files only, in the constructor and in signing: `check_key` rules them out before.
    ruled_out = {"Exception", "ValueError", "KeyError"}

    names = set(raised_in_sources())

    assert names == set(classes) | ruled_out
    assert all(issubclass(each, RAISED) for each in classes.values())


def raised_in_sources() -> Iterator[str]:
    """Name every class that the SDK's REST half raises."""
    root = Path(coinbase.__file__).parent
    for path in [*root.glob("*.py"), *(root / "rest").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                yield node.exc.func.id


@pytest.mark.parametrize(
    ("name", "secret", "named"),
    [
        ("", "x", "key name"),
        ("key", " ", "key secret: empty"),
        ("key", "not base64 at all!", "key secret"),
        ("key", "c2hvcnQ=", "key secret"),
        ("key", "-----BEGIN EC PRIVATE KEY-----\nbroken\n-----END EC PRIVATE KEY-----", "key secret"),
        ("key", "schlüssel", "key secret"),
    ],
)
def test_key__when_it_cannot_sign__then_the_error_says_what_is_accepted(name: str, secret: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as raised:
        check_key(name, secret)

    assert len(secret) < 3 or secret not in str(raised.value)


def test_key__when_it_is_of_another_kind__then_it_is_refused() -> None:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
        with pytest.raises(ConfigurationError, match="P-256"):
            check_key("key", pem)
        locked = key.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"word")
        ).decode()
        with pytest.raises(ConfigurationError):
            check_key("key", locked)


def test_settings__when_they_are_bad__then_the_error_names_them(tmp_path: Path) -> None:
    with CoinbaseStage() as stage:
        with pytest.raises(ConfigurationError, match=r"base_url: 'https://api\.coinbase\.com'"):
            stage.restarted(base_url="https://api.coinbase.com")
        for content in ("", "no certificate"):
            (tmp_path / "ca.pem").write_text(content)
            with pytest.raises(ConfigurationError, match="ca_file"):
                stage.restarted(ca_file=tmp_path / "ca.pem")
        with pytest.raises(ConfigurationError, match="ca_file"):
            stage.restarted(ca_file=tmp_path / "nowhere.pem")


def test_environment__whatever_it_says_of_proxies_certificates_and_keys__then_it_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    monkeypatch.setenv("COINBASE_API_KEY", "someone else's")
    with CoinbaseStage() as stage:
        assert stage.venue.holdings()


def test_certificate__when_it_is_not_trusted__then_nothing_is_sent(tmp_path: Path) -> None:
    with CoinbaseStage() as stage:
        stranger = Certificates.at(tmp_path / "ca.pem").ca_file
        with pytest.raises(VenueUnavailable, match="certificate is not trusted"):
            stage.restarted(ca_file=stranger).holdings()
        assert stage.served() == 0


def test_repr__of_an_adapter__then_it_names_the_host_only() -> None:
    with CoinbaseStage() as stage:
        assert repr(stage.venue) == f"Coinbase({stage.twin.base_url})"


def test_key_and_clock__when_the_clock_is_off__then_a_401_is_not_taken_for_a_bad_key() -> None:
    for off, said in ((timedelta(seconds=95), "95 s ahead of"), (-timedelta(minutes=4), "240 s behind")):
        fault = fault_of(answered(401, "Unauthorized", Date=format_datetime(NOW - off, usegmt=True)), NOW)
        assert fault.verdict is Verdict.NOT_ACCEPTED
        assert said in fault.sentence

    for date in (format_datetime(NOW, usegmt=True), "yesterday", ""):
        assert fault_of(answered(401, "Unauthorized", Date=date), NOW).verdict is Verdict.MISCONFIGURED


COMPLAINT = '{"error":"INVALID_ARGUMENT","error_details":"size","message":"size is odd"}'
HTML = "<!DOCTYPE html><html><body>busy</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "verdict", "passing"),
    [
        (400, COMPLAINT, Verdict.REFUSED, False),
        (400, COMPLAINT.replace("size is odd", "account is not available"), Verdict.NOT_ACCEPTED, False),
        (400, HTML, Verdict.UNSURE, False),
        (400, "{}", Verdict.UNSURE, False),
        (401, "Unauthorized", Verdict.MISCONFIGURED, True),
        (403, COMPLAINT, Verdict.REFUSED, False),
        (403, '{"error_details":"Missing required scopes"}', Verdict.MISCONFIGURED, False),
        (403, "User is not allowed to convert crypto", Verdict.REFUSED, False),
        (403, HTML, Verdict.NOT_ACCEPTED, True),
        (403, "", Verdict.NOT_ACCEPTED, True),
        (404, '{"error":"NOT_FOUND"}', Verdict.REFUSED, False),
        (404, HTML, Verdict.UNSURE, False),
        (405, COMPLAINT, Verdict.UNSURE, False),
        (408, COMPLAINT, Verdict.UNSURE, False),
        (409, COMPLAINT, Verdict.UNSURE, False),
        (422, COMPLAINT, Verdict.UNSURE, False),
        (429, HTML, Verdict.NOT_ACCEPTED, True),
        (429, '{"error":"rate_limit_exceeded"}', Verdict.NOT_ACCEPTED, True),
        (500, COMPLAINT, Verdict.UNSURE, True),
        (502, HTML, Verdict.UNSURE, True),
        (503, "", Verdict.UNSURE, True),
        (504, "\udcff", Verdict.UNSURE, True),
    ],
)
def test_statuses__when_the_venue_answers_with_one__then_it_proves_what_the_table_says(
    status: int, body: str, verdict: Verdict, passing: bool
) -> None:
    fault = fault_of(answered(status, body), NOW)

    assert (fault.verdict, fault.passing) == (verdict, passing)
    assert f"HTTP {status}" in fault.sentence
    assert (fault.refusal is not None) == (verdict is Verdict.REFUSED)
    assert "<" not in fault.sentence


def test_refusals__when_the_venue_names_the_cause__then_the_code_is_ours() -> None:
    codes = {
        (404, "NOT_FOUND", "no such product"): RefusalCode.NOT_TRADABLE,
        (400, "INVALID_ARGUMENT", "Unsupported account in this conversion"): RefusalCode.NOT_TRADABLE,
        (400, "INVALID_ARGUMENT", "something else"): RefusalCode.OTHER,
        (403, "PERMISSION_DENIED", "Orderbook is in limit only mode"): RefusalCode.NOT_TRADABLE,
        (403, "PERMISSION_DENIED", "User is not allowed to convert crypto"): RefusalCode.NOT_PERMITTED,
    }
    for (status, error, message), code in codes.items():
        fault = fault_of(answered(status, msgspec.json.encode(Complaint(error, message)).decode()), NOW)
        assert isinstance(fault, Fault)
        assert fault.refusal is not None
        assert (fault.refusal.code, fault.refusal.venue_code) == (code, error)
        assert message in fault.refusal.sentence


def test_quotations__when_the_venue_is_quoted__then_on_one_line_shortened_and_without_tokens() -> None:
    told = quoted("a\nb  eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJrZXkifQ.c2ln\nBearer abc -----BEGIN EC PRIVATE KEY-----\nMHc")

    assert told == "a b … … …"
    assert len(quoted("x" * 5000)) == 201


def test_refusals__when_the_venue_says_nothing__then_the_sentence_says_so() -> None:
    assert refusal_for("").sentence == "Coinbase refuses it: it gave no reason"


def test_adapter__when_it_is_made__then_no_connection_is_opened() -> None:
    with CoinbaseStage() as stage:
        venue = Coinbase(stage.key_name, stage.secret, limiter=Limiter("key"), base_url=f"localhost:{free_port()}")
        assert venue.requests == 0
        assert stage.served() == 0


def answered(status: int, body: str, **headers: str) -> http.HTTPError:
    """Make the error that the SDK raises for an answer."""
    response = requests.Response()
    response.status_code = status
    response._content = body.encode(errors="surrogateescape")
    response.headers.update(headers)
    return http.HTTPError(f"{status} {body}", response=response)


def test_reference__of_the_venues_reasons__then_every_one_is_listed_with_its_code() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/coinbase-errors.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]

    for word, (code, _) in MEANINGS.items():
        assert [row for row in rows if f"`{word}`" in row and f"`{code}`" in row], word
