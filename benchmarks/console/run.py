"""Pages of the console with 100,000 orders and 100,000 SKUs: time to the first byte, time to the last, and bytes."""

from __future__ import annotations

import asyncio
import http.client
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from benchmarks.console.full import NOW, fill, stock_key
from streamer.local.kafka import LocalKafka
from streamer.web.app import WebProcess
from streamer.web.config import WebConfig
from streamer.web.console.projections import TOPICS
from streamer.web.rights import Role
from streamer.web.sessions import Sessions
from streamer.web.users import load_users

NAME = "console"
USER = "anna"
GOAL_FIRST_MS, GOAL_PAGE_MS, GOAL_BYTES = 100.0, 300.0, 100_000


class Took(NamedTuple):
    """One request, in milliseconds and bytes."""

    first_ms: float
    page_ms: float
    cpu_ms: float  # of the process: all but nothing of it is the client's
    size: int


def pages(orders: int, skus: int) -> dict[str, str]:
    """What people open, by what they want."""
    middle = orders // 2
    return {
        "today": "/",
        "orders": "/orders",
        "orders, waitlisted": "/orders?decision=waitlisted",
        "orders of one SKU": f"/orders?sku=PART-{skus // 3:06d}",
        "orders by number": "/orders?sort=number",
        "one order": f"/orders/shop/{middle}",
        "stock": "/stock",
        "stock, short": "/stock?state=shortage",
        "stock, least available": "/stock?sort=available",
        "one SKU": f"/stock/{stock_key(skus // 4 - skus // 4 % 25)}",
        "reorders": "/reorders",
        "purchase orders": "/purchase-orders",
        "late purchase orders": f"/purchase-orders?late={NOW.date().isoformat()}",
        "errors": "/errors",
        "dead letters of a reason": "/errors/group?reason=line_items.3.sku%3A+is+missing",
        "accounts": "/accounts",
        "search, one order": f"/search?q=%23{middle}",
        "search, a common word": "/search?q=brake",
    }


async def run(*, orders: int = 100_000, skus: int = 100_000, repeats: int = 30) -> dict[str, Any]:
    """Measures, prints and saves."""
    with tempfile.TemporaryDirectory(prefix="streamer-bench-") as folder:
        data_dir = Path(folder) / "web"
        with LocalKafka(Path(folder) / "kafka", heap_mb=256) as kafka:
            config = WebConfig(kafka.bootstrap, data_dir, port=0, users={USER: (Role.MANAGER, Role.OPERATOR)})
            sources = {config.changelog(fold): fold for fold in config.folds} | {topic: topic for topic in TOPICS}
            filled = await asyncio.to_thread(fill, data_dir, sources, orders=orders, skus=skus)
            with _serving(config) as web:
                wanted = pages(orders, skus)
                sessions = Sessions(data_dir, config.session_hours)
                session = sessions.begin(USER)
                sessions.close()
                taken = await asyncio.to_thread(_take, web.port, session, wanted, repeats)
        size_mb = sum(file.stat().st_size for file in data_dir.glob("console.sqlite*")) / 1e6
    measured = {name: _summary(times) for name, times in taken.items()}
    goals = {
        f"first byte within {GOAL_FIRST_MS:.0f} ms": all(
            one["first_ms"]["p95"] <= GOAL_FIRST_MS for one in measured.values()
        ),
        f"page within {GOAL_PAGE_MS:.0f} ms": all(one["page_ms"]["p95"] <= GOAL_PAGE_MS for one in measured.values()),
        f"page at most {GOAL_BYTES // 1000} kB": all(one["bytes"] <= GOAL_BYTES for one in measured.values()),
    }
    resident_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    result = {
        "orders": orders,
        "skus": skus,
        "requests": repeats,
        "filled": filled,
        "read_model_mb": round(size_mb),
        "resident_mb": round(resident_mb),
        "pages": measured,
        "goals": goals,
    }
    report.show(
        f"Console: {orders:,} orders, {skus:,} SKUs; milliseconds",
        ["page", "first byte p50", "p95", "whole page p50", "p95", "CPU p50", "kB"],
        [
            [
                name,
                *(f"{one[part][rank]:.1f}" for part in ("first_ms", "page_ms") for rank in ("p50", "p95")),
                f"{one['cpu_ms']['p50']:.1f}",
                f"{one['bytes'] / 1000:.1f}",
            ]
            for name, one in measured.items()
        ],
        [
            f"the read model: {size_mb:,.0f} MB, {filled['records']:,.0f} records in {filled['seconds']:.0f} s",
            *(f"goal {goal}: {'met' if met else 'NOT met'}" for goal, met in goals.items()),
        ],
    )
    report.save(NAME, result)
    return result


@contextmanager
def _serving(config: WebConfig) -> Iterator[WebProcess]:
    """The web process on a loop and a thread of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    web = WebProcess(config, load_users(config.data_dir, config.users)[0])
    end = asyncio.Event()

    async def serve() -> None:
        async with web:
            ready.set()
            await end.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    if not ready.wait(60):
        raise RuntimeError("the web process did not come up")
    try:
        yield web
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(30)
        loop.close()


def _take(port: int, session: str, wanted: Mapping[str, str], repeats: int) -> dict[str, list[Took]]:
    """Each page in turn, again and again; the first round warms up and does not count. Raises RuntimeError."""
    taken: dict[str, list[Took]] = {name: [] for name in wanted}
    for turn in range(repeats + 1):
        for name, path in wanted.items():
            took = _get(port, session, path)
            if turn:
                taken[name].append(took)
    return taken


def _get(port: int, session: str, path: str) -> Took:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.connect()
        begun, cpu = time.perf_counter(), time.process_time()
        connection.request("GET", path, headers={"Cookie": f"streamer_session={session}", "Accept": "text/html"})
        answer = connection.getresponse()
        first = time.perf_counter()
        body = answer.read()
        done, cpu = time.perf_counter(), time.process_time() - cpu
    finally:
        connection.close()
    if answer.status != 200 or b"</html>" not in body:
        raise RuntimeError(f"{path}: {answer.status}")
    return Took((first - begun) * 1000, (done - begun) * 1000, cpu * 1000, len(body))


def _summary(times: list[Took]) -> dict[str, Any]:
    def ranks(values: list[float]) -> dict[str, float]:
        return {"p50": round(statistics.median(values), 1), "p95": round(sorted(values)[int(len(values) * 0.95)], 1)}

    return {
        "first_ms": ranks([one.first_ms for one in times]),
        "page_ms": ranks([one.page_ms for one in times]),
        "cpu_ms": ranks([one.cpu_ms for one in times]),
        "bytes": max(one.size for one in times),
    }
