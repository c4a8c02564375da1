"""What must be true of this installation before a worker begins; each failure is one sentence."""

from __future__ import annotations

import importlib
import time
from importlib.metadata import version

from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.consumer import Consumer

from streamer.engine.transport import Producer
from streamer.errors import Misconfigured

TRIED = {"faust-streaming": ("0.15.3",), "aiokafka": ("0.14.0",)}
"""The engine stands on private parts of both, so it runs on releases that its tests have run on."""

# Without them Faust acknowledges what it skips after a rebalance, and a commit can pass it (faust/streams.py).
EXTENSIONS = ("faust._cython.streams", "faust.transport._cython.conductor")
PRIVATE_PARTS = (
    (GroupCoordinator, "_send_req"),
    (PartitionRecords, "_consumer_record"),
    (FetchResult, "getall"),
    (Consumer, "_new_offset"),
    (Consumer, "_add_gap"),
    (Consumer, "_drain_messages"),
    (Consumer, "_wait_next_records"),
)
OLDEST_CLOCK_SECONDS = 1_735_689_600  # 2025: a clock before that was never set


def check_installation(*, installed: dict[str, str] | None = None, now_seconds: float | None = None) -> None:
    """Refuses to begin on an installation that was never tried.

    Raises:
        Misconfigured: what is wrong, in one sentence. `installed` and `now_seconds` are for tests.
    """
    for package, tried in TRIED.items():
        found = (installed or {}).get(package) or version(package)
        if found not in tried:
            raise Misconfigured(package, f"version {found} is installed, the engine was tried on {', '.join(tried)}")
    for extension in EXTENSIONS:
        try:
            importlib.import_module(extension)
        except ImportError as error:
            raise Misconfigured("faust-streaming", f"its compiled part {extension} is missing: {error}") from error
    for owner, name in PRIVATE_PARTS:
        if not hasattr(owner, name):
            raise Misconfigured(
                owner.__module__, f"{owner.__name__} has no {name} any more, which the engine overrides"
            )
    if not Producer._settings_extra(Producer.__new__(Producer)).get("enable_idempotence"):
        raise Misconfigured("producer", "it is not idempotent")
    if (time.time() if now_seconds is None else now_seconds) < OLDEST_CLOCK_SECONDS:
        raise Misconfigured("clock", "this machine's clock was never set")
