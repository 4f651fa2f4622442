"""Claim data from files and over HTTP: what is read, and what is refused with which words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from venues.evm.rewards.claim_data import LARGEST, ClaimData, NoClaimData, address, index, octets, units

ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
ENTRY = {"Amount": "5", "Root": "0x" + "ab" * 32, "Proofs": ["0x" + "cd" * 32]}
CLAIM = {
    "root": "0x",
    "rootIndex": 3,
    "earnerIndex": 1,
    "earnerTreeProof": "0x",
    "earnerLeaf": {"earner": ACCOUNT, "earnerTokenRoot": "0x" + "ab" * 32},
    "tokenIndices": [0],
    "tokenTreeProofs": ["0x"],
    "tokenLeaves": [{"token": ACCOUNT, "cumulativeEarnings": "7"}],
}


@contextmanager
def served(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A service that answers everything so, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/claims/{{address}}", asked
        server.shutdown()


def in_file(home: Path, content: str) -> ClaimData:
    (home / "claims.json").write_text(content)
    return ClaimData(home / "claims.json")


@pytest.mark.parametrize("form", [ENTRY, {ACCOUNT: ENTRY}, {ACCOUNT.lower(): ENTRY, "0x00": {}}])
def test_king__an_entry__is_read_alone_or_by_address(tmp_path: Path, form: object) -> None:
    entry = in_file(tmp_path, json.dumps(form)).king(ACCOUNT)
    assert entry is not None
    assert (entry.amount, entry.root, entry.proofs) == ("5", ENTRY["Root"], tuple(ENTRY["Proofs"]))


def test_eigenlayer__a_claim__is_read_as_it_is_written(tmp_path: Path) -> None:
    claim = in_file(tmp_path, json.dumps(CLAIM)).eigenlayer(ACCOUNT)
    assert claim is not None
    assert (claim.root_index, claim.earner_leaf.earner, claim.token_leaves[0].cumulative_earnings) == (3, ACCOUNT, "7")


@pytest.mark.parametrize("content", ["", " ", "null", "{}", json.dumps({"0x00": ENTRY})])
def test_data__that_has_nothing_for_the_account__is_none(tmp_path: Path, content: str) -> None:
    assert in_file(tmp_path, content).king(ACCOUNT) is None
    assert ClaimData(tmp_path / "missing.json").king(ACCOUNT) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no claim data"),
        ("5", "is no claim data"),
        (json.dumps({**ENTRY, "Amount": None}), "is no claim data"),
        (json.dumps({**ENTRY, "Proofs": "0x"}), "is no claim data"),
        (json.dumps({"Amount": "5"}), "is no claim data"),
        (" " * (LARGEST + 1), "is larger than"),
    ],
    ids=["cut", "list", "number", "null", "text", "less", "huge"],
)
def test_data__that_is_none__is_named_with_its_place(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(NoClaimData, match=words) as caught:
        in_file(tmp_path, content).king(ACCOUNT)
    assert "claims.json" in str(caught.value)


def test_service__is_asked_for_the_wallet__and_its_outage_is_no_empty_answer() -> None:
    with served(200, json.dumps(ENTRY).encode()) as (url, asked):
        assert ClaimData(url).king(ACCOUNT) is not None
        assert asked == [f"/claims/{ACCOUNT}"]
    with served(404, b"no such wallet") as (url, _):
        assert ClaimData(url).king(ACCOUNT) is None
    with served(503, b"") as (url, _), pytest.raises(NoClaimData, match="status 503"):
        ClaimData(url).king(ACCOUNT)
    with served(200, b" " * (LARGEST + 1)) as (url, _), pytest.raises(NoClaimData, match="larger than"):
        ClaimData(url).king(ACCOUNT)
    with pytest.raises(NoClaimData, match=r"127\.0\.0\.1 does not answer"):
        ClaimData("http://127.0.0.1:9/secret-token").king(ACCOUNT)


@pytest.mark.parametrize("text", ["", "0x0", "0xzz", "ab", "0x" + "ab" * 31, "0x" + "ab" * 33])
def test_octets__of_other_sizes__are_refused(text: str) -> None:
    with pytest.raises(NoClaimData, match="claim data: Root"):
        octets(text, "Root", 32)


@pytest.mark.parametrize("value", ["", "-1", -1, "1.5", "1e3", "NaN", str(2**256), "٣"])
def test_units__that_are_no_whole_number__are_refused(value: str | int) -> None:
    with pytest.raises(NoClaimData, match="claim data: Amount"):
        units(value, "Amount")


def test_places_and_addresses__out_of_their_range__are_refused() -> None:
    with pytest.raises(NoClaimData, match="rootIndex is 4294967296"):
        index(2**32, "rootIndex")
    with pytest.raises(NoClaimData, match="earner"):
        address("0x12", "earner")
