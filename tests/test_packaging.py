"""What is built from this checkout works without it."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from streamer.topics import declarations

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)],
        check=True,
        timeout=110,
    )
    (wheel,) = folder.glob("streamer-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_a_wheel_brings_topics_and_schemas_and_the_hashes_of_kafka(unpacked_wheel: Path) -> None:
    code = """
import streamer
from streamer.local.kafka_jars import published_hashes
from streamer.topics import declarations, folder
print(streamer.__file__)
print(len(declarations()), len(published_hashes()), len(list(folder("schemas").iterdir())))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=unpacked_wheel,
        env={"PYTHONPATH": str(unpacked_wheel)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    place, counts = done.stdout.splitlines()
    assert place.startswith(str(unpacked_wheel))
    topics, jars, schemas = map(int, counts.split())
    assert topics == len(declarations())
    assert jars > 40
    assert schemas > 20


def test_the_lock_pins_everything_by_hash_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)==[^ ]+(?: ; [^\\]+)? \\\n    --hash=sha256:", lock, re.MULTILINE)
    named = re.findall(r"^([a-z0-9][^=\s]*)", lock, re.MULTILINE | re.IGNORECASE)
    assert named
    assert pinned == named
    assert "://" not in lock
    assert "--index-url" not in lock
