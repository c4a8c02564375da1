"""`python -m benchmarks [name ...]`: runs one, some or all measurements, prints their tables and keeps them as JSON."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import chain, decision, kill, latency, memory
from benchmarks.console import run as console
from benchmarks.decide import run as decide
from benchmarks.decide.check import Wrong
from benchmarks.normalising import run as normalise
from benchmarks.processes import PEERS_PYTHON

HERE = Path(__file__).parent


class Measurement(NamedTuple):
    about: str
    run: Callable[[], Awaitable[dict[str, Any]]]
    quick: Callable[[], Awaitable[dict[str, Any]]]


MEASUREMENTS: dict[str, Measurement] = {
    "decision": Measurement("the stock decision alone, and the size of a row", decision.run, decision.run),
    "normalise": Measurement(
        "B1: raw records to canonical events", normalise.run, lambda: normalise.run(records=10_000, repeats=1)
    ),
    "decide": Measurement(
        "B2: order lines against stock rows, beside peers",
        decide.run,
        lambda: decide.run(lines=40_000, repeats=1, names=("product", "aiokafka")),
    ),
    "latency": Measurement(
        "B3: from a raw order's due time to its decision", latency.run, lambda: latency.run(rates=(100,), seconds=10)
    ),
    "kill": Measurement(
        "B4: a million rows, kill -9, first decision after the restart", kill.run, lambda: kill.run(rows=20_000)
    ),
    "memory": Measurement(
        "B5: memory for stock rows", memory.run, lambda: memory.run(sizes=(1_000, 50_000))
    ),
    "chain": Measurement(
        "B7: raw orders of three lines to their status", chain.run, lambda: chain.run(orders=2_000, repeats=1)
    ),
    "console": Measurement(
        "pages of the console with 100,000 orders and SKUs", console.run,
        lambda: console.run(orders=2_000, skus=2_000, repeats=3),
    ),
}  # fmt: skip


def main() -> int:
    """Runs what was asked for. 1 where a contender was wrong or ended; a goal that is not met is no failure."""
    listing = "\n".join(f"  {name:<10} {one.about}" for name, one in MEASUREMENTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measurements of the product, with peers beside it:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="which ones; all without a name")
    parser.add_argument("--quick", action="store_true", help="small runs that show whether everything works")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.name if name not in MEASUREMENTS]:
        parser.error(f"no measurement is called {unknown[0]}")
    failed = []
    for name in chosen.name or MEASUREMENTS:
        if name == "decide" and not chosen.quick:
            install_peers()
        print(f"\n{name}: {MEASUREMENTS[name].about}", flush=True)
        one = MEASUREMENTS[name]
        try:
            asyncio.run(_run(one.quick if chosen.quick else one.run))
        except (Wrong, RuntimeError, TimeoutError):
            traceback.print_exc()
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


async def _run(measure: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    return await measure()


def install_peers() -> None:
    """Peers pin older libraries, so they have an environment of their own; made once, and anew for another lock."""
    lock, made = HERE / "requirements.lock", PEERS_PYTHON.parents[1] / "made-of"
    if made.exists() and made.read_bytes() == lock.read_bytes():
        return
    print("the peers' own environment is made (once) ...", flush=True)
    folder = PEERS_PYTHON.parents[1]
    if folder.exists():
        shutil.rmtree(folder)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(lock)],
    ):
        subprocess.run(command, check=True)
    shutil.copy(lock, made)


if __name__ == "__main__":
    sys.exit(main())
