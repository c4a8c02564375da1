"""What must hold after a day, whatever happened in it: found in the topics and in the supplier's own book.

Nothing here asks the product. The one thing that is shared with it are the folds themselves, which are run again over
their logs to see whether the rows in Kafka are what the logs say.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any
from unittest import mock

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streamer import settings as configuration
from streamer.app import MODULES
from streamer.engine.fold import Record
from streamer.engine.partition import Limits, PartitionFold
from streamer.engine.recovery import WATERMARK_KEY, Recovered, Watermark
from streamer.local.supplier import Entry
from streamer.pipeline.message_fold import MessageFold
from streamer.topic_ids import topic_ids
from streamer.topics import FOLDS
from tests.story.product import MARKED, Product
from tests.story.witness import NOISE, TICK, Seen, Witness, newest

GROUP = "streamer"


# ---- what a day comes to


def outcome(product: Product) -> dict[str, Any]:
    """Decisions, quantities, commands and the supplier's book: equal for two days that went equally."""
    witness = product.witness
    lines = newest(witness.all("order-status", "order-line-status"))
    orders = newest(witness.all("order-status", "purchase-order-status"))
    stock = {key: json.loads(row) for key, row in witness.rows("stock").items() if not key.startswith(("~", "="))}
    return {
        "lines": {name: _without(line, "at", "revision") for name, line in lines.items()},
        "purchase orders": {
            name: _without(one, "at", "revision", "external_reference") for name, one in orders.items()
        },
        "stock": {key: _stock(row) for key, row in stock.items()},
        "commands": sorted(_command(one) for one in witness.once("commands", *COMMANDS)),
        "book": {entry.reference: _booked(entry) for entry in product.supplier.book.entries()},
        "recalls": {
            f"{key} {order}": _without(visit, "forget_ms")
            for key, row in witness.rows("recalls").items()
            if key.startswith("vehicle/")
            for order, visit in json.loads(row)["visits"].items()
        },
    }


COMMANDS = ("reorder", "cancel-order", "recall-replacement", "write-back", "record")
ROWS_KEPT = ("l", "r", "c", "w", "hd", "rs")  # level, reserved, what it counts, waitlist, holds, number of needs
LINES_KEPT = ("q", "x", "w", "s", "m")  # wanted, short, waiting, shipped, promised


def _without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: content for name, content in value.items() if name not in names}


def _stock(row: dict[str, Any]) -> dict[str, Any]:
    """The quantities of a row; revisions of lines and times are how it came about, not what it came to."""
    kept: dict[str, Any] = {name: row[name] for name in ROWS_KEPT if name in row}
    kept["lines"] = {
        key: {name: line[name] for name in LINES_KEPT if name in line} for key, line in row.get("i", {}).items()
    }
    kept["incoming"] = {need: (one["q"], one.get("f"), one.get("g")) for need, one in row.get("o", {}).items()}
    return kept


def _command(one: Seen) -> tuple[str, str, str]:
    command = one.json
    what = [f"{line.get('sku')}:{line.get('quantity') or line.get('decision')}" for line in command.get("lines", ())]
    return one.type, one.headers["ce_id"], ",".join(what)


def _booked(entry: Entry) -> tuple[str, int, tuple[tuple[str, str], ...]]:
    return entry.by, entry.booked, tuple((line["sku"], line["quantity"]) for line in entry.lines)


# ---- waiting


async def committed(product: Product) -> dict[TopicPartition, int]:
    """The group's next offsets."""
    admin = AIOKafkaAdminClient(bootstrap_servers=product.kafka.bootstrap)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(GROUP)
        return {place: said.offset for place, said in found.items()}
    finally:
        await admin.close()


async def caught_up(product: Product, within_seconds: float = 120.0) -> None:
    """Waits until nothing new comes, and all that stood in raw topics and logs then has been folded and committed."""
    witness = product.witness
    await witness.quiet(within_seconds=within_seconds)
    topics = [*FOLDS.values(), *(place.topic for place in witness.places if place.topic.startswith("raw."))]
    ends = {place: end for place, end in witness.ends().items() if place.topic in topics}

    async def done() -> bool:
        reached = await committed(product)
        return all(reached.get(place, 0) >= end for place, end in ends.items())

    await product.eventually(done, "the group has committed all that there was", within_seconds)
    await witness.quiet(within_seconds=within_seconds)


UNDER_WAY = ("intended", "sending", "looking_up", "unknown")


async def settled(product: Product, within_seconds: float = 180.0) -> list[str]:
    """Waits until no call is under way; gives the references of orders that wait for a person."""
    rows: list[dict[str, Any]] = []

    async def over() -> bool:
        rows[:] = [json.loads(row) for row in product.witness.rows("dispatch").values()]
        return not [row for row in rows if "kind" in row and row.get("state", "intended") in UNDER_WAY]

    await product.eventually(over, "no call is under way any more", within_seconds)
    await caught_up(product, within_seconds)
    return [row["body"]["reference"] for row in rows if row.get("state") == "human" and row["kind"] == "reorder"]


# ---- what must hold


async def check(product: Product, *, poison: int = 0, people: Collection[str] = ()) -> None:
    """All of it. `poison`: how many records nobody could use; `people`: orders by mail that wait for a person."""
    witness = product.witness
    await settled(product)
    nothing_left_out(witness)
    each_order_once(product, people)
    no_command_vanished(witness, people)
    nothing_promised_twice(witness)
    await rows_are_what_their_logs_say(product)
    dead_letters_point_to_their_records(witness, poison)
    no_secret_anywhere(product)


def nothing_left_out(witness: Witness) -> None:
    """I1: each raw order is in the log of orders or among the dead letters, once for each version of it."""
    told: dict[str, set[str]] = defaultdict(set)
    for record in witness.all("orders", "order"):
        told[record.json["source_id"]].add(record.headers["ce_id"])
    dead = {record.value for record in witness.all("dead-letters")}
    for record in witness.all("raw.shopify"):
        if record.value in dead:
            continue
        body = _object(record.value)
        if "line_items" in body:
            assert str(body["id"]) in told, f"order {body['id']} of raw.shopify was left out"


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        body = json.loads(value or b"")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def each_order_once(product: Product, people: Collection[str]) -> None:
    """I3: in the supplier's book no order stands twice, and each one was commanded with these quantities."""
    commanded = {one.json["reference"]: one.json for one in product.witness.once("commands", "reorder")}
    entries = product.supplier.book.entries()
    assert [entry.reference for entry in entries if entry.booked != 1] == []
    for entry in entries:
        lines = commanded[entry.reference]["lines"]
        assert [(line["sku"], line["quantity"]) for line in entry.lines] == [
            (line["sku"], line["quantity"]) for line in lines
        ]
    missing = commanded.keys() - {entry.reference for entry in entries} - set(people)
    assert not missing, f"commanded, but in no book: {sorted(missing)}"


def no_command_vanished(witness: Witness, people: Collection[str]) -> None:
    """I4: every command has ended, or waits for a person and is one of those that only a person can decide."""
    rows = {key: json.loads(row) for key, row in witness.rows("dispatch").items()}
    for record in witness.once("commands", *COMMANDS, "notify"):
        command = record.json
        row = rows.get(f"{command['account']}/{command['command_id']}")
        assert row is not None, f"{record.type} {command['command_id']} is in no ledger"
        state = row.get("state", "intended")  # what is not written is the first state
        if command.get("reference") in people:
            assert state in ("human", "confirmed")
        else:
            assert state in ("confirmed", "rejected"), f"{record.type} {command.get('reference')}: {state}"


def nothing_promised_twice(witness: Witness) -> None:
    """I5: in no state that any stock row ever had is more reserved than lies there, and sums are those of the lines."""
    checked = 0
    for record in witness.all(f"{GROUP}-stock-changelog"):
        if record.value is None or record.key.startswith(("~", "=", "/")):
            continue
        row = json.loads(record.value, parse_float=Decimal, parse_int=Decimal)
        lines = row.get("i", {}).values()
        reserved = sum((line["q"] - line.get("x", 0) - line.get("s", 0) for line in lines), Decimal(0))
        assert reserved == row.get("r", 0), f"{record.key} at offset {record.offset}: {reserved} reserved by lines"
        on_hand = row.get("l", 0) + row.get("h", 0) + row.get("cm", 0)
        assert reserved <= max(on_hand, 0), f"{record.key}: {reserved} promised of {on_hand}"
        waiting = Counter[str]()
        for key, quantity, _ in row.get("w", ()):
            waiting[key] += quantity
        assert waiting == {key: line["w"] for key, line in row.get("i", {}).items() if line.get("w")}
        checked += 1
    assert checked, "there was no stock row to look at"


async def rows_are_what_their_logs_say(product: Product) -> None:
    """I6: each log folded again from its start gives the rows of the changelog, byte for byte, and the same outputs."""
    with mock.patch.dict(os.environ, product.environ):
        partitions = configuration.load().kafka.partitions
    ids = await topic_ids(product.kafka.bootstrap, FOLDS.values())
    for fold, log in FOLDS.items():
        for partition in range(partitions):
            _refold(product.witness, fold, log, ids[log], partition)


def _refold(witness: Witness, fold: str, log: str, log_id: str, partition: int) -> None:
    rows, w = _stored(witness, fold, partition)
    module: MessageFold[Any] = MessageFold(MODULES[fold], topic=log, topic_id=log_id, on_settings=lambda _: None)
    empty = Recovered(-1, {}, {}, Watermark(), set(), 0)
    heart = PartitionFold(module, partition=partition, log_topic_id=log_id, recovered=empty, limits=Limits())
    events = [record for record in witness.raw(log) if record.partition == partition and record.offset <= w]
    heart.feed([Record(one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in events])
    end = 0
    said = set()
    while (chunk := heart.fold_chunk(1)) is not None:
        for (topic, _), outputs in chunk.outputs.items():
            said |= {(topic, output.key, output.value) for output in outputs}
        heart.outputs_acknowledged(chunk)
        heart.next_rows()
        heart.rows_acknowledged(end)
        end += len(chunk.rows)
    stored = {key: heart.rows.stored(key) for key in heart.rows.keys()}  # noqa: SIM118 - a store, no dictionary
    assert stored == rows, f"{fold}, partition {partition}: rows are not what the log says"
    mark = f"{log_id}:{partition}:"
    seen = {
        (record.topic, record.key or b"", record.value)
        for record in witness.from_source(mark[:-1])
        if int(dict(record.headers)["src"].decode().rpartition(":")[2]) <= w
    }
    assert seen == said, f"{fold}, partition {partition}: what it told others is not what its log says"


def _stored(witness: Witness, fold: str, partition: int) -> tuple[dict[str, bytes], int]:
    best: dict[str, tuple[int, bytes | None]] = {}
    for record in witness.raw(f"{GROUP}-{fold}-changelog"):
        if record.partition == partition:
            w = int(dict(record.headers)["w"].decode().rpartition(":")[2])
            key = record.key.decode()
            if w >= best.get(key, (-1, None))[0]:
                best[key] = (w, record.value)
    highest = max((w for w, _ in best.values()), default=-1)
    best.pop(WATERMARK_KEY, None)
    return {key: value for key, (_, value) in best.items() if value is not None}, highest


def dead_letters_point_to_their_records(witness: Witness, poison: int) -> None:
    """I8: as many as there was poison, each with the bytes as they came and the place that they came from."""
    letters = {record.headers["dead-letter-id"]: record for record in witness.all("dead-letters")}
    reasons = [record.headers["dead-letter-reason"] for record in letters.values()]
    assert len(letters) == poison, reasons
    for letter in letters.values():
        headers = letter.headers
        topic, partition, offset = (headers[f"dead-letter-{name}"] for name in ("topic", "partition", "offset"))
        [source] = [
            record
            for record in witness.with_ticks(topic)
            if (record.partition, record.offset) == (int(partition), int(offset))
        ]
        assert (letter.key, letter.value) == (source.key, source.value)


def no_secret_anywhere(product: Product, more: Iterable[tuple[str, str]] = ()) -> None:
    """I11: no secret in any topic, log or page, and no address of a customer where only ids may stand."""
    texts = [(log.name, log.read_text(errors="replace")) for log in (product.folder / "log").glob("*.log")]
    assert len(texts) >= 2
    public = ("order-status", "audit")
    for record in product.witness.everything():
        if record.type in NOISE and record.type == TICK:
            continue
        text = (record.value or b"").decode("utf-8", "replace") + str(record.headers)
        for secret in MARKED:
            assert secret not in text, f"a secret stands on {record.topic}"
        if record.topic in public:
            assert "@example.com" not in text, f"an address stands on {record.topic}"
        if record.topic == "dead-letters":
            assert "@example.com" not in record.headers["dead-letter-reason"]
    for name, text in (*texts, *more):
        for secret in MARKED:
            assert secret not in text, f"a secret stands in {name}"
        assert "@example.com" not in text, f"an address of a customer stands in {name}"
