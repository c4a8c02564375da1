"""ServiceNow field service: work orders come as appointments, what was done about parts goes back as a work note.

Good to know:
- There is no webhook of its own: a flow or business rule sends what its author typed. We take a bare row, an answer of
  the Table API, and `{"event", "table", "sys_id", "record"}`; a record that is missing is fetched.
- Every value is text, empty is "", and a reference is text or an object in one of three shapes. Times are UTC without
  saying so.
- A field that the integration user may not see is absent, and one that does not exist is ignored on write: the answer
  to a write is looked at.
- Numbers of states differ between installations: `states` says what they mean.
- Stock of `alm_consumable` is one row for each parcel: the poll (off unless `polls` asks for it) adds up what can be
  had.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import orjson
from pydantic import SecretStr

from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand, WriteBackCommand
from streamer.messages.orders import Order, OrderState
from streamer.messages.people import Appointment, Customer, Vehicle
from streamer.messages.stock import StockLevel
from streamer.platforms.auth import Auth, ask_as
from streamer.platforms.base import (
    Basic,
    BasicAuth,
    Call,
    Either,
    HttpRequest,
    Key,
    OAuth2,
    OAuthSettings,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    Reply,
    Role,
    Token,
    content_hash,
    get,
    moment,
    patch,
    version_of,
)
from streamer.platforms.paging import all_pages, by_offset, since, until

PAGE = 500
OVERLAP_SECONDS = 60.0  # rows of the same second may appear later
BACK_FILL_DAYS = 1.0
JSON = {"content-type": "application/json"}
ORDERS, STOCK = "wm_order", "alm_consumable"
STATES: Mapping[str, OrderState] = {"3": "closed", "4": "cancelled", "7": "cancelled"}
"""Closed Complete, Closed Incomplete (its parts come back), Canceled."""


class ServiceNowSettings(OAuthSettings):
    """Who we are: `credentials` (base64 of `user:password`), or `username` and `password`, or an OAuth client."""

    username: str | None = None
    password: SecretStr | None = None
    credentials: SecretStr | None = None
    table: str = ORDERS
    service_type_field: str = "short_description"
    states: dict[str, OrderState] = dict(STATES)
    text_field: str = "work_notes"
    reference_field: str | None = None  # where our number goes; the answer must show it


class ServiceNow(Platform[ServiceNowSettings]):
    title = "ServiceNow"
    docs = "https://www.servicenow.com/docs/"
    hosts = ("*.service-now.com",)
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.STATUS_TARGET})
    settings_type = ServiceNowSettings
    signature = Either((Token(header="Authorization", prefix="Bearer "), Basic()))
    auth = OAuth2("/oauth_token.do")
    polls: ClassVar[Mapping[str, float]] = {ORDERS: 300.0, STOCK: 0.0}
    resources: ClassVar[Mapping[str, str]] = {ORDERS: r"^GET .*/table/\w+"}
    fetches = frozenset({ORDERS})
    unsupported: ClassVar[Mapping[Any, str]] = {
        "place_order": "a work order is no purchase order; order by a supplier's or an ERP's account",
    }
    limits = "set by each installation, in calls an hour; 429 with Retry-After"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def object_key(self, raw: Raw) -> str:
        try:
            body = raw.json()
            return value(body.get("record", body).get("sys_id") or body["sys_id"])
        except (Malformed, KeyError, AttributeError):
            return super().object_key(raw)

    def split(self, resource: str, body: bytes) -> Iterable[RawPage]:
        for row in rows(orjson.loads(body)):
            yield RawPage(orjson.dumps(row), resource, value(row.get("sys_id")), JSON)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        body = raw.json()
        if not isinstance(body, dict):
            raise Malformed("is no object")
        if body.get("table", self.settings.table) not in (self.settings.table, STOCK):
            raise Ignored("a row of a table that is not asked for")
        if body.get("table") == STOCK:
            yield self._level(body)
            return
        if str(body.get("event", "")).endswith(".deleted"):
            raise Ignored("a deleted row; it is cancelled before")
        if body.get("record") is None and "event" in body:
            yield self.fetch_command(ORDERS, [value(body.get("sys_id"))], content_hash(raw.body))
            return
        for row in rows(body.get("record", body)):
            yield self._order(row, raw)

    def _order(self, row: Mapping[str, Any], raw: Raw) -> Order:
        sys_id = value(row.get("sys_id"))
        if not sys_id:
            raise Malformed("is missing", field="record.sys_id")
        changed = time(row, "sys_updated_on") or time(row, "sys_created_on")
        state = value(row.get("state"))
        held = {ours: text for ours, theirs in self.settings.field_map.items() if (text := value(row.get(theirs)))}
        company = value(row.get("company"))
        reference = value(row.get(self.settings.reference_field)) if self.settings.reference_field else ""
        return Order(
            account=self.account,
            platform=self.name,
            kind="service_appointment",
            source_id=sys_id,
            number=value(row.get("number")) or None,
            version=version_of(changed) if changed else content_hash(raw.body),
            occurred_at=time(row, "opened_at") or time(row, "sys_created_on"),
            state=self.settings.states.get(state, "open"),
            status=state or None,
            customer=Customer(id=company) if company else None,
            customer_reference=reference or None,
            location=self.place(value(row.get("location"))),
            due_date=value(row.get("due_date"))[:10] or None,
            appointment=Appointment(
                service_type=value(row.get(self.settings.service_type_field)) or None,
                scheduled_at=time(row, "expected_start") or time(row, "work_start"),
                state=state or None,
                vehicle=_vehicle(row, held),
            ),
            extra={name: text for name, text in held.items() if name not in Vehicle.model_fields},
        )

    def _level(self, parcel: Mapping[str, Any]) -> StockLevel:
        """What the poll added up, of one model in one stockroom."""
        try:
            as_of, level = datetime.fromisoformat(parcel["as_of"]), Decimal(parcel["quantity"])
        except (KeyError, ValueError, ArithmeticError) as error:
            raise Malformed("is no sum of consumables as our poll writes it", field="quantity") from error
        return StockLevel(
            account=self.account,
            platform=self.name,
            location=self.level_place(parcel.get("stockroom")),
            sku=value(parcel.get("sku")),
            level=level,
            counts=self.settings.counts or "available",
            as_of=as_of,
        )

    # --- what we ask and send -----------------------------------------------------------------------------------------

    def ask(self, request: HttpRequest) -> Call[Reply]:
        settings, accepted = self.settings, {"Accept": "application/json", **request.headers}
        ways: tuple[tuple[object, Auth], ...] = (
            (settings.client_id or settings.access_token, self.auth),
            (settings.credentials, Key("credentials", prefix="Basic ")),
        )
        auth = next((way for told, way in ways if told), BasicAuth())
        return (yield from ask_as(auth, settings, replace(request, headers=accepted)))

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        now = (yield from moment()).now
        if resource == STOCK:
            return Page((yield from self._parcels(now)), until(now))
        start = since(cursor, now, overlap_seconds=OVERLAP_SECONDS, back_fill_days=BACK_FILL_DAYS).astimezone(UTC)
        wanted = (
            f"sys_updated_on>=javascript:gs.dateGenerate('{start:%Y-%m-%d}','{start:%H:%M:%S}')"
            "^ORDERBYsys_updated_on^ORDERBYsys_id"
        )
        pages = yield from self._rows(self.settings.table, {"sysparm_query": wanted})
        return Page([record for page in pages for record in self.split(resource, page.body)], until(now))

    def _parcels(self, now: datetime) -> Call[list[RawPage]]:
        """Sums of what is in stock and available, by model number and stockroom."""
        fields = "sys_id,quantity,stockroom,model.model_number"
        pages = yield from self._rows(
            STOCK, {"sysparm_query": "install_status=6^substatus=available^ORDERBYsys_id", "sysparm_fields": fields}
        )
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for page in pages:
            for row in rows(page.json()):
                if sku := value(row.get("model.model_number")):
                    sums[sku, value(row.get("stockroom"))] += Decimal(value(row.get("quantity")) or "0")
        return [
            RawPage(
                orjson.dumps(
                    {"table": STOCK, "sku": sku, "stockroom": room, "quantity": str(total), "as_of": now.isoformat()}
                ),
                STOCK,
                f"{sku}/{room}",
                JSON,
            )
            for (sku, room), total in sorted(sums.items())
        ]

    def _rows(self, table: str, query: Mapping[str, str]) -> Call[list[Reply]]:
        first = get(self._url(table), {**query, "sysparm_limit": str(PAGE), "sysparm_exclude_reference_link": "true"})
        return (yield from all_pages(self.ask, first, by_offset("sysparm_offset", PAGE, _count)))

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        number = command.ids[0]
        reply = yield from self.ask(get(f"{self._url(self.settings.table)}/{number}"))
        return RawPage(reply.body, command.resource, number, JSON)

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """A work note. A field that the table does not know is ignored without a word, so the answer must show ours."""
        field = self.settings.reference_field
        reference = (command.extra or {}).get("reference") or command.command_id
        body = {self.settings.text_field: command.text or _words(command)}
        shown = "sys_id,number"
        if field:
            body[field] = reference
            shown += f",{field}"
        url = f"{self._url(self.settings.table)}/{command.order_id}"
        reply = yield from self.ask(patch(url, body, query={"sysparm_fields": shown}))
        row = next(iter(rows(reply.json())), {})
        if field and value(row.get(field)) != reference:
            raise Refused(f"accounts.{self.account}.reference_field: the table did not take {field}")
        return Placed(value(row.get("sys_id")) or command.order_id, {"number": value(row.get("number"))})

    def _url(self, table: str) -> str:
        base = self.base("")
        if not base:
            raise Refused(f"accounts.{self.account}.base_url is not set; ServiceNow can be listened to, but not asked")
        return f"{base}/api/now/table/{table}"


def value(field: Any) -> str:
    """The raw text of a field, whichever of its shapes it has."""
    if isinstance(field, Mapping):
        field = field.get("value") if "value" in field else field.get("display_value")
    return str(field).strip() if isinstance(field, str | int | float) and not isinstance(field, bool) else ""


def time(row: Mapping[str, Any], field: str) -> datetime | None:
    """`2025-03-04 07:58:11`, which is UTC. Raises Malformed."""
    text = value(row.get(field))
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed("is no time as the Table API writes it", field=f"record.{field}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def rows(body: Any) -> Iterable[Mapping[str, Any]]:
    """One row, or the result of a question. Raises Malformed."""
    found = body.get("result", body) if isinstance(body, Mapping) else body
    for row in found if isinstance(found, list) else [found]:
        if not isinstance(row, Mapping):
            raise Malformed("is no row of a table", field="record")
        yield row


def _count(reply: Reply) -> int:
    return len(list(rows(reply.json())))


def _vehicle(row: Mapping[str, Any], held: Mapping[str, str]) -> Vehicle | None:
    asset = value(row.get("asset")) or value(row.get("cmdb_ci"))
    year = held.get("year", "")
    if not asset and not held.keys() & Vehicle.model_fields.keys():
        return None
    return Vehicle(
        vin=held.get("vin"),
        make=held.get("make"),
        model=held.get("model"),
        year=int(year) if year.isascii() and year.isdigit() else None,
        engine=held.get("engine"),
        registration=held.get("registration") or asset or None,
    )


def _words(command: WriteBackCommand) -> str:
    lines = "; ".join(f"{line.sku or line.line_id}: {line.decision}" for line in command.lines)
    return f"Parts {command.decision.replace('_', ' ')}" + (f" ({lines})" if lines else "")
