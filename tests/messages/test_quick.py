"""The quick reader gives and refuses what validation gives and refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streamer.domain.making import maker
from streamer.messages.orders import LineDecision
from streamer.messages.quick import quick_reader
from streamer.messages.registry import MESSAGES
from streamer.messages.stock import LineRelease, LineRequest
from streamer.topics import declarations

REQUEST: dict[str, Any] = {
    "order_key": "main-shop/1001", "line_key": "main-shop/1001/1", "revision": 1, "account": "main-shop",
    "sku": "BRAKE-PAD", "location": "main", "quantity": "2", "placed_at": "2026-03-02T08:00:00Z",
}  # fmt: skip
EXAMPLES = [(str(example.type), example.value) for one in declarations() for example in one.examples if example.type]

read_request = quick_reader(LineRequest)

TIMES = [
    "2026-03-02T08:00:00Z", "2026-03-02t08:00:00z", "2026-03-02 08:00:00Z", "2026-03-02T08:00:00+01:00",
    "2026-03-02T08:00:00", "2026-03-02T08:00Z", "2026-03-02T08:00:00.5Z", "2026-03-02T08:00:00.123456Z",
    "2026-03-02T08:00:00.9999999Z", "2026-03-02T08:00:60Z", "2026-02-30T08:00:00Z", "1767600000", "", '2026"', None,
]  # fmt: skip
QUANTITIES = ["2", "0", "-1", "2.5", "1.1234567", "1E+3", "1e9", "NaN", "Infinity", "02", " 2", "", 2, 2.5, None, True]
FIELDS = {
    "order_key": st.sampled_from(["main-shop/1001", "", "x" * 4000, "x" * 4001, "\u0000", "Ł"]),
    "account": st.sampled_from(["main-shop", "MAIN", "", "a" * 64]),
    "sku": st.sampled_from(["BRAKE-PAD", "", "s" * 100, "s" * 101, "\U0001f600" * 100]),
    "location": st.sampled_from(["main", "~main", "a b", "a/b", ""]),
    "revision": st.sampled_from([1, -1, 1.0, "1", True, 10**30]),
    "quantity": st.sampled_from(QUANTITIES),
    "purpose": st.sampled_from(["sale", "service", "gift", None]),
    "placed_at": st.sampled_from(TIMES),
    "expires_at": st.sampled_from(TIMES),
    "needed_by": st.sampled_from(["2026-03-05", None, 5]),
    "partial_allowed": st.sampled_from([True, False, None, 1, "true"]),
    "unheard_of": st.sampled_from([None, 1, "text", [], {}]),
}


def same(model: Any, read: Any, value: bytes) -> None:
    try:
        expected = model.from_json(value)
    except ValidationError as error:
        with pytest.raises(ValidationError) as raised:
            read(value)
        assert raised.value.errors() == error.errors()
    else:
        for _ in range(2):  # at first a text is learnt, then it is known
            found = read(value)
            assert found == expected
            assert found.to_json() == expected.to_json()
            assert type(found) is type(expected)


@given(st.fixed_dictionaries({}, optional=FIELDS), st.sampled_from(["", *REQUEST]))
def test_a_request_is_read_as_validation_reads_it(changes: dict[str, Any], left_out: str) -> None:
    fields = {**REQUEST, **changes}
    fields.pop(left_out, None)
    same(LineRequest, read_request, json.dumps(fields).encode())


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"[]", b"null", b"\xff", b'{"sku":"\xff"}', b'{"sku":"\\ud800"}', b"{}x"]
)
def test_what_is_no_json_is_refused_as_validation_refuses_it(broken: bytes) -> None:
    same(LineRequest, read_request, broken)


@pytest.mark.parametrize(("name", "value"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_is_read_alike(name: str, value: bytes) -> None:
    model = MESSAGES[name]
    same(model, quick_reader(model), value)


@pytest.mark.parametrize("model", [LineRequest, LineRelease, LineDecision])
def test_the_messages_of_a_decision_are_read_quickly(model: Any) -> None:
    assert quick_reader(model) is not model.__pydantic_validator__.validate_json
    assert quick_reader(model).__name__ == "read"


def test_what_is_made_without_validation_equals_what_validation_makes() -> None:
    read = LineDecision.from_json(
        b'{"order_key":"main-shop/1001","line_key":"main-shop/1001/1","sku":"BRAKE-PAD","location":"main",'
        b'"revision":1,"decision_revision":1,"state":"approved","approved":"2","waitlisted":"0","rejected":"0",'
        b'"at":"2026-03-02T08:00:00Z"}'
    )
    given = {name: value for name, value in read if name in read.model_fields_set}

    made = maker(LineDecision)(**given)

    assert made == read
    assert json.loads(made.to_json()) == json.loads(read.to_json())
    assert made.model_copy(update={"revision": 2}).revision == 2
