"""B5: what a worker holds in memory for its stock rows, without load and under load."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import many_rows, report
from benchmarks.broker import local_broker
from benchmarks.kill import BROKER
from benchmarks.latency import Orders
from benchmarks.running import Shop
from benchmarks.watching import Watch

NAME = "b5_memory"
RATE, LOAD_SECONDS = 200, 20.0
GOAL_MB_PER_MILLION = 500.0


async def run(*, sizes: tuple[int, ...] = (1_000, 100_000, 1_000_000)) -> dict[str, Any]:
    """Measures, prints and saves; the first size is what a worker needs without rows."""
    measured = {rows: await _one(rows) for rows in sizes}
    least = measured[sizes[0]]
    per_million = {
        str(rows): round((found["under_load_mb"] - least["under_load_mb"]) / (rows - sizes[0]) * 1e6)
        for rows, found in measured.items()
        if rows > sizes[0]
    }
    goals = {
        f"at most {GOAL_MB_PER_MILLION:.0f} MB per million rows": per_million[str(sizes[-1])] <= GOAL_MB_PER_MILLION
    }
    result = {
        "row_bytes": len(many_rows.row_value()),
        "resident": {str(rows): found for rows, found in measured.items()},
        "mb_per_million_rows": per_million,
        "goals": goals,
    }
    report.show(
        f"B5 memory: resident MB of a worker, rows of {len(many_rows.row_value())} bytes",
        ["rows", "recovered", f"after {LOAD_SECONDS:.0f} s at {RATE} orders/s", "per million rows"],
        [
            [f"{rows:,}", found["recovered_mb"], found["under_load_mb"], per_million.get(str(rows), "")]
            for rows, found in measured.items()
        ],
        [f"goal {goal}: {'met' if met else 'NOT met'}" for goal, met in goals.items()],
    )
    report.save(NAME, result)
    return result


async def _one(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="streamer-bench-") as folder:
        async with local_broker(BROKER) as broker:
            product = Shop(broker, Path(folder))
            await product.prepare()
            await many_rows.seed(product, rows)
            worker = product.start()
            orders = Orders(broker.bootstrap)
            try:
                await product.ready(worker)
                await asyncio.sleep(1)
                recovered = worker.resident_mb()
                await orders.start()
                async with Watch(broker.bootstrap, ["orders", "order-status"], orders.seen) as watch:
                    await orders.all_told(await orders.send(RATE, LOAD_SECONDS), watch)
                worker.check()
                return {"recovered_mb": round(recovered), "under_load_mb": round(worker.resident_mb())}
            finally:
                await orders.stop()
                worker.stop()
