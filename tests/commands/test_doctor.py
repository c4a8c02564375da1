"""`streamer doctor`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from streamer.commands.doctor import kafka_version, port, python_version


def test_a_machine_that_is_ready_is_told_so(
    kafka_bootstrap: str, settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    settings_file(kafka_bootstrap, app_id="healthy")
    assert streamer("topics", "--create").exit_code == 0
    done = streamer("doctor")
    assert done.exit_code == 0, done.stdout
    assert "wrong" not in done.stdout
    assert "version 4 or later" in done.stdout
    assert "all as declared" in done.stdout


def test_missing_topics_are_wrong_and_say_what_helps(
    kafka_bootstrap: str, settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    settings_file(kafka_bootstrap, app_id="unmade")
    done = streamer("doctor")
    assert done.exit_code == 1
    assert "unmade-orders-changelog is missing" in done.stdout


def test_settings_that_cannot_be_read_are_shown_with_their_name(
    settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    path = settings_file()
    path.write_text(path.read_text().replace("[kafka]", '[kafka]\npartitions = "many"'))
    done = streamer("doctor")
    assert done.exit_code == 1
    assert "kafka.partitions" in done.stdout


def test_a_local_kafka_that_does_not_run_is_only_a_note(
    settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    settings_file()
    done = streamer("doctor")
    assert done.exit_code == 0
    assert "`streamer up` starts it" in done.stdout


def test_a_broker_that_does_not_answer_is_wrong(
    settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    settings_file("127.0.0.1:1")
    done = streamer("doctor")
    assert done.exit_code == 1
    assert "Is kafka.bootstrap_servers right" in done.stdout


def test_a_taken_port_is_noted() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        assert port("127.0.0.1", number).state == "note"
    assert port("127.0.0.1", number).state == "fine"


@pytest.mark.parametrize(
    ("protocol", "state"),
    [(None, "fine"), ("3.9-IV0", "fine"), ("3.6-IV2", "fine"), ("3.5-IV2", "wrong"), ("2.8-IV1", "wrong")],
)
def test_a_kafka_older_than_3_6_is_refused(protocol: str | None, state: str) -> None:
    assert kafka_version("broker:9092", protocol).state == state


@pytest.mark.parametrize(("version", "state"), [((3, 11, 4), "fine"), ((3, 12, 0), "wrong")])
def test_only_python_3_11_will_do(version: tuple[int, int, int], state: str) -> None:
    assert python_version(version).state == state
