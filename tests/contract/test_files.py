"""`schemas/` is rendered, never edited; examples hold; nobody publishes a change that breaks a reader."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import orjson
import pytest
import yaml

from streamer.contract import files
from streamer.contract.files import incompatible, outdated, write
from streamer.contract.schemas import schema_of
from streamer.errors import Refused
from streamer.messages.registry import MESSAGES, TOPICS
from streamer.topics import Example, declarations

SCHEMAS = Path(__file__).parents[2] / "schemas"
EXAMPLES = [(one.name, example) for one in declarations() for example in one.examples if example.type]


def test_the_rendered_contract_is_current() -> None:
    assert outdated(SCHEMAS) == [], "run `make schemas`"


def test_everything_that_was_published_can_still_be_read() -> None:
    assert incompatible(SCHEMAS) == []


@pytest.mark.parametrize(("topic", "example"), EXAMPLES, ids=[f"{topic}-{example.type}" for topic, example in EXAMPLES])
def test_the_examples_of_a_topic_are_messages_of_it(topic: str, example: Example) -> None:
    message = MESSAGES[str(example.type)]
    read = message.from_json(example.value)
    jsonschema.validate(orjson.loads(example.value), schema_of(message))
    jsonschema.validate(orjson.loads(read.to_json()), schema_of(message))
    if topic == "settings":
        return
    assert (topic, example.key) in [tuple(place) for place in read.places()] or message is MESSAGES["settings-applied"]


def test_topics_carry_what_the_registry_says() -> None:
    declared = {one.name: set(one.carries) for one in declarations() if one.carries}
    assert declared == {topic: {message.ce_type for message in carried} for topic, carried in TOPICS.items()}


def test_the_asyncapi_document_names_every_public_topic_and_message() -> None:
    document = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text(encoding="utf-8"))
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {one.name for one in declarations() if one.kind != "changelog"}
    assert document["components"]["messages"].keys() == MESSAGES.keys()
    for channel in document["channels"].values():
        for reference in channel["messages"].values():
            assert reference["$ref"].rsplit("/", 1)[1] in MESSAGES


def test_a_breaking_change_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, published=True)
    rendered = files.current()
    schema = orjson.loads(rendered["item.json"])
    schema["required"].append("brand")
    monkeypatch.setattr(files, "schema_of", lambda message: schema if message.ce_type == "item" else schema_of(message))
    with pytest.raises(Refused, match=r"item .*brand: is required now"):
        write(tmp_path, published=True)


def test_a_harmless_change_keeps_the_version_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, published=True)
    schema = orjson.loads(files.current()["item.json"])
    schema["properties"]["colour"] = {"type": "string"}
    monkeypatch.setattr(files, "schema_of", lambda message: schema if message.ce_type == "item" else schema_of(message))
    assert write(tmp_path, published=True) == ["item.json"]
    assert (tmp_path / "history" / "item.1.json").exists()
    assert incompatible(tmp_path) == []
