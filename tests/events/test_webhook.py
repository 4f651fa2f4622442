"""What a message's headers are, and what an answer means."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from events.webhook import (
    LONGEST_PAUSE_SECONDS,
    Answer,
    Delivered,
    GivenUp,
    Later,
    Secret,
    Unwanted,
    headers,
    verdict,
)


def secret(number: int, length: int = 32) -> str:
    return f"whsec_{b64encode(bytes([number]) * length).decode()}"


@pytest.mark.parametrize("event_id", ["0198c1a0-7d2b-5d6e-9c1e-0a1b2c3d4e5f", "a.b", "é\r\nx: y", "100%", " "])
def test_headers__of_any_event__are_accepted_by_the_standards_own_library(event_id: str) -> None:
    body = '{"id": "é"}'.encode()
    made = headers(Secret.read(secret(1)), event_id, int(time.time()), body)
    assert Webhook(secret(1)).verify(body, dict(made)) == {"id": "é"}
    assert made["webhook-id"].isascii()
    assert made["webhook-id"].isprintable()
    assert " " not in made["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret(1)).verify(body + b" ", dict(made))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret(2)).verify(body, dict(made))


def test_headers__different_ids__are_never_the_same_message() -> None:
    ids = ["a", "a%20", "a ", "a%", "a%25", "é", "%C3%A9"]
    assert len({headers(Secret.read(secret(1)), each, 0, b"")["webhook-id"] for each in ids}) == len(ids)


def test_headers__two_secrets__are_accepted_with_either() -> None:
    made = headers(Secret.read(f"{secret(1)} {secret(2)}\n"), "id", int(time.time()), b"{}")
    for number in (1, 2):
        assert Webhook(secret(number)).verify(b"{}", dict(made)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "whsec_",
        secret(1, 23),
        secret(1, 65),
        secret(1)[6:],
        "whsec_!!!",
        secret(1)[:-2],
        f"{secret(1)} nonsense",
    ],
)
def test_secret__of_another_form__is_refused_unseen(text: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 random bytes") as refused:
        Secret.read(text)
    assert len(text) < 10 or text not in str(refused.value)
    assert "keys" not in repr(Secret.read(secret(1)))


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (200, Delivered()),
        (204, Delivered()),
        (299, Delivered()),
        (410, Unwanted()),
        *((status, Later(1.0)) for status in (None, 100, 199, 300, 301, 307, 400, 401, 404, 422, 429, 500, 503, 599)),
    ],
)
def test_verdict__first_try__follows_from_the_status(status: int | None, means: object) -> None:
    assert verdict(Answer(status, ""), 1, 12, 0.0) == means


def test_verdict__more_tries__wait_longer_and_never_longer_than_an_hour() -> None:
    pauses = [verdict(Answer(503, ""), tries, 10**9, 0.0) for tries in (1, 2, 3, 12, 13, 10**6)]
    assert pauses == [Later(1.0), Later(2.0), Later(4.0), Later(2048.0), Later(LONGEST_PAUSE_SECONDS), Later(3600.0)]
    assert verdict(Answer(503, ""), 3, 12, 1.0) == Later(2.0)


def test_verdict__retry_after__is_kept_where_it_asks_for_more_and_bounded_by_a_day() -> None:
    assert verdict(Answer(429, "", 30.0), 1, 12, 0.5) == Later(30.0)
    assert verdict(Answer(429, "", 0.1), 3, 12, 0.0) == Later(4.0)
    assert verdict(Answer(429, "", 1e9), 1, 12, 0.0) == Later(86_400.0)


def test_verdict__last_try__gives_up_unless_it_succeeded_or_nobody_wants_it() -> None:
    assert verdict(Answer(500, "", 60.0), 12, 12, 0.0) == GivenUp()
    assert verdict(Answer(None, ""), 13, 12, 0.0) == GivenUp()
    assert verdict(Answer(200, ""), 12, 12, 0.0) == Delivered()
    assert verdict(Answer(410, ""), 12, 12, 0.0) == Unwanted()
