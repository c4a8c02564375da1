"""The checker of the story sees what it must see: each of its rules fails on a world in which it is broken."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streamer.local.supplier import Book, Entry
from tests.story import checker
from tests.story.product import SHOP_SECRET
from tests.story.witness import Witness

COMMAND = "C" * 26


class World:
    """A witness who has seen what the test says, and a supplier with a book."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.witness = Witness("nowhere:9092", [])
        self.supplier = SimpleNamespace(book=Book(folder / "book.jsonl"))
        self._offsets: dict[str, int] = {}
        (folder / "log").mkdir()
        for name in ("worker-1", "web"):
            (folder / "log" / f"{name}.log").write_text("all is well\n")

    @property
    def product(self) -> Any:
        return self

    def saw(self, topic: str, value: Any, key: str = "", **headers: str) -> None:
        offset = self._offsets[topic] = self._offsets.get(topic, -1) + 1
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        sent = [
            (name.replace("_", "-") if name.startswith("dead") else name, text.encode())
            for name, text in headers.items()
        ]
        self.witness._take(
            SimpleNamespace(
                topic=topic, partition=0, offset=offset, timestamp=0, key=key.encode(), value=raw, headers=sent
            )
        )

    def row(self, fold: str, key: str, row: Any, w: int = 0) -> None:
        self.saw(f"streamer-{fold}-changelog", row, key, w=f"topic:{w}")

    def ordered(self, *, booked: int = 1, quantity: str = "4", state: str = "confirmed") -> None:
        """An order of four that was commanded, and what stands in the book about it."""
        line = {"sku": "OIL", "quantity": "4"}
        command = {"account": "depot", "command_id": COMMAND, "reference": "BD-1", "lines": [line]}
        self.saw("commands", command, "depot", ce_type="reorder", ce_id=COMMAND)
        self.row("dispatch", f"depot/{COMMAND}", {"state": state})
        if booked:
            lines = [{"line": "1", "sku": "OIL", "quantity": quantity}]
            self.supplier.book.add(Entry("LS-1", "BD-1", "http", lines, booked=booked))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_order_that_stands_once_in_the_book_is_well(world: World) -> None:
    world.ordered()
    checker.each_order_once(world.product, ())
    checker.no_command_vanished(world.witness, ())


@pytest.mark.parametrize("what", [{"booked": 2}, {"booked": 0}, {"quantity": "5"}])
def test_an_order_booked_twice_never_or_with_another_quantity_is_seen(world: World, what: Any) -> None:
    world.ordered(**what)
    with pytest.raises(AssertionError):
        checker.each_order_once(world.product, ())


@pytest.mark.parametrize("state", ["intended", "sending", "unknown", "human"])
def test_a_command_without_an_end_is_seen(world: World, state: str) -> None:
    world.ordered(state=state)
    with pytest.raises(AssertionError):
        checker.no_command_vanished(world.witness, ())


def test_a_raw_order_that_nobody_folded_is_seen(world: World) -> None:
    world.saw("raw.shopify", {"id": 1, "line_items": []})
    with pytest.raises(AssertionError, match="left out"):
        checker.nothing_left_out(world.witness)
    world.saw("orders", {"source_id": "1"}, ce_type="order", ce_id="1@1")
    checker.nothing_left_out(world.witness)


GOOD = {"l": 5, "r": 4, "i": {"shop/1/1": {"q": 4}}}


@pytest.mark.parametrize(
    "wrong",
    [
        {**GOOD, "l": 3},  # four promised of three
        {**GOOD, "r": 3},  # a sum that is not that of the lines
        {**GOOD, "w": [["shop/1/1", 1, 0]]},  # a place on the waitlist that no line has
    ],
)
def test_a_unit_promised_twice_is_seen_also_where_a_later_row_is_good_again(world: World, wrong: Any) -> None:
    world.row("stock", "NORTHGATE/OIL", GOOD)
    checker.nothing_promised_twice(world.witness)
    world.row("stock", "NORTHGATE/OIL", wrong, w=1)
    world.row("stock", "NORTHGATE/OIL", GOOD, w=2)
    with pytest.raises(AssertionError):
        checker.nothing_promised_twice(world.witness)


def test_a_row_that_its_log_does_not_explain_is_seen(world: World) -> None:
    world.row("stock", "NORTHGATE/OIL", GOOD)
    with pytest.raises(AssertionError, match="not what the log says"):
        checker._refold(world.witness, "stock", "stock", "topic", 0)


def test_a_dead_letter_too_many_or_with_other_bytes_is_seen(world: World) -> None:
    world.saw("raw.shopify", b"poison")
    place = {
        "dead_letter_id": "1", "dead_letter_topic": "raw.shopify", "dead_letter_partition": "0",
        "dead_letter_offset": "0", "dead_letter_reason": "r",
    }  # fmt: skip
    world.saw("dead-letters", b"poison", **place)
    checker.dead_letters_point_to_their_records(world.witness, 1)
    with pytest.raises(AssertionError):
        checker.dead_letters_point_to_their_records(world.witness, 0)
    world.saw("dead-letters", b"other bytes", **place)
    with pytest.raises(AssertionError):
        checker.dead_letters_point_to_their_records(world.witness, 1)


def test_a_secret_in_a_log_or_on_a_topic_is_seen(world: World) -> None:
    checker.no_secret_anywhere(world.product)
    (world.folder / "log" / "web.log").write_text(f"signed with {SHOP_SECRET}\n")
    with pytest.raises(AssertionError, match=r"web\.log"):
        checker.no_secret_anywhere(world.product)
    (world.folder / "log" / "web.log").write_text("")
    world.saw("audit", {"actor": "dana.reyes@example.com"}, ce_type="audit")
    with pytest.raises(AssertionError, match="audit"):
        checker.no_secret_anywhere(world.product)
