"""Oracle NetSuite: purchase and sales orders, cases and stock, by a user event script and SuiteQL; purchase orders,
customers and sales orders are made there, by REST records.

Good to know:
- There is no webhook of its own. Our contract with the script (afterSubmit, `N/https`): `{"recordType", "id",
  "eventType", "account", "sentAt", "record"}`, where `record` is `JSON.stringify` of the record or is left out; the
  header X-Hub-Signature holds `sha256=` and the hex HMAC over the body. It is sent once: the polls find the rest.
- Values of a script are texts ("T", "F", days as the user writes them: `date_format`); REST has ISO days and UTC.
- SuiteQL compares times in the account's zone: `time_zone` must be that one.
- An `externalId` is unique for each kind of record: our reference goes there, so a second purchase order of the same
  reference is refused, and the look-up finds the first.
- Lines without their key are appended by PUT and PATCH; only `?replace=item` makes a repeat harmless.
- What is made is named by the header Location of an empty answer.
- The header X-NetSuite-Idempotency-Key counts for asynchronous calls alone, so it is not used.
- OAuth 1 with HMAC-SHA256 (token-based access), or OAuth 2 with a certificate: `client_id`, `private_key` and
  `certificate_id`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote

import orjson
from pydantic import SecretStr

from streamer.errors import BadSignature, Ignored, Malformed, Refused, Unavailable
from streamer.messages.base import Message
from streamer.messages.commands import (
    CancelOrderCommand,
    ChangeOrderCommand,
    FetchCommand,
    RecordCommand,
    ReorderCommand,
    WriteBackCommand,
)
from streamer.messages.orders import OrderState
from streamer.messages.records import RecordKind
from streamer.platforms import oracle_netsuite_bodies as bodies
from streamer.platforms import oracle_netsuite_records as records
from streamer.platforms import oracle_netsuite_suiteql as suiteql
from streamer.platforms.auth import Auth, ask_as
from streamer.platforms.base import (
    Call,
    Hmac,
    HttpRequest,
    OAuth1,
    OAuth2,
    OAuthSettings,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    RefusedReply,
    Reply,
    Role,
    Span,
    content_hash,
    get,
    moment,
    patch,
    post,
    put,
)
from streamer.platforms.oracle_netsuite_bodies import reference
from streamer.platforms.oracle_netsuite_records import PATHS, STOCK, id_of, text
from streamer.platforms.paging import since, until

ROWS, CHANGES = 1000, 100  # of one page of stock; of one page of changed records, each of which is read
OVERLAP_SECONDS = 300.0
BACK_FILL_DAYS = 1.0
JSON = {"content-type": "application/json"}
TOO_MANY = ("SSS_REQUEST_LIMIT_EXCEEDED", "CONCURRENCY_LIMIT")
LATER_SECONDS = 10.0
CHANGED: Mapping[str, tuple[str, str]] = {
    "purchase_orders": ("purchaseorder", "transaction WHERE type = 'PurchOrd'"),
    "sales_orders": ("salesorder", "transaction WHERE type = 'SalesOrd'"),
    "customers": ("customer", "customer WHERE 1 = 1"),
}
"""Poll -> the kind of its records, and where SuiteQL has them."""


class NetSuiteSettings(OAuthSettings):
    """`account` is the account's id (`1234567_SB1` for a sandbox): realm of the signature and part of the address."""

    account: str | None = None
    consumer_key: SecretStr | None = None
    consumer_secret: SecretStr | None = None
    token_id: SecretStr | None = None
    token_secret: SecretStr | None = None
    private_key: SecretStr | None = None
    certificate_id: str | None = None
    date_format: str = "%m/%d/%Y"  # of days in scripts and SuiteQL, as strptime writes it
    currencies: dict[str, str] = {}  # their internal id -> ISO 4217
    subsidiary: str | None = None  # internal id for new customers, and for orders where the account wants it
    approvals: Literal["approval_status", "order_status"] = "approval_status"  # whether approval routing is on
    text_field: str | None = None  # body field for the reasons of a decision, e.g. custbody_parts_note
    tax_id_field: str = "vatregnumber"
    appointments: str = "supportcase"  # the kind of record that is a workshop's appointment
    states: dict[str, OrderState] = {}  # the account's own statuses -> what they mean


def _sent_at(raw: Raw) -> datetime:
    try:
        sent = datetime.fromisoformat(raw.json()["sentAt"])
    except (Malformed, KeyError, TypeError, ValueError) as error:
        raise BadSignature("the body has no sentAt, the time that the script signs") from error
    if sent.tzinfo is None:
        raise BadSignature("sentAt has no offset")
    return sent


def _claims(settings: Any) -> Mapping[str, Any]:
    return {"iss": settings.client_id, "scope": ["rest_webservices"], "aud": CERTIFICATE.url(settings)}


CERTIFICATE = OAuth2(
    "/services/rest/auth/oauth2/v1/token",
    client="assertion",
    claims=_claims,
    algorithm="PS256",
    key_id="certificate_id",
)


class NetSuite(Platform[NetSuiteSettings]):
    title = "Oracle NetSuite"
    docs = "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_1540391670.html"
    hosts = ("*.suitetalk.api.netsuite.com",)
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.ORDER_SINK, Role.RECORD_SINK, Role.STATUS_TARGET})
    settings_type = NetSuiteSettings
    signature = Hmac(header="X-Hub-Signature", prefix="sha256=", timestamp=_sent_at)
    auth = OAuth1(realm="account")
    sink_class = "B"
    record_kinds: ClassVar[frozenset[RecordKind]] = frozenset({"customer", "order"})
    polls: ClassVar[Mapping[str, float]] = {**dict.fromkeys(CHANGED, 300.0), "customers": 0.0, STOCK: 1800.0}
    resources: ClassVar[Mapping[str, str]] = {STOCK: r"^POST .*/query/v1/suiteql$"}
    fetches = frozenset({*PATHS, "inventory_item", "purchase_order"})
    unsupported: ClassVar[Mapping[Any, str]] = {
        "subscribe": "there is no webhook to subscribe to; a user event script is deployed in the account by hand",
        "set_stock": "levels follow its own receipts and adjustments; book them there, and the poll brings them back",
    }
    backfills: ClassVar[Mapping[RecordKind, str]] = {"order": "sales_orders", "customer": "customers"}
    counts = "available"
    at_once = 4  # the smallest accounts allow five calls at a time, ours and everybody's
    limits = "calls at a time for the whole account, by its tier: 5, 15 and more; no Retry-After is promised"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def realm(self, raw: Raw) -> str | None:
        try:
            body = raw.json()
        except Malformed:
            return None
        return text(body.get("account")) or None if isinstance(body, dict) else None

    def object_key(self, raw: Raw) -> str:
        try:
            body = raw.json()
            return f"{records.kind_of(body)}:{records.need_id(body)}"
        except (Malformed, AttributeError):
            return super().object_key(raw)

    def split(self, resource: str, body: bytes) -> Iterable[RawPage]:
        told = orjson.loads(body)
        if resource != STOCK:
            return (RawPage(body, resource),)
        return [
            RawPage(orjson.dumps(row), STOCK, f"{text(row.get('id'))}/{text(row.get('location'))}", JSON)
            for row in told.get("items", ())
        ]

    def normalise(self, raw: Raw) -> Iterable[Message]:
        body = raw.json()
        if not isinstance(body, dict):
            raise Malformed("is no object")
        if raw.resource == STOCK:
            yield records.level(self, body, raw.received_at)
            return
        kind = records.kind_of(body)
        if kind == "item":
            yield records.item(self, body, raw.received_at)
            return
        if kind not in (*PATHS, self.settings.appointments):
            raise (
                Ignored(f"a record of a kind that is not read: {kind[:60]}")
                if kind
                else Malformed("is missing", field="recordType")
            )
        number, deleted = records.need_id(body), text(body.get("eventType")) == "delete"
        if not isinstance(body.get("record"), Mapping) and "fields" not in body and not deleted:
            cause = text(body.get("sentAt")) or content_hash(raw.body)
            yield self.fetch_command(kind, [number], cause, {"changed_at": body.get("sentAt", "")})
            return
        yield records.message(self, self.settings, kind, body, raw)

    # --- what we ask --------------------------------------------------------------------------------------------------

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        now = (yield from moment()).now
        if resource == STOCK:
            offset = int(cursor.get("offset", "0"))
            told = yield from self._ask_query(suiteql.LEVELS, limit=ROWS, offset=offset)
            stamped = orjson.dumps({"items": [{"as_of": now.isoformat(), **row} for row in told["items"]]})
            more = told.get("hasMore") is True
            return Page(list(self.split(STOCK, stamped)), {"offset": str(offset + ROWS)} if more else {}, more=more)
        return (yield from self._changes(resource, cursor, now))

    def _changes(self, resource: str, cursor: Mapping[str, str], now: datetime) -> Call[Page]:
        """What changed since the last look; `after` and `id` say where a run stands, `begun` when it began."""
        start = since(cursor, now, overlap_seconds=OVERLAP_SECONDS, back_fill_days=BACK_FILL_DAYS)
        pages, place = yield from self._in_order(resource, cursor, start, None)
        begun = cursor.get("begun", now.isoformat())
        if place is None:
            return Page(pages, until(datetime.fromisoformat(begun)))
        held = {"since": cursor["since"]} if "since" in cursor else {}
        return Page(pages, {**held, **place, "begun": begun}, more=True)

    def backfill(self, resource: str, span: Span, cursor: Mapping[str, str]) -> Call[Page]:
        if span.ids:
            kind, found = CHANGED[resource][0], []
            for told in span.ids:
                if (number := id_of(told.rpartition(":")[2])) is None:
                    raise Refused(f"{told[:60]!r} is no internal id")
                found.append((yield from self._read(kind, number)))
            return Page([page for page in found if page is not None], {})
        start = span.since or datetime(1970, 1, 1, tzinfo=UTC)
        pages, place = yield from self._in_order(resource, cursor, start, span.until)
        return Page(pages, place or {}, more=place is not None)

    def _in_order(
        self, resource: str, cursor: Mapping[str, str], start: datetime, end: datetime | None
    ) -> Call[tuple[list[RawPage], dict[str, str] | None]]:
        """Changed records in the order of their changes, each read whole, and where the next page begins."""
        kind, source = CHANGED[resource]
        local = [f"{time.astimezone(self.settings.zone):%Y-%m-%d %H:%M:%S}" if time else None for time in (start, end)]
        question = suiteql.changed(source, cursor.get("after") or str(local[0]), id_of(cursor.get("id")), local[1])
        told = yield from self._ask_query(question, limit=CHANGES)
        pages: list[RawPage] = []
        for row in told["items"]:
            found = yield from self._read(kind, text(row.get("id")))
            pages += [found] if found is not None else []
        if told.get("hasMore") is not True or not told["items"]:
            return pages, None
        last = told["items"][-1]
        return pages, {"after": text(last.get("changed")), "id": text(last.get("id"))}

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        """By internal id; a purchase order by our reference, too."""
        if command.resource == "purchase_order":
            told = command.ids[0].rpartition(":")[2]
            known = yield from self._known("purchaseorder", told if id_of(told) else None, told)
            return (yield from self._whole("purchaseorder", known))
        number = id_of(command.ids[0])
        if number is None:
            raise Refused(f"{command.ids[0][:60]!r} is no internal id")
        if command.resource == "inventory_item":
            found = yield from self._query(suiteql.item(number))
            body = {"recordType": "item", "id": number, "record": found[0] if found else {}}
            return RawPage(orjson.dumps(body), "inventory_item", f"item:{number}", JSON)
        return (yield from self._whole(command.resource, number))

    def _whole(self, kind: str, number: str) -> Call[RawPage]:
        page = yield from self._read(kind, number)
        if page is None:
            raise Refused(f"there is no {kind} {number}, or it may not be seen")
        return page

    def _read(self, kind: str, number: str) -> Call[RawPage | None]:
        query = {"expandSubResources": "true"}
        reply = yield from self.ask(get(self._record(kind, number), query, accept=frozenset({404})))
        if reply.status == 404:
            return None
        body = {"recordType": kind, "id": number, "record": reply.json()}
        return RawPage(orjson.dumps(body), kind, f"{kind}:{number}", JSON)

    # --- what we make there -------------------------------------------------------------------------------------------

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        """A refusal may mean that the reference is there already: then that order is the answer."""
        body = yield from self._order_body(command)
        try:
            reply = yield from self.ask(post(self._record("purchaseorder"), body))
        except RefusedReply as refused:
            if refused.status != 400 or (found := (yield from self.find_order(command))) is None:
                raise
            return found
        return _made(reply, "purchaseorder")

    def _order_body(self, command: ReorderCommand) -> Call[dict[str, Any]]:
        items = yield from self._items([line.sku for line in command.lines if not line.item_id])
        vendor = yield from self._vendor(command)
        lines = [bodies.purchase_line(self, command, line, items) for line in command.lines]
        return bodies.purchase_order(self, self.settings, command, vendor, lines)

    def find_order(self, command: ReorderCommand) -> Call[Placed | None]:
        found = yield from self._by_reference("purchaseorder", command.reference)
        return None if found is None else Placed(f"purchaseorder:{found}")

    def change_order(self, command: ChangeOrderCommand) -> Call[Placed]:
        body = yield from self._order_body(command.order)
        del body["externalId"]
        number = yield from self._known("purchaseorder", command.external_reference, command.reference)
        yield from self.ask(patch(self._record("purchaseorder", number), body, query={"replace": "item"}))
        return Placed(f"purchaseorder:{number}")

    def cancel_order(self, command: CancelOrderCommand) -> Call[Placed]:
        """A purchase order is not deleted: its lines are closed."""
        number = yield from self._known("purchaseorder", command.external_reference, command.reference)
        yield from self._close("purchaseorder", number)
        return Placed(f"purchaseorder:{number}")

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """Approved, rejected, or (what waits) left pending: by approval routing, else by the order's own status."""
        kind, _, told = command.order_id.rpartition(":")
        number = id_of(told)
        if number is None or kind not in ("purchaseorder", "salesorder"):
            raise Refused(f"{command.order_id!r} is no order of NetSuite")
        body = bodies.decision(self.settings, command)
        yield from self.ask(patch(self._record(kind, number), body))
        return Placed(command.order_id)

    def record(self, command: RecordCommand) -> Call[Placed]:
        kind = "customer" if command.entity == "customer" else "salesorder"
        known = id_of((command.external_reference or "").rpartition(":")[2])
        if known is None and command.operation != "create":
            known = yield from self._find_record(command, kind)
        if known is None:
            if command.operation == "cancel":
                return Placed(None)
            if command.operation == "find":
                raise Refused(f"there is no such {command.entity}")
            body = yield from self._record_body(command, kind)
            return _made((yield from self.ask(put(self._record(kind, reference(command.reference)), body))), kind)
        if command.operation == "cancel":
            yield from self._close(kind, known)
        elif command.operation == "upsert":
            body = yield from self._record_body(command, kind)
            query = {"replace": "item"} if kind == "salesorder" else {}
            yield from self.ask(patch(self._record(kind, known), body, query=query))
        return Placed(f"{kind}:{known}")

    def _find_record(self, command: RecordCommand, kind: str) -> Call[str | None]:
        for key in command.match if kind == "customer" else ():
            if (found := (yield from self._customer_by(key.by, key.value))) is not None:
                return found
        return (yield from self._by_reference(kind, command.reference))

    def _customer_by(self, by: str, value: str) -> Call[str | None]:
        column = {"email": "LOWER(email)", "number": "entityid", "tax_id": self.settings.tax_id_field}[by]
        found = yield from self._query(suiteql.customer(column, value.lower() if by == "email" else value))
        if len(found) > 1:
            raise Refused(f"{len(found)} customers have the same {by}; a person must look")
        return text(found[0].get("id")) if found else None

    def _record_body(self, command: RecordCommand, kind: str) -> Call[dict[str, Any]]:
        if kind == "customer":
            return bodies.customer(self.settings, command)
        if command.order is None:
            raise Refused("a record of an order without the order")
        by_id = command.match_items == "item_id"
        items = yield from self._items([] if by_id else [line.sku for line in command.order.lines if line.sku])
        entity = id_of((command.customer_reference or "").rpartition(":")[2])
        for key in command.customer_match:
            entity = entity or (yield from self._customer_by(key.by, key.value))
        if entity is None:
            raise Refused("the order's customer is not known there; a route for customers copies it first")
        return bodies.sales_order(self, command, command.order, entity, items)

    # --- how we ask ---------------------------------------------------------------------------------------------------

    def ask(self, request: HttpRequest) -> Call[Reply]:
        """Too many calls at a time are an error of the moment, whatever status says so: nothing was done."""
        settings = self.settings
        auth: Auth | None = CERTIFICATE if settings.client_id or settings.access_token else self.auth
        settings = settings.model_copy(update={"base_url": self.base("")})
        try:
            return (yield from ask_as(auth, settings, request))
        except RefusedReply as refused:
            if any(code.encode() in refused.reply.body for code in TOO_MANY):
                raise Unavailable(str(refused), retry_after_seconds=LATER_SECONDS) from refused
            raise

    def base(self, usual: str) -> str:
        account = (self.settings.account or "").lower().replace("_", "-")
        if not (self.settings.base_url or account):
            raise Refused(f"accounts.{self.account}.account is not set; NetSuite can be listened to, but not asked")
        return super().base(usual or f"https://{account}.suitetalk.api.netsuite.com")

    def _record(self, kind: str, number: str | None = None) -> str:
        path = f"{self.base('')}/services/rest/record/v1/{PATHS.get(kind, kind)}"
        return path if number is None else f"{path}/{quote(number, safe=':')}"

    def _ask_query(self, query: str, *, limit: int, offset: int = 0) -> Call[dict[str, Any]]:
        """One page of a SuiteQL question."""
        url = f"{self.base('')}/services/rest/query/v1/suiteql"
        page = {"limit": str(limit), "offset": str(offset)}
        reply = yield from self.ask(post(url, {"q": query}, {"Prefer": "transient"}, query=page, safe=True))
        told = reply.json()
        if not isinstance(told, dict) or not isinstance(told.get("items"), list):
            raise reply.unreadable("holds no items")
        return told

    def _query(self, query: str) -> Call[list[dict[str, Any]]]:
        told = yield from self._ask_query(query, limit=ROWS)
        if told.get("hasMore") is True:
            raise Refused(f"more than {ROWS} rows answer a question that expects few")
        return list(told["items"])

    def _by_reference(self, kind: str, ours: str) -> Call[str | None]:
        """The internal id of what carries our reference as its external id."""
        address = self._record(kind, reference(ours))
        reply = yield from self.ask(get(address, {"fields": "id"}, accept=frozenset({404})))
        if reply.status == 404:
            return None
        told = reply.json()
        number = id_of(told.get("id")) if isinstance(told, dict) else None
        if number is None:
            raise reply.unreadable("names no id")
        return number

    def _known(self, kind: str, external: str | None, ours: str) -> Call[str]:
        number = id_of((external or "").rpartition(":")[2]) or (yield from self._by_reference(kind, ours))
        if number is None:
            raise Refused(f"there is no {kind} with the external id {ours}")
        return number

    def _close(self, kind: str, number: str) -> Call[None]:
        reply = yield from self.ask(get(self._record(kind, number), {"expandSubResources": "true"}))
        _, lines = records.flat(reply.json())
        closed = [{"line": int(line["line"]), "isClosed": True} for line in lines if line.get("line", "").isdigit()]
        if closed:
            yield from self.ask(patch(self._record(kind, number), {"item": {"items": closed}}))

    def _items(self, skus: list[str]) -> Call[dict[str, str]]:
        """SKU -> internal id of the item."""
        if not skus:
            return {}
        found = yield from self._query(suiteql.items(sorted(set(skus))))
        return {text(one.get("itemid")): text(one.get("id")) for one in found}

    def _vendor(self, command: ReorderCommand) -> Call[str]:
        told = command.address or command.supplier
        if (known := id_of(told)) is not None:
            return known
        found = yield from self._query(suiteql.vendor(told))
        if len(found) != 1:
            raise Refused(f"suppliers.{command.supplier}.address must be the internal id or the name of one vendor")
        return text(found[0].get("id"))


def _made(reply: Reply, kind: str) -> Placed:
    """By the last part of Location; an answer without it does not say what was made."""
    number = id_of(reply.headers.get("location", "").rpartition("/")[2])
    if number is None:
        raise reply.unreadable("has no Location with the new id")
    return Placed(f"{kind}:{number}")
