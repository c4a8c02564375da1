"""A bench of its own for each test of the engine with a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.kafka.bench import Bench


@pytest.fixture
async def bench(kafka_bootstrap: str, topic_name: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(kafka_bootstrap, tmp_path, topic_name, partitions=2)
    await bench.make_topics()
    try:
        yield bench
    finally:
        bench.end_all()
