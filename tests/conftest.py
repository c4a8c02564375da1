"""What every test may use: one real broker for the whole run, and topic names that nobody else has."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streamer.local.kafka import LocalKafka

GIVEN_BROKER = "STREAMER_TEST_KAFKA"


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Holds a file lock for a `with` block."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a real Kafka: the one that STREAMER_TEST_KAFKA names, else a local one for this run.

    The processes of pytest-xdist share it. Whoever asks first starts it and, at its end, waits for the others: each
    user holds a shared lock for as long as it lives, so that a killed one is not waited for.
    """
    if given := os.environ.get(GIVEN_BROKER):
        yield given
        return
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    broker: LocalKafka | None = None
    address = shared / "kafka.address"
    with (shared / "kafka.users").open("w") as users:
        with exclusively(shared / "kafka.start"):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not address.exists():
                broker = LocalKafka(shared / f"kafka-{os.getpid()}")
                broker.start()
                address.write_text(broker.bootstrap)
        try:
            yield address.read_text() if broker is None else broker.bootstrap
        finally:
            if broker is not None:
                with exclusively(shared / "kafka.start"):
                    address.unlink()  # who asks from now on starts another one
                fcntl.flock(users, fcntl.LOCK_EX)
                broker.stop()


@pytest.fixture
def topic_name(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Names for topics and groups that no other test, process or earlier run on the same broker uses."""
    test = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[:80]
    numbers = itertools.count(1)
    run = f"{os.getpid():x}-{os.urandom(3).hex()}"

    def unique(word: str = "topic") -> str:
        return f"{word}.{test}.{run}.{next(numbers)}"

    return unique
