"""`streamer up` as a newcomer meets it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from streamer.local.kafka import free_port
from tests.story.product import ROOT
from tests.web.running import Person

pytestmark = pytest.mark.timeout(300)

PORTS = ("8080", "8090", "8091", "8092", "8025", "8143")  # of the example settings


def environ_of(folder: Path, *, taken: int | None = None) -> tuple[dict[str, str], str]:
    """The example on free ports (or the console on one that is taken), and the console's address."""
    text = (ROOT / "streamer.example.toml").read_text()
    web = taken or free_port()
    for port in PORTS:
        text = re.sub(rf"\b{port}\b", str(web if port == "8080" else free_port()), text)
    (folder / "streamer.toml").write_text(text)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMER_")}
    return clean | {
        "PYTHONPATH": str(ROOT),
        "STREAMER_SETTINGS": str(folder / "streamer.toml"),
        "STREAMER_DATA_DIR": str(folder / "var"),
    }, f"http://127.0.0.1:{web}"


@asynccontextmanager
async def up(environ: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streamer", "up"),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def said_until(process: asyncio.subprocess.Process, word: str) -> str:
    """Everything up to and with the line that holds the word."""
    assert process.stdout is not None
    said = ""
    while word not in said:
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        assert line, f"it ended before it said {word}:\n{said}"
        said += line.decode()
    return said


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that were started for this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            of_folder = str(folder).encode() in (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if of_folder and state != "Z":
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


async def test_a_newcomer_sees_what_happens_logs_in_finds_a_shop_at_work_and_ctrl_c_leaves_nothing(
    tmp_path: Path,
) -> None:
    environ, url = environ_of(tmp_path)
    async with up(environ) as process:
        said = await said_until(process, "Ready after")
        assert "Failed" not in said
        assert "Error" not in said
        for step in ("Kafka: ", "Supplier to try with", "Topics: ", "Settings: revision 1", url):
            assert step in said
        login = re.search(r"First login to the console: (\S+) / (\S+)", said)
        assert login is not None
        async with Person(url) as person:
            assert await person.log_in(login[1], login[2]) == 200
            deadline = time.monotonic() + 60
            while "BRK-PAD-F22" not in person.page:  # the feed's first order comes after its levels
                assert time.monotonic() < deadline, "nothing to be seen of the feed"
                await asyncio.sleep(0.5)
                await person.get("/stock")
        process.send_signal(signal.SIGINT)
        rest = await said_until(process, "Stopped.")
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert "again" not in rest
    assert processes_of(tmp_path) == []
    assert '"critical"' not in (tmp_path / "var" / "log" / "worker-1.log").read_text()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)


async def test_a_port_that_another_program_has_is_named_at_once(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        environ, _ = environ_of(tmp_path, taken=other.getsockname()[1])
        async with up(environ) as process:
            said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 78
    assert f"streamer: web.port: 127.0.0.1:{other_port(environ)} is taken" in said.decode()
    assert not (tmp_path / "var" / "kafka").exists()


def other_port(environ: dict[str, str]) -> str:
    found = re.search(r"^port = (\d+)", Path(environ["STREAMER_SETTINGS"]).read_text(), re.MULTILINE)
    assert found is not None
    return found[1]
