"""A changed schema must still read what was written before."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from streamer.contract.compatibility import unreadable
from streamer.contract.schemas import schema_of
from streamer.messages.base import Message
from streamer.messages.registry import MESSAGES

OLD = schema_of(MESSAGES["line-request"])


def changed(**properties: Any) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    new["properties"].update(properties)
    return new


@pytest.mark.parametrize("message", MESSAGES.values(), ids=list(MESSAGES))
def test_every_message_reads_what_it_writes(message: type[Message]) -> None:
    assert unreadable(schema_of(message), schema_of(message)) == []


def test_a_new_optional_field_harms_nobody() -> None:
    assert unreadable(changed(note={"type": "string"}), OLD) == []


def test_a_new_required_field_cannot_be_in_what_was_written_before() -> None:
    new = changed(note={"type": "string"})
    new["required"] = [*new["required"], "note"]
    assert unreadable(new, OLD) == [".note: is required now, and was not"]


def test_a_field_of_another_type_is_refused() -> None:
    assert unreadable(changed(revision={"type": "string"}), OLD) == [".revision: was integer, is now string"]


def test_a_word_that_is_gone_from_a_closed_set_is_named() -> None:
    found = unreadable(changed(purpose={"type": "string", "enum": ["sale", "service"]}), OLD)
    assert found == [".purpose: recall is no longer accepted"]


def test_a_word_more_in_a_closed_set_is_fine() -> None:
    new = changed(purpose={"type": "string", "enum": ["sale", "service", "recall", "gift"]})
    assert unreadable(new, OLD) == []


def test_a_shorter_limit_would_refuse_what_was_written() -> None:
    assert unreadable(changed(sku={"type": "string", "maxLength": 10, "minLength": 1}), OLD) == [
        ".sku: maxLength was 100, is now 10"
    ]


def test_a_field_that_may_no_longer_be_empty_is_refused() -> None:
    found = unreadable(changed(placed_at={"type": "string", "format": "date-time"}), OLD)
    assert found == [".placed_at: null is no longer accepted as it was"]


def test_a_change_deep_in_a_list_is_found() -> None:
    old = schema_of(MESSAGES["order"])
    new = copy.deepcopy(old)
    new["$defs"]["OrderLine"]["properties"]["quantity"] = {"type": "number"}
    assert unreadable(new, old) == [".lines[].quantity: was string, is now number"]
