"""Links that approve: one order, one version, one person, until a day; nothing else makes one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from streamer.approval_links import PATH, link_key, path_of, read_path
from streamer.errors import BadSignature, Refused
from streamer.messages.commands import AskApprovalCommand, ReorderCommand, ReorderLine
from streamer.pipeline.asking import approver_of
from streamer.settings import Settings

KEY = link_key("the token that the processes share")
NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)


def question(**changes: Any) -> AskApprovalCommand:
    order = ReorderCommand(
        command_id="A" * 26, account="mail", object="order/NW-7", cause="x", supplier="NW", supplier_name="Northwind",
        reference="NW-7", order_date="2026-03-10", ship_to="main", currency="EUR",
        lines=(ReorderLine(line="1", sku="PAD-1", quantity=Decimal(1), location="main"),),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "command_id": "B" * 26, "account": "mail", "object": "approval/NW-7.2/kim", "cause": "x", "person": "kim",
        "channel": "email", "supplier": "NW", "reference": "NW-7", "version": 2, "order": order, "worth": "1 EUR",
        "because": "x", "expires_at": NOW + timedelta(days=7),
    }  # fmt: skip
    return AskApprovalCommand(**(fields | changes))


def path(**changes: Any) -> str:
    return path_of(KEY, question(**changes)).removeprefix(PATH)


def test_a_link_says_what_it_was_made_for() -> None:
    claim = read_path(KEY, path(), NOW)
    assert claim[:4] == ("NW", "NW-7", 2, "kim")
    assert claim.expires_at == NOW + timedelta(days=7)


def test_the_same_question_has_the_same_link_and_every_other_one_another() -> None:
    assert path() == path()
    others = {path(version=3), path(person="lee"), path(expires_at=NOW), path(reference="NW-8")}
    assert len({*others, path()}) == 5


@pytest.mark.parametrize("changed", ["NW-8", "kim2", "/3/", "x"])
def test_a_link_that_was_changed_is_none_of_ours(changed: str) -> None:
    forged = {
        "NW-8": path().replace("NW-7", "NW-8"),
        "kim2": path().replace("/kim/", "/kim2/"),
        "/3/": path().replace("/2/", "/3/"),
        "x": path()[:-1],
    }[changed]
    with pytest.raises(BadSignature):
        read_path(KEY, forged, NOW)


@pytest.mark.parametrize("nonsense", ["", "/", "a/b/c/d/e/f", "NW/NW-7/2/kim/1/", "\u0000", "é" * 3000])
def test_nonsense_is_none_of_ours(nonsense: str) -> None:
    with pytest.raises(BadSignature):
        read_path(KEY, nonsense, NOW)


def test_another_installation_makes_other_links() -> None:
    with pytest.raises(BadSignature):
        read_path(link_key("another token"), path(), NOW)


def test_a_link_ends() -> None:
    with pytest.raises(Refused, match="until 2026-03-17 15:00 UTC"):
        read_path(KEY, path(), NOW + timedelta(days=7))


def test_the_act_of_a_link_is_always_the_same_and_does_not_give_the_link_away() -> None:
    claim = read_path(KEY, path(), NOW)
    assert claim.act_id == read_path(KEY, path(), NOW + timedelta(days=1)).act_id
    assert claim.act_id.removeprefix("link-") not in path()


def test_names_and_addresses_come_from_the_settings_of_the_process_that_asks() -> None:
    settings = Settings.model_validate(
        {
            "company": {"name": "Parts", "currency": "EUR"},
            "web": {"public_origin": "https://console.parts.example/"},
            "people": {"kim": {"name": "Kim Lee", "email": "kim@parts.example"}},
        }
    )
    find = approver_of(settings, "the token that the processes share")
    asked = find(question())
    assert (asked.name, asked.address) == ("Kim Lee", "kim@parts.example")
    assert asked.link == f"https://console.parts.example{PATH}{path()}"
    assert "kim@parts.example" not in question().to_json().decode()
    with pytest.raises(Refused, match=r"people\.kim\.slack is not set"):
        find(question(channel="slack"))
    with pytest.raises(Refused, match=r"people\.max is not in the settings"):
        find(question(person="max"))
