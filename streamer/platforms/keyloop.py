"""Keyloop: parts, prices, orders and the states of their lines in a dealer's system, by the Order Parts API; repair
orders by event.

Good to know:
- Seven dealer systems stand behind one API (Autoline, Aswin, DRACAR+, Drive, EVA, WinDrakkar, Automaster). An account
  is one store: a `partId` belongs to one dealer system, and is never made of the part's code.
- No order can be looked up by our reference and no key is taken, so what may have been booked goes to a person.
- Nothing tells of a line that changed: orders that we placed are read again until they are over, at most 500 of them
  and for 180 days. What a person confirms by hand is not among them.
- 200 and 201 both mean that the order stands. Prices are net, the surcharge is outside them, and a price reserves
  nothing. Answers come from a system inside the dealership, slowly, and at night perhaps not at all.
- The path and body of a basket are not public: where they are not known, its parts are asked for one by one.
- The shape of a repair order is public only in its parts (details, customer, vehicle, jobs with items): `field_map`
  may say where the service type stands. Events come in any order, are dropped after some tries, and no list of repair
  orders is public that could find what was lost.
- Events are answered with 204; their ids stand at the top level or under `context`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, Field

from streamer.errors import Ignored, Malformed, Refused, StreamerError
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand, ReorderCommand, ReorderLine
from streamer.platforms import keyloop_messages as messages
from streamer.platforms import keyloop_visits as visits
from streamer.platforms.base import (
    Basic,
    Call,
    Either,
    OAuth2,
    OAuthSettings,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    RefusedReply,
    Reply,
    Response,
    Role,
    Token,
    content_hash,
    get,
    keep,
    moment,
    post,
    recall,
)
from streamer.platforms.keyloop_payloads import (
    DealerSystem,
    OrderType,
    RawIncoming,
    RawOffer,
    RawPartsOrder,
    text,
    when,
)
from streamer.platforms.plain_commands import nested
from streamer.platforms.wire import NOTE, alone, release

USUAL = "https://api.eu.keyloop.io"
JSON = {"content-type": "application/json"}
PAGE = 50
FOLLOWED = "parts_orders"
KEPT = f"{NOTE}{FOLLOWED}"  # the orders that are not over
MOST_FOLLOWED, FOLLOWED_DAYS = 500, 180
PART, SEARCH, PRICES, ORDER = "inventory_item", "parts", "price_availability", "purchase_order"
VISITS: Mapping[str, tuple[str, str]] = {
    "repair_order": ("repairorderid", "/{store}/v1/repair-orders/{number}"),
    "appointment": ("appointmentid", "/appointment/{store}/v1/appointments/{number}"),
}
"""What an event may name -> its id there, and where it is read."""
_STORE = re.compile(r"([\w.-]+)/([\w.-]+)")
_IN_PATH = re.compile(r"/([\w.-]+/[\w.-]+)/v1/")


class OrderContact(BaseModel):
    """Whom the dealer may call about an order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    company_name: str | None = None


class KeyloopSettings(OAuthSettings):
    """`enterprise_id` and `store_id` say which dealer; `company_id` or `customer_id` is our trade account there."""

    enterprise_id: str | None = None
    store_id: str | None = None
    company_id: str | None = None
    customer_id: str | None = None
    order_contact: OrderContact | None = None
    order_type: OrderType = "STK"
    order_types: tuple[OrderType, ...] = ("EMG", "VOR", "STK", "DPO", "COL")  # those that this dealer takes
    brand: str | None = None  # by which parts are searched whose order line names none
    supplier_sku: Literal["part_code", "part_id"] = "part_code"  # what our suppliers' offers call their own number
    dealer_system: DealerSystem | None = None
    client_authentication: Literal["body", "basic"] = "body"
    scope: str | None = None
    version: str = "v1"
    basket: bool = True  # whether prices of several parts are asked for at once
    request_timeout_seconds: float = Field(default=45.0, gt=0, le=300)


class Keyloop(Platform[KeyloopSettings]):
    title = "Keyloop"
    docs = "https://developer.keyloop.io/products/order-parts"
    hosts = ("*.keyloop.io",)
    roles = frozenset({Role.PARTS_SOURCE, Role.ORDER_SINK, Role.SOURCE, Role.REPLY_READER})
    settings_type = KeyloopSettings
    signature = Either((Token(header="Authorization", prefix="Bearer "), Token(query="token"), Basic()))
    sink_class = "C"
    polls: ClassVar[Mapping[str, float]] = {FOLLOWED: 300.0}
    resources: ClassVar[Mapping[str, str]] = {
        ORDER: r"^GET .*/parts-orders/[^/]+$",
        PRICES: r"^GET .*/price-availability$",
        SEARCH: r"^GET .*/v1/parts(/[^/]+)?$",
        "repair_order": r"^GET .*/repair-orders/[^/]+$",
    }
    fetches = frozenset({PART, SEARCH, PRICES, ORDER, *VISITS})
    unsupported: ClassVar[Mapping[Any, str]] = {
        "find_order": "orders cannot be searched by our reference; a person looks at the dealer's and confirms",
        "cancel_order": "the public product has no such call; the dealer is asked by telephone or mail",
        "change_order": "the public product has no such call; the dealer is asked by telephone or mail",
        "write_back": "the public product can neither approve nor reject; its lines wait on BACKORDER",
    }
    at_once = 4
    limits = "none published; 429 is to be expected"

    def __init__(self, settings: KeyloopSettings) -> None:
        super().__init__(settings)
        self.auth = OAuth2(  # type: ignore[misc]  # dealers' gateways differ in how a client proves itself
            "/oauth/client_credential/accesstoken",
            client=settings.client_authentication,
            scope=settings.scope,
            base=USUAL,
        )

    # --- what arrives -------------------------------------------------------------------------------------------------

    def respond(self, raw: Raw) -> Response:
        return Response(204)

    def realm(self, raw: Raw) -> str | None:
        try:
            body = raw.json()
        except Malformed:
            return None
        return (visits.event(body)[0] or None) if isinstance(body, dict) else None

    def object_key(self, raw: Raw) -> str:
        try:
            store, ids, _ = visits.event(raw.json())
        except (Malformed, AttributeError):
            return super().object_key(raw)
        found = next((f"{kind}:{store}/{ids[name]}" for kind, (name, _) in VISITS.items() if ids.get(name)), None)
        return found or super().object_key(raw)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        body = raw.json()
        if not isinstance(body, dict):
            raise Malformed("is no object")
        store = text(body.get("store")) or self._store_of(raw)
        order_type = self.settings.order_type
        match body:
            case {"visit": str(kind), "id": str(number), "body": dict(whole)}:
                yield visits.visit(self, kind, number, whole, store, raw)
            case {"partsOrderId": _}:
                yield from messages.statuses(self, RawPartsOrder.model_validate(body), store, raw)
            case {"parts": [{"part": _}, *_]} | {"orderType": _} | {"orderReference": _}:
                yield messages.incoming(self, RawIncoming.model_validate(body), store, raw)
            case {"parts": list(parts)}:
                if not parts:
                    raise Ignored("a search that found no part")
                for part in parts:
                    yield messages.item(self, RawOffer.model_validate(part), store, raw, order_type)
            case {"partId": _}:
                yield messages.item(self, RawOffer.model_validate(body), store, raw, order_type)
            case _:
                yield from self._event(body, raw)

    def _event(self, body: Mapping[str, Any], raw: Raw) -> Iterable[Message]:
        """A notification is read back; an integration event has the whole object in it."""
        store, ids, data = visits.event(body)
        if not text(body.get("type")) and not ids:
            raise Malformed("is missing", field="type")
        own = self._own_store()
        if own and store and store != own:
            raise Ignored("an event of another store than the account's")
        for kind, (name, _) in VISITS.items():
            if not (number := ids.get(name)):
                continue
            if {"details", "vehicle", "jobs"} & data.keys():
                yield visits.visit(self, kind, number, data, store or own, raw)
                return
            at = when(text(body.get("time")), self.settings.zone, "time")
            told = {"store": store, "changed_at": at.isoformat() if at else "", "event": text(body.get("type"))}
            wanted = f"{store}/{number}" if store else number
            yield self.fetch_command(kind, [wanted], text(body.get("id")) or content_hash(raw.body), told)
            return
        raise Ignored("an event about something that is not read")

    def _store_of(self, raw: Raw) -> str | None:
        found = _IN_PATH.search(raw.path)
        return found.group(1) if found else self._own_store()

    def _own_store(self) -> str | None:
        settings = self.settings
        return f"{settings.enterprise_id}/{settings.store_id}" if settings.enterprise_id and settings.store_id else None

    # --- what we ask --------------------------------------------------------------------------------------------------

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        resource, wanted = command.resource, command.ids[0]
        if resource in VISITS:
            return (yield from self._visit(resource, wanted))
        match resource:
            case "purchase_order":
                body = yield from self._read_order(wanted)
                if body is None:
                    raise Refused(f"the dealer knows no order {wanted}")
                return self._page(body, resource, wanted)
            case "parts":
                brand, _, code = wanted.partition(":")
                return self._page({"parts": (yield from self._search(brand, code))}, resource, wanted)
            case "price_availability":
                return self._page({"parts": (yield from self._prices(command.ids))}, resource, wanted)
            case "inventory_item":
                return self._page((yield from self._part(wanted)), resource, wanted)
        raise Refused(f"{resource!r} is none of {sorted(self.fetches)}")

    def _visit(self, kind: str, wanted: str) -> Call[RawPage]:
        store, _, number = wanted.rpartition("/")
        store = store or self._store()
        path = VISITS[kind][1].format(store=store, number=quote(number, safe=""))
        reply = yield from self.ask(get(self.base(USUAL) + path))
        return self._page({"visit": kind, "id": number, "body": reply.json(), "store": store}, kind, wanted)

    def _part(self, part_id: str) -> Call[dict[str, Any]]:
        """Details and price of one part, as one object."""
        reply = yield from self.ask(get(self._url(f"parts/{_quoted(part_id)}"), accept=frozenset({404})))
        if reply.status == 404:
            return {"partId": part_id, "gone": True}
        return {**_object(reply), **((yield from self._price(part_id)) or {})}

    def _price(self, part_id: str) -> Call[dict[str, Any] | None]:
        address = self._url(f"parts/{_quoted(part_id)}/price-availability")
        reply = yield from self.ask(get(address, self._buyer(), accept=frozenset({404})))
        return None if reply.status == 404 else _object(reply)

    def _prices(self, part_ids: Iterable[str]) -> Call[list[dict[str, Any]]]:
        """Of several parts at once where the dealer can; what is missing in the answer is asked for alone."""
        wanted = list(dict.fromkeys(part_ids))
        found: dict[str, dict[str, Any]] = {}
        if len(wanted) > 1 and self.settings.basket:
            body = {**self._buyer(), "parts": [{"partId": one, "quantity": 1} for one in wanted]}
            address = self._url("parts/price-availability")
            reply = yield from self.ask(post(address, body, safe=True, accept=frozenset({400, 404, 405})))
            told = reply.json() if reply.status < 300 else ()
            rows = told.get("parts") if isinstance(told, dict) else told
            found = {text(one.get("partId")): one for one in rows or () if isinstance(one, dict)}
        for one in wanted:
            if one not in found and (price := (yield from self._price(one))) is not None:
                found[one] = price
        return [found.get(one, {"partId": one, "gone": True}) for one in wanted]

    def _search(self, brand: str, code: str) -> Call[list[dict[str, Any]]]:
        query = {"brandCode": brand, "partCode": code, "page": "1", "pageSize": str(PAGE)}
        reply = yield from self.ask(get(self._url("parts"), query, accept=frozenset({404})))
        if reply.status == 404:
            return []
        parts = _object(reply).get("parts")
        if not isinstance(parts, list):
            raise reply.unreadable("holds no parts")
        return parts

    def _read_order(self, order_id: str) -> Call[dict[str, Any] | None]:
        reply = yield from self.ask(get(self._url(f"parts-orders/{_quoted(order_id)}"), accept=frozenset({404})))
        if reply.status == 404:
            return None
        reply.parse(RawPartsOrder)
        return _object(reply)

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        """Every order of ours that is not over. Only one that changed since the last look (`cursor`) is told again."""
        now = (yield from moment()).now
        followed = _followed((yield from recall(KEPT)))
        pages: list[RawPage] = []
        seen: dict[str, str] = {}
        over: list[str] = []
        for order_id, since in followed.items():
            if (now.date() - date.fromisoformat(since)).days > FOLLOWED_DAYS:
                over.append(order_id)
                continue
            try:
                body = yield from self._read_order(order_id)
            except RefusedReply:
                body = None  # one order that may not be read does not keep the others from being read
            if body is None:
                seen |= {order_id: cursor[order_id]} if order_id in cursor else {}
                continue
            seen[order_id] = content_hash(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))[:12]
            if seen[order_id] != cursor.get(order_id):
                pages.append(self._page({**body, "read_at": now.isoformat()}, ORDER, order_id))
            if RawPartsOrder.model_validate(body).finished:
                over.append(order_id)
        if over:
            yield from self._follow(without=over)
        return Page(pages, {order_id: told for order_id, told in seen.items() if order_id not in over})

    def _follow(self, *, more: Mapping[str, str] | None = None, without: Iterable[str] = ()) -> Call[None]:
        """Changes the list of orders to look at; one call at a time."""
        yield from alone(KEPT)
        known = _followed((yield from recall(KEPT))) | dict(more or {})
        gone = set(without)
        left = {order_id: since for order_id, since in known.items() if order_id not in gone}
        yield from keep(KEPT, orjson.dumps(dict(list(left.items())[-MOST_FOLLOWED:])).decode())
        yield from release(KEPT)

    # --- what we order ------------------------------------------------------------------------------------------------

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        settings, extra = self.settings, command.extra or {}
        now = (yield from moment()).now
        order_type = extra.get("order_type", settings.order_type)
        if order_type not in settings.order_types:
            raise Refused(f"the dealer takes no orders of type {order_type}; see accounts.{self.account}.order_types")
        contact = settings.order_contact
        parts: list[dict[str, Any]] = []
        for line in command.lines:
            parts.append((yield from self._line(line, now)))
        body = {
            **self._buyer(),
            "orderContact": _filled(
                {"name": contact.name, "phone": contact.phone, "email": contact.email,
                 "companyName": contact.company_name}
            ) if contact else None,
            "alternateDeliveryAddress": _delivery(nested(extra).get("ship_to")),
            "orderType": order_type,
            "orderReference": command.reference,
            "parts": parts,
        }  # fmt: skip
        reply = yield from self.ask(post(self._url("parts-orders"), _filled(body)))
        order = reply.parse(RawPartsOrder)
        if order.order_reference not in (None, command.reference):
            raise reply.unreadable("is about another order")
        with suppress(StreamerError):  # the order stands all the same, and must not be placed again
            yield from self._follow(more={order.parts_order_id: now.date().isoformat()})
        evidence = {"status": order.order_status, "dealer_system": settings.dealer_system}
        return Placed(order.parts_order_id, {name: told for name, told in evidence.items() if told})

    def _line(self, line: ReorderLine, now: datetime) -> Call[dict[str, Any]]:
        extra = line.extra or {}
        brand = extra.get("brand") or self.settings.brand
        by_id = self.settings.supplier_sku == "part_id"
        part_id = line.item_id or (line.supplier_sku if by_id else None)
        code = line.sku if by_id else line.supplier_sku or line.sku
        if part_id is None:
            part_id = yield from self._part_id(brand, code, now)
        named = {"partId": part_id, **({"brandCode": brand, "partCode": code} if extra.get("brand") else {})}
        kinds = {"vin": "VIN", "engine_number": "ENGINENUMBER", "key_number": "KEYNUMBER"}
        vehicle = [{"type": kind, "value": extra[name]} for name, kind in kinds.items() if extra.get(name)]
        quantity = int(line.quantity) if line.quantity == line.quantity.to_integral_value() else float(line.quantity)
        return _filled({"part": named, "quantity": quantity, "mandatoryVehicleReferences": vehicle})

    def _part_id(self, brand: str | None, code: str, now: datetime) -> Call[str]:
        """By a search. Raises Refused for a number that is unknown, not the only one, or superseded."""
        if not brand:
            raise Refused(f"{code}: parts are found by brand and number; accounts.{self.account}.brand names none")
        rows = yield from self._search(brand, code)
        found = [part for part in map(RawOffer.model_validate, rows) if part.part_code in (None, code)]
        if len(found) != 1:
            raise Refused(f"{len(found)} parts of brand {brand} have the number {code}")
        if newer := messages.superseded(found[0], now, self.settings.zone):
            raise Refused(f"{code} is superseded by {newer} and may no longer be ordered")
        return found[0].part_id

    # --- how we ask ---------------------------------------------------------------------------------------------------

    def _buyer(self) -> dict[str, str]:
        return _filled({"customerId": self.settings.customer_id, "companyId": self.settings.company_id})

    def _store(self) -> str:
        if (own := self._own_store()) is None:
            raise Refused(f"accounts.{self.account}.enterprise_id and store_id say which dealer is asked; set them")
        return own

    def _url(self, path: str) -> str:
        return f"{self.base(USUAL)}/{self._store()}/{self.settings.version}/{path}"

    def _page(self, body: Mapping[str, Any], resource: str, key: str) -> RawPage:
        store = {} if "store" in body else {"store": self._own_store()}
        return RawPage(orjson.dumps({**body, **store}), resource, key, JSON)


def _quoted(part: str) -> str:
    return quote(part, safe="*")


def _object(reply: Reply) -> dict[str, Any]:
    told = reply.json()
    if not isinstance(told, dict):
        raise reply.unreadable("is no object")
    return told


def _filled(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value not in (None, [], {}, "")}


def _delivery(told: Any) -> dict[str, Any] | None:
    if not isinstance(told, Mapping):
        return None
    return _filled(
        {
            "streetName": told.get("street"),
            "postalCode": told.get("postal_code"),
            "city": told.get("city"),
            "countryCode": told.get("country"),
        }
    )


def _followed(kept: str | None) -> dict[str, str]:
    """Order id -> ISO day on which it was placed."""
    told = orjson.loads(kept) if kept else {}
    return {str(order_id): str(since) for order_id, since in told.items()}
