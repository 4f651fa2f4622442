"""The fault proxy: an endpoint before a node that counts what is asked, holds geth's rules, and fails as it is told."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from domain.errors import ConfigurationError
from simulators.chain.behind import Behind, Json
from simulators.chain.calls import Calls
from simulators.chain.faults import FaultForm, Faults, Slow, Spoiling
from simulators.chain.mischief import Loaded, Mischief, spoiled
from simulators.forms import read_form
from simulators.wire import LOOPBACK, Answer, Reply, Request, Server, json_reply

REQUESTS = "requests"
ADMIN = ("/faults", "/requests")


class ChainProxy:
    """An endpoint on loopback: `with ChainProxy(chain.url) as proxy`, then use `proxy.url` as the node's.

    GET /requests, GET, POST and DELETE /faults are for whoever plays the accidents; every other request is JSON-RPC.
    """

    def __init__(self, node_url: str, *, port: int = 0, geth: bool = True, verbose: bool = False) -> None:
        self._behind = Behind(node_url)
        self._calls = Calls(self._behind, geth=geth)
        self._mischief = Mischief()
        self._counts: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._server = Server(port, self.answer, verbose=verbose)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, in threads."""
        self._server.start()

    def stop(self) -> None:
        """Close every connection and stop serving."""
        self._server.stop()
        self._behind.hang_up()

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://{LOOPBACK}:{self._server.port}"

    def fail_over(self, node_url: str) -> None:
        """Have another node behind from now on."""
        self._behind.move(node_url)

    def inject(self, **fault: object) -> None:
        """Load a fault from now on: `proxy.inject(kind="timeout", method="eth_call", when="after")`."""
        self.load(read_form({"faults": [fault]}, Faults, "inject").faults)

    def load(self, faults: Iterable[FaultForm]) -> None:
        """Load faults from now on."""
        self._mischief.add(faults, int(self._behind.ask("eth_blockNumber"), 16))

    def calm(self) -> None:
        """Drop every fault."""
        self._mischief.clear()

    def struck(self) -> Counter[str]:
        """Count the calls that faults in force have struck, by the faults' kinds."""
        struck: Counter[str] = Counter()
        for loaded in self._mischief.loaded():
            struck[loaded.fault.kind] += loaded.struck
        return +struck

    def refused(self) -> Counter[str]:
        """Count the transactions that geth's rules kept out since the last `forget`, by geth's sentences."""
        with self._counting:
            return Counter(self._calls.objections)

    def counts(self) -> Counter[str]:
        """Count HTTP requests under `requests`, and calls under their methods, each call of a batch too."""
        with self._counting:
            return Counter(self._counts)

    def forget(self) -> None:
        """Count from nothing again."""
        with self._counting:
            self._counts.clear()
            self._calls.objections.clear()

    def answer(self, request: Request) -> Answer:
        """Answer one HTTP request."""
        try:
            return self._admin(request) if _is_administration(request) else self._answered(request.body)
        except (OSError, http.client.HTTPException) as error:
            return json_reply(502, {"error": f"the node behind does not answer: {error}"})

    def _answered(self, raw: bytes) -> Answer:
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        calls = body if isinstance(body, list) else [body]
        if not calls or not all(isinstance(call, dict) and isinstance(call.get("method"), str) for call in calls):
            return Reply(200, self._behind.hand_on(raw))  # what is no call the node refuses in its own words
        with self._counting:
            self._counts.update([REQUESTS, *(call["method"] for call in calls)])
        return self._struck(raw, calls, isinstance(body, list))

    def _struck(self, body: bytes, calls: list[Json], batch: bool) -> Answer:
        due = [self._mischief.due(call["method"]) for call in calls]
        struck = [loaded.fault for faults in due for loaded in faults]
        spoiling = next((fault for fault in struck if isinstance(fault, Spoiling)), None)
        if spoiling and spoiling.when == "before":
            return spoiled(spoiling, Reply(200, b""))
        delay = max((float(fault.seconds) for fault in struck if isinstance(fault, Slow)), default=0.0)
        reply = Reply(200, self._served(body, calls, due, batch), delay=delay)
        return spoiled(spoiling, reply) if spoiling else reply

    def _served(self, body: bytes, calls: list[Json], due: list[list[Loaded]], batch: bool) -> bytes:
        """Hand on as it came what needs nothing else, and answer the rest call by call."""
        if all(self._calls.plain(call, faults) for call, faults in zip(calls, due, strict=True)):
            return self._behind.hand_on(body)
        answers = [self._calls.answer(call, faults) for call, faults in zip(calls, due, strict=True)]
        return json.dumps(answers if batch else answers[0]).encode()

    def _admin(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", "/requests":
                return json_reply(200, {"requests": dict(self.counts())})
            case "GET", "/faults":
                return self._shown()
            case "DELETE", "/faults":
                self.calm()
                return self._shown()
            case "POST", "/faults":
                try:
                    self.load(read_form(json.loads(request.body or b"{}"), Faults, "POST /faults").faults)
                except (ValueError, ConfigurationError) as error:
                    return json_reply(400, {"error": str(error)})
                return self._shown()
        return json_reply(
            404, {"error": f"{request.method} {request.path}: the routes are POST / and {', '.join(ADMIN)}"}
        )

    def _shown(self) -> Reply:
        shown = [
            {"fault": loaded.fault.model_dump(mode="json"), "seen": loaded.seen, "struck": loaded.struck}
            for loaded in self._mischief.loaded()
        ]
        return json_reply(200, {"faults": shown})


def _is_administration(request: Request) -> bool:
    return request.path in ADMIN or request.method != "POST"
