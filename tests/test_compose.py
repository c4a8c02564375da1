"""docker-compose.yml: a valid compose file that runs what `make run` runs."""

from __future__ import annotations

import json
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from streamer.cli import COMMANDS
from streamer.local.kafka_jars import KAFKA_VERSION
from streamer.settings import Settings

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The compose specification's own schema, as check-jsonschema carries it."""
    package = find_spec("check_jsonschema")  # its data only: nothing of it is imported
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    loaded: dict[str, Any] = json.loads(file.read_text())
    return loaded


def test_it_follows_the_compose_specification(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.validate(compose, schema)


def test_the_specification_would_refuse_a_misspelt_key(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    broken = compose | {"services": {"kafka": {"imagge": "apache/kafka"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_it_runs_the_same_kafka_as_the_local_one(compose: dict[str, Any]) -> None:
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_it_runs_two_workers_and_one_web_process_on_loopback(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["web"]["ports"] == ["127.0.0.1:8080:8080"]


def test_every_command_in_it_exists(compose: dict[str, Any]) -> None:
    called = [service["command"] for service in compose["services"].values() if "command" in service]
    words = " ".join(" ".join(command) for command in called).split()
    for name, following in pairwise(words):
        if name == "streamer":
            assert following in COMMANDS


def test_every_setting_in_it_exists(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name in service.get("environment", {}):
            if name.startswith("STREAMER_") and name != "STREAMER_SETTINGS":
                section, *rest = name.removeprefix("STREAMER_").lower().split("__")
                field = Settings.model_fields[section]
                for key in rest:
                    assert key in field.annotation.model_fields  # type: ignore[union-attr]


def test_it_waits_for_what_it_names(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", ()):
            name = volume.split(":")[0]
            assert name.startswith(".") or name in compose["volumes"]
