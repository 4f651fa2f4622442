"""A wallet as it must not be: what was not answered is signed anew, with the nonce that the chain names next."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from domain.chain import Sight, Watch
from domain.errors import OutcomeUnknown
from venues.evm.keyed import KeyedWallet
from venues.evm.rpc import quantity
from venues.evm.transactions import fields_of

KEPT = ("chainId", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data")


class Naive(KeyedWallet):
    """Sends as libraries do: an error is no answer, so it is asked for again."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._unanswered = ""

    def broadcast(self, raw: str) -> None:
        try:
            super().broadcast(raw)
        except OutcomeUnknown:
            self._unanswered = raw
            raise

    def sight(self, watch: Watch) -> Sight:
        raw, self._unanswered = self._unanswered, ""
        if raw:
            self._anew(raw)
        return super().sight(watch)

    def _anew(self, raw: str) -> None:
        fields = fields_of(raw)
        nonce = quantity(self.rpc.call("eth_getTransactionCount", self.address, "latest"))
        if nonce == fields["nonce"]:
            self._unanswered = raw
            return
        anew = {name: fields[name] for name in KEPT} | {"type": 2, "nonce": nonce}
        with suppress(OutcomeUnknown):
            self.broadcast(self._writer.signer.sign(anew).raw)
