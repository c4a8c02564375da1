"""A key belongs to the partition that Kafka's default partitioner gives it."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2 as of_the_client  # type: ignore[import-untyped, unused-ignore]
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.partitions import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_that_of_the_java_client(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed % 2**32


@given(st.binary(max_size=64))
def test_the_hash_is_that_of_our_producer(key: bytes) -> None:
    assert murmur2(key) == of_the_client(key) & 0xFFFFFFFF


@given(st.text(max_size=30), st.integers(1, 64))
def test_every_key_has_one_partition(key: str, count: int) -> None:
    assert partition_of(key, count) == (of_the_client(key.encode()) & 0x7FFFFFFF) % count
