"""The form that all platforms share. Members are found by walking the package: a new one is held to it at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from streamer.platforms.base import Act, Platform, Role, example, find, platform_names
from streamer.platforms.settings import AccountSettings, secret_fields
from streamer.platforms.table import facts_of_all, markdown
from tests.contracts.recorded import OWN, ROOT

NAMES = platform_names()
MODULES = {path.stem for path in (ROOT / "streamer" / "platforms").glob("*.py")}

# Role -> the methods that make it one (one of them is enough).
METHODS: dict[Role, tuple[Act, ...]] = {
    Role.SOURCE: ("normalise",),
    Role.STOCK_SOURCE: ("normalise",),
    Role.PARTS_SOURCE: ("fetch",),
    Role.ORDER_SINK: ("place_order",),
    Role.RECORD_SINK: ("record",),
    Role.STATUS_TARGET: ("write_back", "record"),
    Role.NOTIFIER: ("notify",),
    Role.APPROVER: ("ask_approval", "normalise"),
    Role.REPLY_READER: ("normalise",),
}


@pytest.fixture(params=NAMES)
def kind(request: pytest.FixtureRequest) -> type[Platform[Any]]:
    return find(request.param)


def test_there_are_platforms() -> None:
    assert {"email", "nhtsa_recalls", "shopify"} <= set(NAMES)


def test_a_module_holds_one_platform_named_like_the_file_with_a_docstring_that_tells_its_oddities(
    kind: type[Platform[Any]],
) -> None:
    path = ROOT / "streamer" / "platforms" / f"{kind.name}.py"
    source = path.read_text(encoding="utf-8")
    assert source.startswith('"""')
    assert "Good to know:" in source.split('"""')[1]
    assert len(re.findall(r"^class \w+\(Platform\[", source, re.MULTILINE)) == 1


def test_it_has_a_title_a_page_to_read_and_declared_hosts(kind: type[Platform[Any]]) -> None:
    assert kind.title
    assert kind.docs.startswith("https://")
    assert all(re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+", host) for host in kind.hosts), kind.hosts


def test_roles_are_those_that_it_has_methods_for(kind: type[Platform[Any]]) -> None:
    assert kind.roles or kind.unsupported
    for role in kind.roles:
        assert any(kind.can(act) for act in METHODS[role]), f"{role} without {METHODS[role]}"
    if kind.can("place_order"):
        assert Role.ORDER_SINK in kind.roles
    if kind.can("record"):
        assert kind.roles & {Role.RECORD_SINK, Role.STATUS_TARGET}
    if kind.can("notify"):
        assert Role.NOTIFIER in kind.roles


def test_what_it_cannot_do_has_a_reason_and_a_way_round(kind: type[Platform[Any]]) -> None:
    for act, reason in kind.unsupported.items():
        assert not kind.can(act), f"{act} is there and declared impossible"
        assert len(reason.split()) >= 6, f"{act}: {reason!r} says too little"


def test_an_order_sink_has_a_class_and_what_the_class_needs(kind: type[Platform[Any]]) -> None:
    classes = {kind.sink_class, example(kind.name).facts().sink_class} - {None}
    assert bool(classes) == kind.can("place_order")
    if classes & {"A", "B"}:
        assert "A" in classes or kind.can("find_order"), "class B is looked up by our reference"
    if kind.can("find_order"):
        assert classes & {"A", "B"}


def test_events_are_proved_or_there_is_a_reason_why_not(kind: type[Platform[Any]]) -> None:
    assert (kind.signature is not None) or kind.unsigned_because or not kind.can("normalise")


def test_settings_validate_from_an_example_and_hide_their_secrets(kind: type[Platform[Any]]) -> None:
    fields = secret_fields(kind.settings_type)
    assert "webhook_secret" in fields
    told = {field: SecretStr(f"do-not-show-{field}") for field in fields if field in AccountSettings.model_fields}
    settings = example(kind.name, told).settings
    printed = f"{settings!r} {settings} {settings.model_dump()}"
    assert "do-not-show" not in printed
    shown = f"{example(kind.name)!r} {example(kind.name).facts()!r}"
    assert "do-not-show" not in shown


def test_settings_that_sound_secret_are_secret(kind: type[Platform[Any]]) -> None:
    words = re.compile(r"(^|_)(password|secret|token|api_key|private_key|credentials)($|_previous$)")
    for field in kind.settings_type.model_fields:
        if words.search(field):
            assert field in secret_fields(kind.settings_type), f"{field} is shown when settings are printed"


def test_it_has_a_test_file_and_recorded_payloads(kind: type[Platform[Any]]) -> None:
    assert (ROOT / "tests" / "platforms" / f"test_{kind.name}.py").is_file()
    if kind.can("normalise"):
        assert list((OWN / kind.name).glob("*.expected.json"))


def test_no_test_file_and_no_payload_folder_is_left_of_what_is_no_platform() -> None:
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "platforms").glob("test_*.py")}
    assert tests - set(NAMES) - MODULES == set()
    assert {path.name for path in OWN.iterdir() if path.is_dir()} - set(NAMES) == set()


def test_polls_fetches_and_subscriptions_are_carried_by_methods(kind: type[Platform[Any]]) -> None:
    assert bool(kind.polls) == kind.can("poll")
    assert bool(kind.subscriptions) == kind.can("subscribe")
    assert bool(kind.fetches) == kind.can("fetch")
    assert bool(kind.backfills) == kind.can("backfill")
    assert bool(kind.record_kinds) == kind.can("record")
    assert not set(kind.polls) & set(kind.subscriptions)


def test_every_resource_has_a_pattern_for_the_requests_that_bring_it(kind: type[Platform[Any]]) -> None:
    for name, pattern in kind.resources.items():
        assert re.match(r"\^?(GET|POST) ", pattern), f"{name}: {pattern!r} begins with no method"
        method = pattern.lstrip("^").partition(" ")[0]
        assert kind.resource_of(method, "/nothing/of/the/kind") is None


def test_the_table_of_platforms_tells_all_of_them() -> None:
    assert [row["name"] for row in facts_of_all()] == list(NAMES)
    assert markdown().count("\n") == len(NAMES) + 1


def test_the_table_in_the_readme_is_current() -> None:
    text = Path(ROOT / "README.md").read_text(encoding="utf-8")
    assert markdown() in text, "run `streamer platforms --readme README.md`"
