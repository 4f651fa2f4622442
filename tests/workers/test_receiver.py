"""A POST to a receiver that behaves, and to one that misbehaves in every way: an answer in bounded time, and words."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from dustman.redis_server import free_port
from events.webhook import Secret, headers
from simulators.exchange.twin import shared_certificates
from tests.receiver import (
    SECRET,
    Misdeed,
    Receiver,
    answers,
    babbles,
    floods,
    hangs,
    redirects_to,
    resets,
    trickles,
)
from workers import receiver as http

BODY = b'{"position": "1"}'
SECONDS = 1.5
Sender = Callable[..., http.Receiver]


@pytest.fixture(scope="module")
def there() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def sender() -> Iterator[Sender]:
    """Make senders that let go of their connections at the end."""
    made: list[http.Receiver] = []

    def make(port: int, target: str = "/hook?token=x", tls: ssl.SSLContext | None = None) -> http.Receiver:
        made.append(http.Receiver("127.0.0.1", port, target, tls, SECONDS))
        return made[-1]

    yield make
    for each in made:
        each.close()


def signed() -> dict[str, str]:
    return dict(headers(Secret.read(SECRET), "id", int(time.time()), BODY))


def test_post__to_one_that_listens__arrives_with_path_and_query(there: Receiver, sender: Sender) -> None:
    answer = sender(there.port).post(BODY, signed())
    assert (answer.status, answer.words) == (204, "204 No Content")
    assert [got.message for got in there.accepted["/hook?token=x"]] == ["id"]


def test_post__many__use_one_connection_and_survive_its_end(there: Receiver, sender: Sender) -> None:
    ours = sender(there.port, "/many")
    assert [ours.post(BODY, signed()).status for _ in range(3)] == [204] * 3
    line = ours._line
    assert line is not None
    there.misbehaves("/many", resets)
    assert ours.post(BODY, signed()).status == 204
    assert ours._line is not line


@pytest.mark.parametrize(
    ("misdeed", "status", "words"),
    [
        (answers(503), 503, "503 Service Unavailable"),
        (answers(410), 410, "410 Gone"),
        (answers(429, Retry_After="7"), 429, "429 Too Many Requests"),
        (redirects_to("http://127.0.0.1:1/"), 307, "307 Temporary Redirect"),
        (resets, None, "Connection reset by peer"),
        (hangs, None, "no answer within 1.5 s"),
        (trickles, None, "no answer within 1.5 s"),
        (babbles, None, "BadStatusLine"),
        (floods, 503, "503 Busy"),
    ],
)
def test_post__to_one_that_misbehaves__ends_in_time_with_words(
    there: Receiver, sender: Sender, misdeed: Misdeed, status: int | None, words: str
) -> None:
    there.misbehaves("/bad", misdeed)
    ours, began = sender(there.port, "/bad"), time.monotonic()
    answer = ours.post(BODY, signed())
    assert (answer.status, answer.words) == (status, words)
    assert time.monotonic() - began < SECONDS + 1.0
    assert there.accepted["/bad"] == []


def test_post__nobody_listens__is_refused(sender: Sender) -> None:
    answer = sender(free_port()).post(BODY, signed())
    assert (answer.status, answer.words) == (None, "Connection refused")


def test_post__nobody_takes_the_connection__ends_in_time(sender: Sender) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        full = [socket.socket() for _ in range(3)]
        for each in full:
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        began = time.monotonic()
        answer = sender(deaf.getsockname()[1]).post(BODY, signed())
        for each in full:
            each.close()
    assert answer.status is None
    assert answer.words in {"no connection in time", "no answer within 1.5 s"}
    assert time.monotonic() - began < SECONDS + 1.0


def test_post__a_name_that_does_not_exist__says_so() -> None:
    answer = http.Receiver("no-such-host.invalid", 443, "/", None, SECONDS).post(BODY, signed())
    assert answer.status is None
    assert answer.words


def test_post__over_tls__believes_only_who_can_prove_it(sender: Sender) -> None:
    certificates = shared_certificates()
    trusting = ssl.create_default_context(cafile=str(certificates.ca_file))
    with Receiver(certificates.context()) as safe:
        assert sender(safe.port, "/", trusting).post(BODY, signed()).status == 204
        safe.misbehaves("/", hangs)
        assert sender(safe.port, "/", trusting).post(BODY, signed()).words == "no answer within 1.5 s"
        stranger = sender(safe.port, "/", ssl.create_default_context()).post(BODY, signed())
        assert stranger.status is None
        assert stranger.words.startswith("its certificate is not trusted")
        plain = sender(safe.port, "/").post(BODY, signed())
        assert plain.status is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0", 0), ("9" * 400, 999_999_999)]
    + [(nonsense, 0) for nonsense in ("", "-1", "1.5", "NaN", "soon", "٣", "Mon, 99 Jan 2026 00:00:00 GMT")],
)
def test_retry_after__seconds__are_read_and_nonsense_is_nothing(text: str, seconds: float) -> None:
    assert http._retry_after(text) == seconds


def test_retry_after__a_date__is_read_and_one_that_is_over_is_nothing() -> None:
    now = datetime.now(UTC)
    assert 30 < http._retry_after(format_datetime(now + timedelta(minutes=1), usegmt=True)) <= 60
    assert http._retry_after(format_datetime(now - timedelta(minutes=1), usegmt=True)) == 0
