"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("faust-streaming", "aiokafka", "pydantic", "msgspec", "orjson", "uvloop")


def facts() -> dict[str, str]:
    """Processor, memory, versions; no name of the machine."""
    cpu = memory = "unknown"
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal"):
            memory = f"{int(line.split()[1]) / 1e6:.0f} GB"
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": cpu,
        "cores": str(os.cpu_count()),
        "memory": memory,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_at_start": f"{os.getloadavg()[0]:.1f}",
        **{library: _version(library) for library in LIBRARIES},
    }


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"
