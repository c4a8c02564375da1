"""The partition that Kafka's default partitioner gives a key: murmur2 of its bytes (the Java client's `Utils`)."""

from __future__ import annotations

from functools import lru_cache

_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_MASK = 0xFFFFFFFF


@lru_cache(maxsize=4096)
def partition_of(key: str, count: int) -> int:
    """The partition of a record with this key in a topic of `count` partitions."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """MurmurHash2 (32 bits, unsigned) with Kafka's seed."""
    value = (_SEED ^ len(data)) & _MASK
    whole = len(data) & ~3
    for index in range(0, whole, 4):
        word = int.from_bytes(data[index : index + 4], "little")
        value = ((value * _FACTOR) & _MASK) ^ _mixed(word)
    rest = data[whole:]
    if rest:
        value = ((value ^ int.from_bytes(rest, "little")) * _FACTOR) & _MASK
    value ^= value >> 13
    value = (value * _FACTOR) & _MASK
    return value ^ (value >> 15)


def _mixed(word: int) -> int:
    word = (word * _FACTOR) & _MASK
    word ^= word >> 24
    return (word * _FACTOR) & _MASK
