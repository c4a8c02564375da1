"""Local ERP: an ERP to copy records into; `streamer up` runs it beside us.

Good to know:
- It makes a second customer or order of whatever it is told to make, so each is looked for first: by the id that the
  ledger knows, then by the match keys or our reference.
- An order names its customer by the ERP's own id, and is refused (422) when that customer is not there.
- What it has is told by webhook (hex HMAC-SHA256 over the body in X-Erp-Signature) and can be read again by time and
  by id, in pages of 50; both carry our reference, so what we made ourselves is known as an echo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from streamer.errors import Malformed, Refused
from streamer.messages.base import Currency, Message, Quantity, plain
from streamer.messages.commands import RecordCommand
from streamer.messages.orders import CustomerRecord, Order, OrderLine, OrderState
from streamer.messages.people import Customer
from streamer.messages.records import Match, RecordKind
from streamer.platforms.base import (
    AccountSettings,
    Call,
    Hmac,
    HttpRequest,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    Role,
    Span,
    get,
    post,
    send,
    version_of,
)

COLLECTIONS: dict[RecordKind, str] = {
    "customer": "customers",
    "order": "orders",
    "address": "addresses",
    "lead": "leads",
    "deal": "deals",
}


class LocalErpSettings(AccountSettings):
    token: SecretStr


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class RawLine(_Read):
    line: str
    sku: str | None = None
    quantity: Quantity
    unit_price: Decimal | None = None


class RawRecord(_Read):
    id: str
    changed_at: AwareDatetime
    reference: str | None = None
    number: str | None = None
    state: OrderState = "open"
    currency: Currency | None = None
    customer: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    tax_id: str | None = None
    lines: tuple[RawLine, ...] = ()


class RawNotice(_Read):
    type: str
    record: RawRecord


class RawMade(_Read):
    id: str


class RawFound(_Read):
    records: tuple[RawMade, ...]


class RawPageOf(_Read):
    records: tuple[dict[str, Any], ...]
    after: int | None = Field(default=None)


class LocalErp(Platform[LocalErpSettings]):
    title = "Local ERP"
    docs = "https://www.rfc-editor.org/rfc/rfc9110"  # it is ours; this is all it speaks
    roles = frozenset({Role.SOURCE, Role.RECORD_SINK})
    settings_type = LocalErpSettings
    signature = Hmac(header="X-Erp-Signature")
    record_kinds = frozenset(COLLECTIONS)
    backfills: ClassVar[Mapping[RecordKind, str]] = {"customer": "customers", "order": "orders"}
    resources: ClassVar[Mapping[str, str]] = {"customers": r"GET /customers$", "orders": r"GET /orders$"}
    visibility_seconds = 1.0
    limits = "none: it is ours"

    # --- what arrives

    def object_key(self, raw: Raw) -> str:
        try:
            return raw.parse(RawNotice).record.id
        except Malformed:
            return super().object_key(raw)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        notice = raw.parse(RawNotice)
        if notice.type == "orders":
            yield self._order(notice.record)
        elif notice.type == "customers":
            yield self._customer(notice.record)
        else:
            raise Malformed(f"{notice.type[:60]!r} is neither orders nor customers", field="type")

    def _order(self, record: RawRecord) -> Order:
        return Order(
            account=self.account,
            platform=self.name,
            kind="sales_order",
            source_id=record.id,
            number=record.number,
            version=version_of(record.changed_at),
            state=record.state,
            currency=record.currency,
            customer=Customer(id=record.customer) if record.customer else None,
            references=(record.reference,) if record.reference else (),
            location=self.settings.default_location,
            lines=tuple(
                OrderLine(line_id=line.line, sku=line.sku, quantity=line.quantity, unit_price=line.unit_price)
                for line in record.lines
            ),
        )

    def _customer(self, record: RawRecord) -> CustomerRecord:
        return CustomerRecord(
            account=self.account,
            platform=self.name,
            kind="customer",
            source_id=record.id,
            version=version_of(record.changed_at),
            customer=Customer(
                id=record.id,
                number=record.number,
                name=record.name,
                email=record.email,
                phone=record.phone,
                company=record.company,
                tax_id=record.tax_id,
            ),
            references=(record.reference,) if record.reference else (),
        )

    def backfill(self, resource: str, span: Span, cursor: Mapping[str, str]) -> Call[Page]:
        query = {"after": cursor.get("after", "0")}
        if span.since is not None:
            query["since"] = span.since.isoformat()
        if span.until is not None:
            query["until"] = span.until.isoformat()
        if span.ids:
            query["ids"] = ",".join(span.ids)
        reply = yield from send(get(self._url(resource), query, self._token()))
        found = reply.parse(RawPageOf)
        pages = [
            RawPage(orjson.dumps({"type": resource, "record": one}), resource, str(one.get("id") or "") or None)
            for one in found.records
        ]
        return Page(pages, {} if found.after is None else {"after": str(found.after)}, more=found.after is not None)

    # --- what is copied here

    def record(self, command: RecordCommand) -> Call[Placed]:
        collection = COLLECTIONS[command.entity]
        known = command.external_reference
        if known is None and command.operation != "create":
            known = yield from self._find(command, collection)
        if command.operation == "cancel":
            if known is not None:
                yield from self._put(collection, known, {"state": "cancelled"})
            return Placed(known)
        if known is None:
            if command.operation == "find":
                raise Refused(f"there is no such {command.entity}")
            reply = yield from send(post(self._url(collection), _body(command), self._token()))
            return Placed(reply.parse(RawMade).id)
        if command.operation == "upsert":
            yield from self._put(collection, known, _body(command))
        return Placed(known)

    def _find(self, command: RecordCommand, collection: str) -> Call[str | None]:
        keys = [*command.match, None] if command.match else [None]
        for key in keys:
            query: dict[str, str] = {key.by: key.value} if isinstance(key, Match) else {"reference": command.reference}
            reply = yield from send(get(self._url(collection), query, self._token()))
            found = reply.parse(RawFound).records
            if found:
                return found[0].id
        return None

    def _put(self, collection: str, known: str, body: Mapping[str, Any]) -> Call[None]:
        """A whole new content; the same twice changes nothing."""
        yield from send(HttpRequest("PUT", f"{self._url(collection)}/{known}", self._token(), json=dict(body)))

    def _url(self, collection: str) -> str:
        return f"{self.base('http://127.0.0.1:8092')}/{collection}"

    def _token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.token.get_secret_value()}"}


def _body(command: RecordCommand) -> dict[str, Any]:
    """The record in the ERP's own form; the route's native fields go as they are."""
    body: dict[str, Any] = {"reference": command.reference}
    if command.customer is not None:
        body |= {name: value for name, value in _person(command.customer.customer) if value is not None}
    if command.order is not None:
        order = command.order
        body |= {
            "number": order.number,
            "state": order.state,
            "currency": order.currency,
            "comment": order.comment,
            "customer": command.customer_reference,
            "ship_to": order.ship_to.model_dump(exclude_none=True) if order.ship_to else None,
            "lines": [_line(line, command.line_fields.get(line.line_id, {})) for line in order.lines],
        }
    if command.address is not None:
        body |= {"customer": command.customer_reference, "address": command.address.model_dump(exclude_none=True)}
    return body | command.fields


def _person(customer: Customer) -> Iterator[tuple[str, str | None]]:
    for name in ("number", "name", "email", "phone", "company", "tax_id"):
        yield name, getattr(customer, name)


def _line(line: OrderLine, more: Mapping[str, str]) -> dict[str, Any]:
    return {
        "line": line.line_id,
        "sku": line.supplier_sku or line.sku,
        "quantity": plain(line.quantity),
        "unit_price": plain(line.unit_price) if line.unit_price is not None else None,
        **more,
    }
