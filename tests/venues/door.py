"""A door between client and twin, over TLS as well, that rewrites answers: for what no fault of the twin does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from simulators.exchange.twin import Twin
from simulators.wire import Answer, Reply, Request, Server
from tests.venues.exchange_stage import ExchangeStage

AnyStage = TypeVar("AnyStage", bound=ExchangeStage[Any, Any])
Rewrite = Callable[[Request, Reply], Answer]
Change = Callable[[Any], Any]


@contextmanager
def rewritten(
    stage: type[AnyStage], path: str, rewrite: Rewrite, method: str = "", **settings: Any
) -> Iterator[AnyStage]:
    """Set the stage with the answers of every path that begins so rewritten."""

    @contextmanager
    def door(twin: Twin[Any, Any]) -> Iterator[str]:
        def answer(request: Request) -> Answer:
            given = twin.gate.answer(request)
            meant = request.path.startswith(stage.prefix + path) and method in {"", request.method}
            return rewrite(request, given) if meant and isinstance(given, Reply) else given

        server = Server(0, answer, twin.certificates.context())
        server.start()
        try:
            yield f"localhost:{server.port}"
        finally:
            server.stop()

    with stage(door=door, **settings) as opened:
        yield opened


@contextmanager
def altered(stage: type[AnyStage], path: str, change: Change, method: str = "", **settings: Any) -> Iterator[AnyStage]:
    """Set the stage with the JSON of these answers changed in place, or replaced by what `change` returns."""

    def rewrite(request: Request, reply: Reply) -> Reply:
        body = json.loads(reply.body)
        changed = change(body)
        return replace(reply, body=json.dumps(body if changed is None else changed).encode())

    with rewritten(stage, path, rewrite, method, **settings) as opened:
        yield opened


@contextmanager
def answering(stage: type[AnyStage], path: str, reply: Answer, method: str = "", **settings: Any) -> Iterator[AnyStage]:
    """Set the stage with these answers replaced."""
    with rewritten(stage, path, lambda request, given: reply, method, **settings) as opened:
        yield opened
