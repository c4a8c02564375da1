"""QuickBooks Online: invoices for planned services, purchase orders, items and customers by webhook and change data
capture; purchase orders are placed and mailed there, decisions told, sales and customers copied.

Good to know:
- A webhook names ids only, of all companies that are connected to the app: `realms` (or `realm_id`) says which company
  an account stands for. A deleted record can no longer be read, so its notice is all there is.
- Two forms of notices exist (CloudEvents since 2026, and `eventNotifications` before); both are read.
- The refresh token changes with its use; the newest is kept, and a new one in the settings wins over it.
- Lines name items by id and have no SKU; bundles hold their lines inside.
- There is one stock figure for a company, and an invoice takes its goods off as soon as it is saved: it counts what is
  available, at `default_location`.
- An invoice knows no vehicle: `custom_fields` names the fields of the form that hold VIN and vehicle.
- `requestid` makes a repeated creation give the first answer again; that holds for the record, not for its mail.
  Before an order is mailed a second time, its `EmailStatus` is read.
- A change needs the record's newest `SyncToken`: it is read, changed whole and written; a stale one is tried once more.
- A purchase order is Open or Closed, no more: rejected is closed, what waits gets a note. A cancelled one is closed
  and mailed again with the word in its message.
- A fault may come with status 200.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

import orjson

from streamer.errors import Ignored, Refused
from streamer.messages.base import Message
from streamer.messages.commands import (
    CancelOrderCommand,
    FetchCommand,
    RecordCommand,
    ReorderCommand,
    WriteBackCommand,
)
from streamer.messages.records import RecordKind
from streamer.platforms import quickbooks_online_bodies as bodies
from streamer.platforms import quickbooks_online_payloads as payloads
from streamer.platforms import quickbooks_online_records as records
from streamer.platforms.base import (
    Call,
    Hmac,
    HttpRequest,
    OAuth2,
    OAuthSettings,
    Page,
    Placed,
    Platform,
    Rate,
    Raw,
    RawPage,
    RefusedReply,
    Reply,
    Role,
    get,
    keep,
    moment,
    recall,
)
from streamer.platforms.paging import dig, since, until
from streamer.platforms.quickbooks_online_bodies import Fault, Row, digits
from streamer.platforms.quickbooks_online_company import ITEM, MOST_RECORDS, Company
from streamer.platforms.quickbooks_online_payloads import ENTITIES, GONE

JSON = {"content-type": "application/json"}
CAPTURED = ("Invoice", "PurchaseOrder", "Customer")
CAPTURE_DAYS = 29.0  # it looks back thirty
OVERLAP_SECONDS = 120.0
BACK_FILL_DAYS = 1.0
MAIL_BEGUN_SECONDS = 86_400.0
DUPLICATE_NUMBER, NOT_FOUND = "6140", "610"


class QuickBooksSettings(OAuthSettings):
    """`webhook_secret` is the app's verifier token."""

    realm_id: str | None = None  # the company; else the one of `realms`
    minor_version: str = "75"
    ap_account_id: str | None = None  # the account payable of purchase orders
    billable_status: str | None = None  # of their lines
    tax_code_id: str | None = None  # of their lines
    sales_tax_code_id: str | None = None
    send_orders: bool = True  # have QuickBooks mail purchase orders
    invoices: Literal["service_appointment", "sales_order"] = "service_appointment"
    custom_fields: dict[str, str] = {}  # vin, vehicle, make, model, year, engine, service_type -> name of the field
    sales_as: Literal["invoice", "salesreceipt"] = "invoice"


class QuickBooksOnline(Platform[QuickBooksSettings]):
    title = "QuickBooks Online"
    docs = "https://developer.intuit.com/app/developer/qbo/docs/develop"
    hosts = ("quickbooks.api.intuit.com", "sandbox-quickbooks.api.intuit.com", "oauth.platform.intuit.com")
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.ORDER_SINK, Role.RECORD_SINK, Role.STATUS_TARGET})
    settings_type = QuickBooksSettings
    signature = Hmac(header="intuit-signature", encoding="base64")
    auth = OAuth2("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer", grant="refresh_token", client="basic")
    sink_class = "A"
    key_lifetime_seconds = 3600.0  # nobody says how long; afterwards the order is looked up by its number
    record_kinds: ClassVar[frozenset[RecordKind]] = frozenset({"customer", "order"})
    counts = "available"
    polls: ClassVar[Mapping[str, float]] = {"changes": 900.0, "items": 900.0}
    resources: ClassVar[Mapping[str, str]] = {"changes": r"^GET .*/cdc$", "items": r"^GET .*/query$"}
    fetches = frozenset({*ENTITIES, "inventory_item"})
    unsupported: ClassVar[Mapping[Any, str]] = {
        "change_order": "lines that a bill is linked to are locked; cancel the order and place another",
        "set_stock": "a quantity on hand is changed by bills and adjustments only; book the receipt in QuickBooks",
    }
    rate = (Rate(10.0), Rate(500.0, 60.0))
    limits = "500 calls a minute and 10 a second for a company; free apps also have a quota of reads a month"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def realms_in(self, raw: Raw) -> frozenset[str]:
        return (
            frozenset(notice.realm for notice in payloads.notices(raw.json())) if raw.resource is None else frozenset()
        )

    def is_ours(self, realm: str) -> bool:
        ours = {*self.settings.realms, *filter(None, (self.settings.realm_id,))}
        return not ours or realm in ours

    def object_key(self, raw: Raw) -> str:
        found = {f"{notice.entity}:{notice.id}" for notice in payloads.notices(raw.json())}
        return found.pop() if len(found) == 1 else super().object_key(raw)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        if raw.resource is not None:
            if not (read := list(payloads.messages(self, raw.parse(payloads.RawAnswer)))):
                raise Ignored("a customer that was deleted")
            yield from read
            return
        found = [message for notice in payloads.notices(raw.json()) for message in self._heard(notice)]
        if not found:
            raise Ignored("nothing of our company that is read: no invoice, purchase order, item or customer")
        yield from found

    def _heard(self, notice: payloads.Notice) -> Iterable[Message]:
        if not self.is_ours(notice.realm) or notice.entity not in ENTITIES:
            return
        if not notice.operation.startswith("delete"):
            yield self.fetch_command(notice.entity, [f"{notice.realm}:{notice.id}"], notice.event_id, notice.told())
        elif notice.entity in ("invoice", "purchaseorder"):
            yield payloads.gone(self, notice)

    # --- what we ask --------------------------------------------------------------------------------------------------

    def split(self, resource: str, body: bytes) -> Iterable[RawPage]:
        """Each record of an answer by itself."""
        told = orjson.loads(body)
        for entity, row in _captured(told):
            yield _page(entity, row, (), told.get("time"))
        for item in dig(told, "QueryResponse", "Item") or ():
            yield _item_page(str(item.get("Id")), [item], told.get("time"))

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        company = self._company()
        if resource == "items":
            return (yield from self._levels(company, int(cursor.get("start", "1"))))
        now = (yield from moment()).now
        start = since(cursor, now, overlap_seconds=OVERLAP_SECONDS, back_fill_days=BACK_FILL_DAYS)
        reached = max(start, now - timedelta(days=CAPTURE_DAYS))
        query = {"entities": ",".join(CAPTURED), "changedSince": reached.isoformat(timespec="seconds")}
        reply = yield from self.ask(get(f"{company.url}/cdc", query))
        found = list(_captured(reply.json()))
        for entity in CAPTURED:
            if reached > start or sum(1 for name, _ in found if name == entity) >= MOST_RECORDS:
                found += yield from _changed(company, entity, start)  # it gives no second page
        wanted = [number for name, row in found if name == "Invoice" for number in _item_ids(row)]
        items, at = yield from company.items(wanted)
        time = at or dig(reply.json(), "time")
        return Page([_page(name, row, items, time) for name, row in found], until(now))

    def _levels(self, company: Company, start: int) -> Call[Page]:
        """All items whose stock is counted, since a sale changes the figure and not always the item."""
        paged = f"startposition {start} maxresults {MOST_RECORDS}"
        rows, at = yield from company.query("Item", f"select {ITEM} from Item where Type = 'Inventory' {paged}")  # noqa: S608
        more = len(rows) >= MOST_RECORDS
        cursor = {"start": str(start + len(rows))} if more else {}
        return Page([_item_page(str(row["Id"]), [row], at) for row in rows], cursor, more)

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        """The record; an invoice with its items, since its lines have no SKU."""
        realm, _, number = command.ids[0].rpartition(":")
        if not (number.isascii() and number.isdigit()) or (realm and not self.is_ours(realm)):
            raise Refused(f"{command.ids[0]!r} is no id of this company")
        company = self._company(realm)
        if command.resource in ("item", "inventory_item"):
            items, at = yield from company.items([number])
            return _item_page(number, items, at)
        entity = ENTITIES[command.resource]
        try:
            reply = yield from self.ask(get(f"{company.url}/{command.resource}/{number}"))
        except Fault as fault:
            if NOT_FOUND not in fault.codes:
                raise
            now = (yield from moment()).now
            return _page(entity, {"Id": number, "status": GONE}, (), now.isoformat())
        row, at = dig(reply.json(), entity), dig(reply.json(), "time")
        if not isinstance(row, Mapping):
            raise reply.unreadable(f"holds no {entity}")
        items, told = yield from company.items(_item_ids(row) if entity == "Invoice" else ())
        return _page(entity, row, items, told or at)

    # --- what we make there -------------------------------------------------------------------------------------------

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        company, lines = self._company(), command.lines
        items = yield from company.catalogue("Id", [x.item_id for x in lines if x.item_id and x.unit_price is None])
        items |= yield from company.catalogue("Sku", [line.sku for line in lines if not line.item_id])
        department = self.their_place(command.ship_to) if self.settings.locations else None
        body = bodies.purchase_order(command, self.settings, items, department)
        if self.settings.send_orders and "POEmail" not in body:
            body["POEmail"] = {"Address": (yield from self._vendor_mail(company, command))}
        key = (command.extra or {}).get("request_id") or command.command_id
        try:
            made = yield from company.write("purchaseorder", body, {"requestid": key})
        except Fault as fault:
            if DUPLICATE_NUMBER not in fault.codes:
                raise
            found = yield from self.find_order(command)  # our own of an attempt before, unless it is somebody else's
            if found is None:
                raise
            return found
        return (yield from self._mailed(company, made, command.command_id))

    def find_order(self, command: ReorderCommand) -> Call[Placed | None]:
        company = self._company()
        made = yield from company.by_number("PurchaseOrder", command.reference)
        if made is None:
            return None
        vendor = digits(command.address)
        if vendor is not None and dig(made, "VendorRef", "value") != vendor:
            raise Refused(f"a purchase order to another vendor has the number {command.reference}; a person must look")
        return (yield from self._mailed(company, made, command.command_id, as_it_is=True))

    def cancel_order(self, command: CancelOrderCommand) -> Call[Placed]:
        company, number = self._company(), digits(command.external_reference)
        if number is None:
            made = yield from company.by_number("PurchaseOrder", command.reference)
            if made is None:
                raise Refused(f"no purchase order has the number {command.reference}")
            number = str(made["Id"])
        row = yield from company.change("purchaseorder", number, lambda row: bodies.closed(row, command.reason))
        if self.settings.send_orders and row.get("EmailStatus") == "NeedToSend":
            yield from self._mail(company, number)
        return Placed(f"purchaseorder:{number}", {"status": "Closed"})

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """Of a purchase order: approved is mailed, rejected is closed, what waits is not mailed; else it is a note."""
        company = self._company()
        entity, _, told = command.order_id.rpartition(":")
        number = digits(told)
        if number is None or entity not in ("invoice", "purchaseorder"):
            raise Refused(f"{command.order_id!r} is no order of QuickBooks")
        note = command.text or f"Parts {command.decision.replace('_', ' ')}"
        decision = command.decision if entity == "purchaseorder" else None
        row = yield from company.change(entity, number, lambda row: bodies.decided(row, note, decision))
        waits = row.get("EmailStatus") != "EmailSent" and dig(row, "POEmail", "Address")
        if decision in ("approved", "partly_approved") and waits and self.settings.send_orders:
            yield from self._mail(company, number)
        return Placed(command.order_id)

    def record(self, command: RecordCommand) -> Call[Placed]:
        return (yield from records.record(self._company(), self.settings, command))

    def _vendor_mail(self, company: Company, command: ReorderCommand) -> Call[str]:
        """Asked before anything is made: an order that nobody is told of is none."""
        row = yield from company.read("vendor", digits(command.address) or "")
        mail = dig(row, "PrimaryEmailAddr", "Address")
        if not mail:
            raise Refused(
                f"vendor {command.address} has no mail address in QuickBooks; set it there, or as"
                f" suppliers.{command.supplier}.contact, or turn accounts.{self.account}.send_orders off"
            )
        return str(mail)

    def _mailed(self, company: Company, made: Row, command_id: str, *, as_it_is: bool = False) -> Call[Placed]:
        """Mailed once: the answer to a repeated creation is the first one, so it does not say whether that was done."""
        number = str(made["Id"])
        placed = Placed(f"purchaseorder:{number}", {"number": str(made.get("DocNumber") or "")})
        if not self.settings.send_orders:
            return placed
        begun = f"mail.{number}"
        if not as_it_is and (yield from recall(begun)):
            made = yield from company.read("purchaseorder", number)
        if made.get("EmailStatus") != "EmailSent":
            yield from keep(begun, command_id, MAIL_BEGUN_SECONDS)
            yield from self._mail(company, number)
        return placed

    def _mail(self, company: Company, number: str) -> Call[None]:
        url = f"{company.url}/purchaseorder/{number}/send"
        yield from self.ask(HttpRequest("POST", url, {"Content-Type": "application/octet-stream"}, body=b""))

    # --- how we ask ---------------------------------------------------------------------------------------------------

    def ask(self, request: HttpRequest) -> Call[Reply]:
        """Raises Fault for a refusal in QuickBooks' own form, also inside a success."""
        query = {"minorversion": self.settings.minor_version, **request.query}
        request = replace(request, query=query, headers={"Accept": "application/json", **request.headers})
        try:
            reply = yield from super().ask(request)
        except RefusedReply as refused:
            told = bodies.fault_of(refused.reply)
            raise (told[1] if told else refused) from refused
        if (told := bodies.fault_of(reply)) is not None:
            raise reply.unreadable(str(told[1])) if told[0] == "SystemFault" else told[1]
        return reply

    def _company(self, realm: str = "") -> Company:
        settings = self.settings
        company = realm or settings.realm_id or (settings.realms[0] if len(settings.realms) == 1 else None)
        if not company:
            raise Refused(f"accounts.{self.account}.realm_id is not set: the company's id")
        return Company(f"{self.base('https://quickbooks.api.intuit.com')}/v3/company/{company}", self.ask)


def _changed(company: Company, entity: str, start: datetime) -> Call[list[tuple[str, Row]]]:
    """By query, page by page; what was deleted is not in it."""
    time = start.isoformat(timespec="seconds")
    found: list[tuple[str, Row]] = []
    while True:
        paged = f"startposition {len(found) + 1} maxresults {MOST_RECORDS}"
        statement = f"select * from {entity} where MetaData.LastUpdatedTime >= '{time}' {paged}"  # noqa: S608
        rows, _ = yield from company.query(entity, statement)
        found += [(entity, row) for row in rows]
        if len(rows) < MOST_RECORDS:
            return found


def _page(entity: str, row: Row, items: Sequence[Row], time: object) -> RawPage:
    """One record for the raw topic; an invoice with those of the items that its lines name."""
    body: dict[str, Any] = {entity: row, "time": time}
    if entity == "Invoice":
        own = set(_item_ids(row))
        body["Item"] = [item for item in items if item.get("Id") in own]
    return _raw(entity.lower(), str(row.get("Id")), body)


def _item_page(number: str, items: Sequence[Row], time: object) -> RawPage:
    """An item, or that there is none of this id."""
    return _raw("item", number, {"Item": items, "asked": [number], "time": time})


def _raw(entity: str, number: str, body: Mapping[str, Any]) -> RawPage:
    return RawPage(orjson.dumps(body), entity, f"{entity}:{number}", JSON)


def _captured(told: Any) -> Iterable[tuple[str, Row]]:
    """Entity and record of each change."""
    for answer in dig(told, "CDCResponse") or ():
        for part in dig(answer, "QueryResponse") or ():
            for entity in CAPTURED:
                yield from ((entity, row) for row in part.get(entity) or () if isinstance(row, Mapping))


def _item_ids(row: Row) -> list[str]:
    try:
        return payloads.RawTransaction.model_validate(row).item_ids()
    except ValueError:
        return []  # what is wrong with it is said where it is normalised
