"""The fold of the log `catalogue`: one row for each item of an account. Which SKU an item id means.

Only what names an item and no SKU comes here: it waits in the row until the platform has told which SKU it is.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streamer.domain.catalogue_rows import AnyRow, ItemRow, WaitingLevel, read_row, write_row
from streamer.domain.folding import by_type, main_row, set_aside, take_settings
from streamer.domain.units import DAY_MS, day_of, iso_date, ms
from streamer.domain.versions import newer
from streamer.domain.view import Outcome, View, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import FetchCommand, NotifyCommand
from streamer.messages.ids import command_id
from streamer.messages.orders import ItemResolved, KitPart
from streamer.messages.stock import Item, ItemFacts, ResolveItem, RowRelease, StockLevel

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "catalogue"
row_key = main_row
RESOURCE = "inventory_item"
TRIES = 3
"""So many fetches, evenly within the time for which orders wait."""
WAIT_SECONDS = 120.0  # until settings say otherwise
TRY_AGAIN_MS = 3_600_000
"""After giving up: what comes within this time is answered with no, what comes later asks the platform once more."""

Rows = View[Any]


def due_ms(row: AnyRow) -> int | None:
    return row.due if isinstance(row, ItemRow) else None


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The item passes nothing on any more until an operator releases it."""
    set_aside(rows, key, reason, ItemRow)


def wake(rows: Rows, key: str) -> Outcome:
    """The platform has not answered: it is asked again, or we give up. Or a supersession begins today."""
    row = rows.edit(key)
    if not isinstance(row, ItemRow):
        return ()
    settings = settings_of(rows)
    said: list[Message] = []
    row.due = None
    if row.quarantined is not None:
        return said
    if row.first_asked_ms is not None and not row.known:
        if rows.now_ms >= row.first_asked_ms + _wait_ms(settings):
            said += _give_up(key, row, settings, rows.now_ms)
        else:
            said += _fetch(key, row, settings, rows.now_ms)
    if row.known:
        said += _tell_facts(key, row, settings, rows.now_ms)
    return said


def _wait_ms(settings: SettingsApplied | None) -> int:
    return int((settings.item_wait_seconds if settings is not None else WAIT_SECONDS) * 1000)


def _at(rows: Rows, key: str, *, decides: bool = True) -> ItemRow:
    row = rows.edit(key)
    if row is None:
        row = ItemRow()
        rows.put(key, row)
    assert isinstance(row, ItemRow)
    if decides and row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")
    return row


def _fetch(key: str, row: ItemRow, settings: SettingsApplied | None, now_ms: int) -> list[Message]:
    """Asks the platform which SKU the item has; the next try is another command."""
    account, _, item_id = key.partition("/")
    if row.first_asked_ms is None:
        row.first_asked_ms = now_ms
    row.asked += 1
    row.due = min(now_ms + max(1, _wait_ms(settings) // TRIES), row.first_asked_ms + _wait_ms(settings))
    row.due = max(row.due, now_ms + 1)
    return [
        FetchCommand(
            command_id=command_id("fetch", RESOURCE, key, str(row.asked)),
            account=account,
            object=f"{RESOURCE}/{item_id}",
            cause=f"catalogue/{key}",
            resource=RESOURCE,
            ids=(item_id,),
            requested_for=f"catalogue/{key}",
            sequence=row.asked,
        )
    ]


def _ask(key: str, row: ItemRow, settings: SettingsApplied | None, now_ms: int) -> list[Message]:
    """A fetch, unless one is under way or we have given up a moment ago."""
    if row.first_asked_ms is not None or _no_longer_asked(row, now_ms):
        return []
    row.gave_up_ms = None
    return _fetch(key, row, settings, now_ms)


def _no_longer_asked(row: ItemRow, now_ms: int) -> bool:
    return row.gave_up_ms is not None and now_ms < row.gave_up_ms + TRY_AGAIN_MS


def _give_up(key: str, row: ItemRow, settings: SettingsApplied | None, now_ms: int) -> list[Message]:
    """Orders learn that the SKU is unknown; levels stay here, counted, and people are told."""
    said = _answer(key, row, None, "unknown SKU: the platform did not say which item it is")
    row.first_asked_ms, row.gave_up_ms = None, now_ms
    row.unresolved = len(row.levels)
    return said + _tell_unresolved(key, row, settings)


def _tell_unresolved(key: str, row: ItemRow, settings: SettingsApplied | None) -> list[Message]:
    if not row.levels or settings is None or settings.notify_account is None:
        return []
    return [
        NotifyCommand(
            command_id=command_id("notify", "unresolved", key, str(row.asked), row.version),
            account=settings.notify_account,
            object=f"catalogue/{key}",
            cause=f"catalogue/{key}",
            subject=f"Item {key} has no SKU",
            text=(
                f"Stock levels of {key} at {', '.join(row.levels)} cannot be used: "
                + ("the item has no SKU." if row.known else "the platform did not say which item it is.")
            )[:4000],
            severity="warning",
        )
    ]


def _answer(key: str, row: ItemRow, sku: str | None, reason: str | None) -> list[Message]:
    """To every order that waits."""
    account, _, item_id = key.partition("/")
    said: list[Message] = [
        ItemResolved(order_key=order, account=account, item_id=item_id, sku=sku, reason=reason) for order in row.orders
    ]
    row.orders = []
    return said


def _level(rows: Rows, event: StockLevel) -> Outcome:
    if event.sku is not None or event.item_id is None:
        raise Malformed("a level with SKU belongs on the log stock", field="sku")
    key = f"{event.account}/{event.item_id}"
    row = _at(rows, key)
    if event.location not in row.places:
        row.places.append(event.location)
    if row.known and row.sku is not None:
        return [event.model_copy(update={"sku": row.sku})]
    as_of_ms = ms(event.as_of)
    waiting = row.levels.get(event.location)
    if waiting is not None and waiting.as_of_ms >= as_of_ms:
        return ()
    row.levels[event.location] = WaitingLevel(as_of_ms, event.to_json().decode())
    settings = settings_of(rows)
    if row.known or _no_longer_asked(row, rows.now_ms):
        first = row.unresolved == 0
        row.unresolved += 1
        return _tell_unresolved(key, row, settings) if first else ()
    return _ask(key, row, settings, rows.now_ms)


def _resolve(rows: Rows, event: ResolveItem) -> Outcome:
    key = f"{event.account}/{event.item_id}"
    row = _at(rows, key)
    if event.order_key in row.orders:
        return ()
    row.orders.append(event.order_key)
    if row.known:
        return _answer(key, row, row.sku, None if row.sku is not None else "unknown SKU: the item has none")
    if _no_longer_asked(row, rows.now_ms):
        return _answer(key, row, None, "unknown SKU: the platform did not say which item it is")
    return _ask(key, row, settings_of(rows), rows.now_ms)


def _item(rows: Rows, event: Item) -> Outcome:
    key = f"{event.account}/{event.item_id}"
    row = _at(rows, key, decides=False)
    if row.known and not newer(event.version, row.version):
        return ()
    if row.sku != event.sku:
        row.told = None
    row.known, row.sku, row.version, row.description = True, event.sku, event.version, event.description
    row.superseded_by, row.superseded_from = event.superseded_by, event.superseded_from
    row.kit = [(part.sku, plain(part.quantity_each)) for part in event.kit]
    row.first_asked_ms = row.gave_up_ms = row.due = None
    return () if row.quarantined is not None else _pass_on(key, row, settings_of(rows), rows.now_ms)


def _pass_on(key: str, row: ItemRow, settings: SettingsApplied | None, now_ms: int) -> list[Message]:
    """What has waited for the SKU goes its way."""
    if row.sku is None:
        row.unresolved = len(row.levels)
        said = _answer(key, row, None, "unknown SKU: the item has none")
        return said + _tell_unresolved(key, row, settings)
    said = _tell_facts(key, row, settings, now_ms)
    for waiting in row.levels.values():
        said.append(StockLevel.from_json(waiting.level).model_copy(update={"sku": row.sku}))
    row.levels, row.unresolved = {}, 0
    return said + _answer(key, row, row.sku, None)


def _locations(account: str, row: ItemRow, settings: SettingsApplied | None) -> list[str]:
    """Where the account keeps stock: as the settings say, and where its levels came from."""
    facts = settings.accounts.get(account) if settings is not None else None
    places = list(facts.authority) if facts is not None else []
    if facts is not None and facts.default_location is not None:
        places.append(facts.default_location)
    return list(dict.fromkeys([*places, *row.places]))


def _tell_facts(key: str, row: ItemRow, settings: SettingsApplied | None, now_ms: int) -> list[Message]:
    """Description, kit and supersession to the stock rows of the SKU, when they have changed."""
    if row.sku is None:
        return []
    superseded_by = row.superseded_by
    version = row.version
    begins = day_of(row.superseded_from)
    if superseded_by is not None and begins is not None:
        if begins.isoformat() > iso_date(now_ms):
            superseded_by = None
            row.due = now_ms - now_ms % DAY_MS + DAY_MS
        else:
            version = f"{version} since {begins.isoformat()}"
    facts = "\n".join((row.description or "", superseded_by or "", *(f"{quantity} {sku}" for sku, quantity in row.kit)))
    if facts == (row.told or "\n"):
        return []
    row.told = facts
    kit = tuple(KitPart(sku=sku, quantity_each=Decimal(quantity)) for sku, quantity in row.kit)
    return [
        ItemFacts(
            location=location,
            sku=row.sku,
            version=version,
            source="catalogue",
            description=row.description,
            kit=kit,
            superseded_by=superseded_by,
        )
        for location in _locations(key.partition("/")[0], row, settings)
    ]


def _row_release(rows: Rows, event: RowRelease) -> Outcome:
    row = rows.edit(event.row_key)
    if not isinstance(row, ItemRow) or row.quarantined is None:
        return ()
    row.quarantined = None
    settings = settings_of(rows)
    if row.known:
        return _pass_on(event.row_key, row, settings, rows.now_ms)
    row.first_asked_ms = row.gave_up_ms = None
    return _ask(event.row_key, row, settings, rows.now_ms) if row.levels or row.orders else ()


fold = by_type(
    NAME,
    {
        StockLevel: _level,
        Item: _item,
        ResolveItem: _resolve,
        RowRelease: _row_release,
        SettingsApplied: take_settings,
    },
)
