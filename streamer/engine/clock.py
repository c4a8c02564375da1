"""Ticks: how time comes into a fold. The broker stamps them (`LogAppendTime`); two writers do no harm."""

from __future__ import annotations

from collections.abc import Iterable

from faust.types import TP

from streamer.engine.fold import TICK, Output
from streamer.engine.sending import Sender

HEADERS = (("ce_type", TICK),)


async def send_ticks(sender: Sender, partitions: Iterable[TP]) -> None:
    """One tick to each partition of a log; returns when Kafka has them."""
    await sender.send_plain([Output(tp.topic, "", b"", HEADERS, tp.partition) for tp in partitions])
