"""What must not run says why, in one sentence that names the setting, and does not run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.story.day import Day

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(400)]

CONFIGURATION = 78  # EX_CONFIG of sysexits.h


async def refused(day: Day, *, changes: dict[str, str] | None = None, **environ: str) -> str:
    """What a second worker says that is started with other settings and refuses to run."""
    file = day.product.folder / "other.toml"
    text = (day.product.folder / "streamer.toml").read_text()
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    code, said = await day.product.run(
        "worker", "--name", "second", "--view-port", "0", environ={"STREAMER_SETTINGS": str(file), **environ}
    )
    assert code == CONFIGURATION, said
    [sentence] = [line for line in said.splitlines() if line.startswith("streamer:")]
    return sentence


async def test_a_missing_setting_is_named(day: Day) -> None:
    assert "company.currency" in await refused(day, changes={'currency = "USD"\ntime_zone': "time_zone"})


async def test_a_missing_secret_is_named_with_the_variable_that_would_hold_it(day: Day) -> None:
    environ = {name: text for name, text in day.product.environ.items() if name != "STREAMER_BRAKE_DEPOT_TOKEN"}
    day.product.environ, whole = environ, day.product.environ
    try:
        assert "STREAMER_BRAKE_DEPOT_TOKEN" in await refused(day)
    finally:
        day.product.environ = whole


async def test_settings_that_contradict_each_other_are_named(day: Day) -> None:
    said = await refused(day, changes={'account = "brake-depot"': 'account = "no-such-account"'})
    assert "suppliers.BD.account" in said


async def test_two_accounts_may_not_have_authority_over_one_shelf(day: Day) -> None:
    file = day.product.folder / "two.toml"
    text = (day.product.folder / "streamer.toml").read_text()
    file.write_text(text.replace("[accounts.brake-depot]", '[accounts.brake-depot]\nauthority = ["NORTHGATE"]'))
    code, said = await day.product.run("apply", environ={"STREAMER_SETTINGS": str(file)})
    assert code == CONFIGURATION
    assert "authority: NORTHGATE already belongs to accounts." in said


async def test_a_worker_whose_settings_are_not_those_last_applied_does_not_run(day: Day) -> None:
    said = await refused(day, changes={"reorder_point = 6": "reorder_point = 7"})
    assert "are not those last applied (revision 1" in said
    assert "streamer apply" in said


async def test_other_partitions_than_declared_are_refused_in_one_sentence(day: Day) -> None:
    said = await refused(day, STREAMER_KAFKA__PARTITIONS="5")
    assert "has 4 partitions, declared are 5" in said


async def test_another_policy_than_declared_is_refused_in_one_sentence(day: Day) -> None:
    async with other_policy(day, "stock", "compact"):
        said = await refused(day)
    assert said == "streamer: topics: The topic stock has cleanup.policy=compact, declared is delete."


@asynccontextmanager
async def other_policy(day: Day, topic: str, policy: str) -> AsyncIterator[None]:
    admin = AIOKafkaAdminClient(bootstrap_servers=day.product.kafka.bootstrap)
    await admin.start()
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    [(*_, entries)] = answer.resources
    declared = {entry[0]: entry[1] for entry in entries if entry[3] != DEFAULT}  # an alteration sets all of them
    try:
        await _alter(admin, topic, declared | {"cleanup.policy": policy})
        yield
        await _alter(admin, topic, declared)
    finally:
        await admin.close()


DEFAULT = 5  # of Kafka's ConfigSource: nobody has set it


async def _alter(admin: AIOKafkaAdminClient, topic: str, configs: dict[str, str]) -> None:
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])
