"""SAP Business One: sales and purchase orders, stock of each warehouse and customers, polled from the Service Layer;
purchase orders, sales orders and customers are made there, decisions told.

Good to know:
- A log-in gives cookies (B1SESSION, behind a balancer ROUTEID) that go with every call and end after half an hour; a
  session that is gone answers 401 and is made anew once. Licences limit sessions: all calls share one.
- Dates are days of the calendar and never shifted; `UpdateDate` and `UpdateTime` stand on the clock of the company's
  server (`time_zone`). A filter knows days only, so a look reads the whole day and keeps what is new.
- DocEntry is counted for each kind of document: an object here is `Orders:4311`. DocNum is what is printed.
- Booking stock does not change an item's `UpdateDate`: levels are read of all items.
- There is no idempotency key: our reference stands in `NumAtCard` (of a customer in `AdditionalID`) and is looked for
  before anything is made again. Where approvals are active an order becomes a draft first: drafts are looked at, too.
- A document on which another is based cannot be cancelled; it is closed instead, which gives up what is left.
- A push (event subscription) names keys only, and nobody describes its body: it is read tolerantly, believed only with
  the Basic credentials of `webhook_secret`, and what it names is read back.
- An own certificate of a server in the house is trusted through the environment variable SSL_CERT_FILE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote

import orjson
from pydantic import SecretStr

from streamer.errors import Refused
from streamer.messages.base import Message
from streamer.messages.commands import (
    CancelOrderCommand,
    ChangeOrderCommand,
    FetchCommand,
    RecordCommand,
    ReorderCommand,
    WriteBackCommand,
)
from streamer.messages.records import RecordKind
from streamer.platforms import sap_business_one_bodies as bodies
from streamer.platforms import sap_business_one_payloads as payloads
from streamer.platforms.auth import plain
from streamer.platforms.base import (
    AccountSettings,
    Basic,
    Call,
    HttpRequest,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    RefusedReply,
    Reply,
    Role,
    Session,
    get,
    moment,
    patch,
    post,
)
from streamer.platforms.paging import all_pages, by_field, dig, since, until
from streamer.platforms.sap_business_one_bodies import Row, quoted
from streamer.platforms.sap_business_one_payloads import KEYS, READ_AT, YES

JSON = {"content-type": "application/json"}
PAGES_OF = {"Prefer": "odata.maxpagesize=100"}
REPLACE = {"B1S-ReplaceCollectionsOnPatch": "true"}  # else lines that are left out stay
OVERLAP_SECONDS = 300.0
BACK_FILL_DAYS = 1.0
DOCUMENT = (
    "DocEntry,DocNum,DocType,DocDate,DocDueDate,DocTime,CreationDate,CardCode,CardName,NumAtCard,DocCurrency,DocTotal,"
    "Comments,UpdateDate,UpdateTime,DocumentStatus,Cancelled,Confirmed,AuthorizationStatus,AddressExtension,DocumentLines"
)
FIELDS: Mapping[str, str] = {
    "Orders": DOCUMENT,
    "PurchaseOrders": DOCUMENT,
    "Items": "ItemCode,ItemName,UpdateDate,UpdateTime,ItemWarehouseInfoCollection",
    "BusinessPartners": (
        "CardCode,CardName,CardType,EmailAddress,Phone1,FederalTaxID,AdditionalID,UpdateDate,UpdateTime,BPAddresses"
    ),
}
MATCHES: Mapping[str, str] = {"email": "EmailAddress", "tax_id": "FederalTaxID", "number": "CardCode"}


class SapBusinessOneSettings(AccountSettings):
    """`base_url` is the server with its port (50000); `webhook_secret`, for pushed events, is `user:password`."""

    company_db: str | None = None
    user: str | None = None
    password: SecretStr | None = None
    api: Literal["v1", "v2"] = "v1"  # OData 3 or 4
    branch_id: int | None = None  # where branches are active
    customer_series: int | None = None  # numbering of customers that are made there; else their number is our own


def _root(settings: SapBusinessOneSettings) -> str:
    if not settings.base_url:
        raise Refused(f"accounts.{settings.name}.base_url is not set: the address of the Service Layer")
    return f"{settings.base_url.rstrip('/')}/b1s/{settings.api}"


def _login(settings: SapBusinessOneSettings) -> HttpRequest:
    body = {
        "CompanyDB": plain(settings, "company_db"),
        "UserName": plain(settings, "user"),
        "Password": plain(settings, "password"),
    }
    return post(f"{_root(settings)}/Login", body)


def _session(reply: Reply) -> dict[str, str]:
    """The cookies; where a proxy took them away, the one that must be there."""
    own = dig(reply.json(), "SessionId")
    return {"Cookie": "; ".join(reply.cookies) or (f"B1SESSION={own}" if own else "")}


class SapBusinessOne(Platform[SapBusinessOneSettings]):
    title = "SAP Business One"
    docs = "https://help.sap.com/docs/SAP_BUSINESS_ONE"
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.ORDER_SINK, Role.RECORD_SINK, Role.STATUS_TARGET})
    settings_type = SapBusinessOneSettings
    signature = Basic()
    auth = Session(_login, _session)
    sink_class = "B"
    record_kinds: ClassVar[frozenset[RecordKind]] = frozenset({"customer", "order"})
    counts = "available"
    polls: ClassVar[Mapping[str, float]] = {
        "Orders": 300.0,
        "PurchaseOrders": 300.0,
        "Items": 900.0,
        "BusinessPartners": 900.0,
    }
    resources: ClassVar[Mapping[str, str]] = {name: rf"^GET .*/{name}(\(|$)" for name in KEYS}
    fetches = frozenset(KEYS)
    unsupported: ClassVar[Mapping[Any, str]] = {
        "set_stock": "levels change by documents only; book the goods receipt of the purchase order there",
    }
    limits = "none published; licences and the server's threads are the limit, 502 or 503 when no node is free"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def object_key(self, raw: Raw) -> str:
        resource, key, _ = payloads.notice(raw.json())
        return f"{resource}:{key}"

    def split(self, resource: str, body: bytes) -> Iterable[RawPage]:
        """Each record of an answer by itself."""
        told = orjson.loads(body)
        rows = dig(told, "value")
        return [_page(resource, row) for row in (rows if isinstance(rows, list) else [told]) if isinstance(row, dict)]

    def normalise(self, raw: Raw) -> Iterable[Message]:
        if raw.resource is not None:
            yield from payloads.messages(self, raw)
            return
        resource, key, event = payloads.notice(raw.json())
        yield self.fetch_command(resource, [key], event)

    # --- what we ask --------------------------------------------------------------------------------------------------

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        if resource == "Items":
            return (yield from self._levels(cursor))
        now = (yield from moment()).now
        start = since(cursor, now, overlap_seconds=OVERLAP_SECONDS, back_fill_days=BACK_FILL_DAYS)
        start = start.astimezone(self.settings.zone).replace(tzinfo=None)
        query = {
            "$select": FIELDS[resource],
            "$filter": f"UpdateDate ge '{start:%Y-%m-%d}'",
            "$orderby": f"{KEYS[resource]} asc",
        }
        pages = yield from all_pages(self.ask, get(self._url(resource), query, PAGES_OF), by_field(self._next))
        rows = [row for page in pages for row in _rows(page) if _is_new(row, start)]
        return Page([_page(resource, row) for row in rows], until(now))

    def _levels(self, cursor: Mapping[str, str]) -> Call[Page]:
        """All items that are kept on stock, a page at a time."""
        query = {"$select": FIELDS["Items"], "$filter": f"InventoryItem eq '{YES}'", "$orderby": "ItemCode asc"}
        first = get(self._url("Items"), {**query, "$skip": cursor.get("skip", "0")}, PAGES_OF)
        now = (yield from moment()).now
        reply = yield from self.ask(first)
        rows = _rows(reply)
        more = bool(rows) and bool(dig(reply.json(), self._next))
        following = {"skip": str(int(cursor.get("skip", "0")) + len(rows))} if more else {}
        return Page([_page("Items", {**row, READ_AT: now.isoformat()}) for row in rows], following, more)

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        resource, key = command.resource, command.ids[0]
        if resource not in KEYS:
            raise Refused(f"{resource!r} is nothing that is read")
        now = (yield from moment()).now
        row = yield from self._read(resource, key, FIELDS[resource])
        return _page(resource, {**row, READ_AT: now.isoformat()} if resource == "Items" else row)

    # --- what we make there -------------------------------------------------------------------------------------------

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        reply = yield from self.ask(post(self._url("PurchaseOrders"), bodies.purchase_order(self, command)))
        made = _made(reply)
        draft = (
            str(made.get("odata.metadata") or made.get("@odata.context") or "").partition("#")[2].startswith("Draft")
        )
        return _placed("Drafts" if draft else "PurchaseOrders", made)

    def find_order(self, command: ReorderCommand) -> Call[Placed | None]:
        if not command.address:
            raise Refused(f"suppliers.{command.supplier}.address must be a CardCode")
        wanted = f"NumAtCard eq {quoted(command.reference)} and CardCode eq {quoted(command.address)}"
        made = yield from self._one("PurchaseOrders", f"{wanted} and Cancelled eq 'tNO'", "DocEntry,DocNum")
        if made is not None:
            return _placed("PurchaseOrders", made)
        draft = yield from self._one("Drafts", f"{wanted} and DocObjectCode eq 'oPurchaseOrders'", "DocEntry,DocNum")
        return None if draft is None else _placed("Drafts", draft)

    def cancel_order(self, command: CancelOrderCommand) -> Call[Placed]:
        resource, entry = yield from self._ours(command.external_reference, command.reference)
        if resource != "PurchaseOrders":
            raise Refused(f"{command.reference} is a draft that waits for an approval in SAP; a person must reject it")
        yield from self._call_off(resource, entry)
        return Placed(f"{resource}:{entry}")

    def change_order(self, command: ChangeOrderCommand) -> Call[Placed]:
        """Lines keep their numbers, so that what was received of them stays."""
        resource, entry = yield from self._ours(command.external_reference, command.reference)
        known = yield from self._read(resource, entry, "DocEntry,DocumentLines")
        body = bodies.purchase_order(self, command.order)
        wanted = {name: value for name, value in body.items() if name in ("DocDueDate", "Comments")}
        lines = bodies.merged(body["DocumentLines"], known.get("DocumentLines") or ())
        yield from self._patch(resource, entry, {**wanted, "DocumentLines": lines}, REPLACE)
        return Placed(f"{resource}:{entry}")

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """Approved is released, rejected is cancelled (or closed), what waits is not released and a back order."""
        resource, _, entry = command.order_id.rpartition(":")
        if resource not in ("Orders", "PurchaseOrders"):
            raise Refused(f"{command.order_id!r} is no order of SAP Business One")
        if command.decision == "rejected":
            yield from self._call_off(resource, entry)
        else:
            known = yield from self._read(resource, entry, "DocEntry,Comments,Confirmed,DocumentLines")
            if body := bodies.decision(command, known):
                yield from self._patch(resource, entry, body, {})
        return Placed(command.order_id)

    def record(self, command: RecordCommand) -> Call[Placed]:
        customer = command.entity == "customer"
        resource = "BusinessPartners" if customer else "Orders"
        known = (command.external_reference or "").rpartition(":")[2] or None
        if known is None and command.operation != "create":
            known = yield from self._find_record(command, resource)
        if command.operation == "cancel":
            if known is not None and customer:
                yield from self._patch(resource, known, {"Frozen": YES}, {})
            elif known is not None:
                yield from self._call_off(resource, known)
        elif known is None:
            if command.operation == "find":
                raise Refused(f"there is no such {command.entity}")
            made = _made((yield from self.ask(post(self._url(resource), (yield from self._body(command, new=True))))))
            known = str(made[KEYS[resource]])
        elif command.operation == "upsert":
            yield from self._update(command, resource, known)
        return Placed(known if customer or known is None else f"{resource}:{known}")

    def _update(self, command: RecordCommand, resource: str, known: str) -> Call[None]:
        body = yield from self._body(command, new=False)
        if resource == "Orders":
            before = yield from self._read(resource, known, "DocEntry,DocumentLines")
            body = {name: value for name, value in body.items() if name not in ("CardCode", "DocDate")}
            body["DocumentLines"] = bodies.merged(body["DocumentLines"], before.get("DocumentLines") or ())
        yield from self._patch(resource, known, body, REPLACE if resource == "Orders" else {})

    def _body(self, command: RecordCommand, *, new: bool) -> Call[dict[str, Any]]:
        if command.entity == "customer":
            return bodies.partner(self, command, new=new)
        today = (yield from moment()).now.astimezone(self.settings.zone).date().isoformat()
        return bodies.sales_order(self, command, (yield from self._customer(command)), today)

    def _customer(self, command: RecordCommand) -> Call[str]:
        if known := (command.customer_reference or "").rpartition(":")[2]:
            return known
        for key in command.customer_match:
            wanted = f"{MATCHES[key.by]} eq {quoted(key.value)} and CardType eq 'cCustomer'"
            if found := (yield from self._one("BusinessPartners", wanted, "CardCode")):
                return str(found["CardCode"])
        raise Refused("the order's customer is not known there; a route for customers copies it first")

    def _find_record(self, command: RecordCommand, resource: str) -> Call[str | None]:
        if resource == "Orders":
            filters = [f"NumAtCard eq {quoted(command.reference)} and Cancelled eq 'tNO'"]
        else:
            filters = [f"{MATCHES[key.by]} eq {quoted(key.value)} and CardType eq 'cCustomer'" for key in command.match]
            filters.append(f"AdditionalID eq {quoted(command.reference)}")
        for wanted in filters:
            if found := (yield from self._one(resource, wanted, KEYS[resource])):
                return str(found[KEYS[resource]])
        return None

    def _ours(self, known: str | None, reference: str) -> Call[tuple[str, str]]:
        """Kind and number of our purchase order. Raises Refused."""
        resource, _, entry = (known or "").rpartition(":")
        if entry:
            return resource or "PurchaseOrders", entry
        found = yield from self._one("PurchaseOrders", f"NumAtCard eq {quoted(reference)}", "DocEntry")
        if found is None:
            raise Refused(f"no purchase order has the reference {reference}")
        return "PurchaseOrders", str(found["DocEntry"])

    def _call_off(self, resource: str, entry: str) -> Call[None]:
        """Cancelled, or closed where another document is based on it; done if it is either."""
        known = yield from self._read(resource, entry, "DocEntry,Cancelled,DocumentStatus")
        if known.get("Cancelled") == YES or known.get("DocumentStatus") not in (None, "bost_Open"):
            return
        try:
            yield from self.ask(post(f"{self._url(resource, entry)}/Cancel"))
        except RefusedReply as refused:
            if refused.status != 400:
                raise
            yield from self.ask(post(f"{self._url(resource, entry)}/Close"))

    # --- how we ask ---------------------------------------------------------------------------------------------------

    def _one(self, resource: str, wanted: str, fields: str) -> Call[Row | None]:
        """Raises Refused where several fit."""
        reply = yield from self.ask(get(self._url(resource), {"$select": fields, "$filter": wanted}))
        rows = _rows(reply)
        if len(rows) > 1:
            raise Refused(f"{len(rows)} of {resource} fit {wanted}; a person must look")
        return rows[0] if rows else None

    def _read(self, resource: str, key: str, fields: str) -> Call[Row]:
        reply = yield from self.ask(get(self._url(resource, key), {"$select": fields}))
        told = reply.json()
        if not isinstance(told, dict):
            raise reply.unreadable("is no record")
        return told

    def _patch(self, resource: str, key: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Call[None]:
        yield from self.ask(patch(self._url(resource, key), body, headers))

    def _url(self, resource: str, key: str | None = None) -> str:
        if key is None:
            return f"{_root(self.settings)}/{resource}"
        text = KEYS.get(resource, "DocEntry") != "DocEntry"
        if not text and not (key.isascii() and key.isdigit()):
            raise Refused(f"{key!r} is no DocEntry")
        return f"{_root(self.settings)}/{resource}({quote(quoted(key) if text else key, safe=chr(39))})"

    @property
    def _next(self) -> str:
        return "odata.nextLink" if self.settings.api == "v1" else "@odata.nextLink"


def _page(resource: str, row: Row) -> RawPage:
    return RawPage(orjson.dumps(row), resource, f"{resource}:{row.get(KEYS.get(resource, ''))}", JSON)


def _rows(reply: Reply) -> Sequence[Row]:
    rows = dig(reply.json(), "value")
    if not isinstance(rows, list):
        raise reply.unreadable("holds no list")
    return [row for row in rows if isinstance(row, dict)]


def _made(reply: Reply) -> Row:
    told = reply.json()
    if not isinstance(told, dict) or not (told.get("DocEntry") or told.get("CardCode")):
        raise reply.unreadable("does not say what was made")
    return told


def _placed(resource: str, row: Row) -> Placed:
    if not row.get("DocEntry"):
        raise Refused(f"a record of {resource} without DocEntry")
    return Placed(f"{resource}:{row['DocEntry']}", {"number": str(row.get("DocNum") or "")})


def _is_new(row: Row, start: datetime) -> bool:
    """By the second; `start` on the server's clock. What says no time of day is taken as new."""
    told = f"{str(row.get('UpdateDate') or '')[:10]}T{row.get('UpdateTime') or ''}"
    try:
        return datetime.fromisoformat(told) >= start
    except ValueError:
        return True
