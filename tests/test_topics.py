"""The topics: what is declared fits the messages, and what is in Kafka fits what is declared."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streamer import topics
from streamer.messages.base import PERSONAL
from streamer.messages.registry import MESSAGES, TOPICS
from streamer.settings import Kafka
from streamer.topics import Declaration, Example, Topic, changelog, check, create_missing, declarations, expected

EXAMPLES = [(declared, example) for declared in declarations() for example in declared.examples]


@pytest.fixture
async def admin(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await client.start()
    yield client
    await client.close()


def renamed(topic: Topic, prefix: str) -> Topic:
    return Topic(f"{prefix}.{topic.name}", topic.partitions, 1, topic.configs, topic.declaration)


def test_every_message_is_declared_on_the_topics_that_carry_it() -> None:
    declared = {topic.name: set(topic.carries) for topic in declarations() if topic.carries}
    assert declared == {name: {message.ce_type for message in carried} for name, carried in TOPICS.items()}


@pytest.mark.parametrize(("declared", "example"), EXAMPLES, ids=[f"{d.name}:{e.type or e.key}" for d, e in EXAMPLES])
def test_every_example_is_a_valid_message_under_its_own_key(declared: Declaration, example: Example) -> None:
    if example.type is None:
        assert declared.carries == ()
        return
    assert example.type in declared.carries
    message = MESSAGES[example.type].from_json(example.value)
    places = message.places()
    if not places:  # the writer chooses: settings are told to every partition
        return
    assert (declared.name, example.key) in places


def test_every_fold_has_a_log_of_dense_offsets_stamped_by_the_broker() -> None:
    by_name = {declared.name: declared for declared in declarations()}
    for log in topics.FOLDS.values():
        assert by_name[log].kind == "log"
        assert (by_name[log].policy, by_name[log].timestamps, by_name[log].partitions) == (
            "delete",
            "LogAppendTime",
            "logs",
        )
    assert {declared.name for declared in declarations() if declared.kind == "log"} == set(topics.FOLDS.values())


def test_a_changelog_takes_a_whole_chunk_and_waits_a_week_before_it_forgets() -> None:
    rows = next(declared for declared in declarations() if declared.kind == "changelog")
    assert rows.max_message_bytes > 1024 * 1024
    assert rows.configs()["min.compaction.lag.ms"] == rows.configs()["delete.retention.ms"] == "604800000"


def test_a_dead_letter_fits_whatever_its_source_may_hold() -> None:
    sizes = {declared.name: declared.max_message_bytes for declared in declarations()}
    headers = 64 * 1024
    assert sizes.pop("dead-letters") >= max(sizes.values()) + headers


def test_topics_that_carry_ids_only_carry_no_message_with_personal_fields() -> None:
    mark = next(iter(PERSONAL))
    for declared in declarations():
        for ce_type in declared.carries:
            schema = str(MESSAGES[ce_type].model_json_schema())
            assert declared.personal or mark not in schema, f"{ce_type} on {declared.name}"


def test_names_follow_the_app_id_and_the_platforms_in_use() -> None:
    names = {topic.name for topic in expected(Kafka(app_id="shop"), ["shopify", "email", "shopify"])}
    assert {"raw.shopify", "raw.email", "shop-stock-changelog", "shop-dispatch-changelog", "orders"} <= names
    assert changelog("shop", "stock") in names
    assert not [name for name in names if "{" in name]


async def test_what_is_missing_is_created_once_and_then_found_as_declared(admin: AIOKafkaAdminClient) -> None:
    prefix = "created"
    wanted = [renamed(topic, prefix) for topic in expected(Kafka(partitions=2), ["email"])]
    missing = await check(admin, wanted)
    assert len(missing) == len(wanted)
    assert all("is missing" in sentence for sentence in missing)
    assert await create_missing(admin, wanted) == [topic.name for topic in wanted]
    assert await create_missing(admin, wanted) == []
    assert await check(admin, wanted) == []


async def test_a_topic_made_by_hand_is_told_apart_in_sentences(admin: AIOKafkaAdminClient) -> None:
    log = next(renamed(topic, "by-hand") for topic in expected(Kafka(), []) if topic.name == "stock")
    by_hand = Topic(log.name, 3, 1, {"cleanup.policy": "compact"}, log.declaration)
    await create_missing(admin, [by_hand])
    found = await check(admin, [log])
    assert len(found) == 4
    assert "has 3 partitions, declared are 4" in found[0]
    assert "cleanup.policy=compact, declared is delete" in found[1]
    assert "message.timestamp.type=CreateTime, declared is LogAppendTime" in found[2]
    assert "max.message.bytes" in found[3]
