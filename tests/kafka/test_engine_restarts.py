"""A worker that ends, in order or not, and the next one."""

from __future__ import annotations

from tests.kafka.bench import Bench


def orders(count: int, keys: int = 20, start: int = 0) -> list[tuple[str, str]]:
    return [(f"k{number % keys}", str(number)) for number in range(start, start + count)]


async def test_a_killed_worker_is_followed_by_one_that_goes_on_where_it_was(bench: Bench) -> None:
    first = bench.worker()
    await first.ready()
    await bench.send(orders(500))
    await bench.caught_up()
    first.kill()
    await bench.send(orders(500, start=500))
    second = bench.worker()
    await second.ready()
    await bench.caught_up()
    second.kill()
    await bench.check()
    assert sum(total.count for total in (await bench.totals()).values()) == 1000
