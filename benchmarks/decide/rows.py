"""A fold's view of its rows for contenders without the product's engine: a dictionary, and sources as the engine has.

What a sender had acknowledged before it sent again is dropped before it is decided, as the engine does; so all give
the same decisions. Rows stay decoded where the contender has no store of its own, which favours the peers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamer.domain import stock
from streamer.domain.view import SETTINGS_KEY
from streamer.pipeline.message_fold import MessageFold


class PeerRows:
    """`changed` holds the keys that the last event edited or made."""

    def __init__(self, partition: int, stored: dict[str, bytes]) -> None:
        self.partition = partition
        self.now_ms = 0
        self.source: tuple[str, int] | None = None
        self.changed: dict[str, None] = {}
        self.decoded: dict[str, Any] = {}
        self._stored = stored
        self._passed: dict[str, int] = {}

    def read(self, key: str) -> Any:
        row = self.decoded.get(key)
        if row is None:
            value = self._stored.get(key)
            if value is None:
                return None
            row = self.decoded[key] = stock.read_row(key, value)
        return row

    def edit(self, key: str) -> Any:
        row = self.read(key)
        if row is not None:
            self.changed[key] = None
        return row

    def put(self, key: str, row: Any) -> None:
        self.decoded[key] = row
        self.changed[key] = None

    def delete(self, key: str) -> None:
        raise NotImplementedError("nothing in this workload deletes a row")

    def passed(self, source: str, offset: int) -> bool:
        return self._passed.get(source, -1) >= offset

    def begin(self, timestamp_ms: int, headers: Sequence[tuple[str, bytes]]) -> bool:
        """Before an event is folded; False if its sender has sent it before."""
        self.now_ms = timestamp_ms
        self.changed.clear()
        self.source = None
        source = sender_w = None
        for name, value in headers:
            if name == "src":
                source = value
            elif name == "srcw":
                sender_w = value
        if source is not None and sender_w is not None:
            place, _, number = source.decode().rpartition(":")
            offset, w = int(number), int(sender_w)
            passed = self._passed.get(place, -1)
            if offset <= passed:
                return False
            if w > passed:
                self._passed[place] = w
            self.source = (place, offset)
        return True


def stock_fold() -> MessageFold[Any]:
    """The product's own fold, validation and messages."""
    return MessageFold(stock, topic="stock", topic_id="log", on_settings=lambda _applied: None)


__all__ = ["SETTINGS_KEY", "PeerRows", "stock_fold"]
