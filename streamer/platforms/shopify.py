"""Shopify: orders, customers and levels by webhook and poll; answers to its orders; no purchase orders.

Good to know:
- A level names an inventory item and no SKU; the item is fetched once, and the catalogue remembers it.
- `available` has Shopify's own commitments taken off, is null for what is not tracked, and may be negative.
- `quantity` is as ordered, `current_quantity` after edits and removals; ids pass 2^53 in examples, so they are text.
- Nothing in a line says "service": the account's settings do (`service_sku_prefix`, `service_skus`, `properties`).
- Deliveries are unordered and repeated; `updated_at` is the version, and a poll catches up what was lost.
- Records that some producer wrote need no header: the body's shape tells what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.base import Message
from streamer.messages.commands import (
    FetchCommand,
    RecallReplacementCommand,
    StockChange,
    StockCommand,
    WriteBackCommand,
)
from streamer.messages.orders import CustomerRecord, Order, OrderLine
from streamer.messages.people import Appointment, Vehicle
from streamer.messages.records import RecordKind
from streamer.messages.stock import Item, StockLevel
from streamer.platforms import shopify_calls as calls
from streamer.platforms import shopify_polls as polls
from streamer.platforms.base import (
    Call,
    Hmac,
    OAuth2,
    OAuthSettings,
    Page,
    Placed,
    Platform,
    Rate,
    Raw,
    RawPage,
    Reply,
    Role,
    Span,
    content_hash,
    version_of,
)
from streamer.platforms.shopify_calls import ASKED
from streamer.platforms.shopify_payloads import (
    Pair,
    RawCustomer,
    RawItem,
    RawLevel,
    RawLine,
    RawNode,
    RawOrder,
    RawRefund,
    objects_in,
)

Held = Literal["scheduled_at", "vin", "make", "model", "year", "engine", "registration"]

MOST_PLACES = 50  # in one question about levels


class ShopifySettings(OAuthSettings):
    """`webhook_secret` is the app's client secret. An app of one's own organisation gets a token with `client_id` and
    `client_secret`; older ones have a fixed `access_token`.
    """

    api_version: str = "2026-07"
    service_sku_prefix: str | None = None
    service_skus: tuple[str, ...] = ()
    properties: dict[str, Held] = {}  # name of a line's property or a note attribute -> what it holds
    reference_uri: str | None = None  # of stock changes: a URI with {reference} in it
    cancel_rejected: bool = False  # an order of which nothing can be had is cancelled there, for good


class Shopify(Platform[ShopifySettings]):
    title = "Shopify"
    docs = "https://shopify.dev/docs/api"
    hosts = ("*.myshopify.com",)
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.STATUS_TARGET})
    settings_type = ShopifySettings
    signature = Hmac(header="X-Shopify-Hmac-Sha256", encoding="base64")
    reads_headers = ("x-shopify-topic", "x-shopify-triggered-at", "x-shopify-webhook-id")
    counts = "available"
    auth = OAuth2("admin/oauth/access_token", header="X-Shopify-Access-Token", prefix="")
    rate = Rate(2.0)
    polls: ClassVar[Mapping[str, float]] = {"orders": 300.0, "levels": 900.0}
    resources: ClassVar[Mapping[str, str]] = {
        "orders": r"^GET .*/orders\.json$",
        "customers": r"^GET .*/customers\.json$",
        "levels": r"^GET .*/inventory_levels\.json$",
        "order": r"^GET .*/orders/\d+\.json$",
        "inventory_item": r"^POST .*/graphql\.json$",
    }
    fetches = frozenset({"inventory_item", "order"})
    backfills: ClassVar[Mapping[RecordKind, str]] = {"customer": "customers", "order": "orders"}
    unsupported: ClassVar[Mapping[Any, str]] = {
        "place_order": "no call makes a purchase order there (2026-10 brings queries only); "
        "order by a supplier's or an ERP's account",
    }
    limits = "100 points a second for GraphQL (standard plan), 2 calls a second for REST"

    def normalise(self, raw: Raw) -> Iterable[Message]:
        for kind, body in objects_in(raw):
            match kind:
                case "order":
                    yield self._order(RawOrder.model_validate(body), raw)
                case "level":
                    yield self._level(RawLevel.model_validate(body), raw)
                case "item":
                    yield self._item(RawItem.model_validate(body), raw)
                case "nodes":
                    yield from self._nodes(body, raw)
                case "customer":
                    yield self._customer(RawCustomer.model_validate(body), raw)
                case "refund" | "edit":
                    change = RawRefund.model_validate(body)
                    yield self.fetch_command("order", [change.order_id], f"{kind} {change.id}")

    def _order(self, order: RawOrder, raw: Raw) -> Order:
        changed = order.updated_at or order.created_at
        left = order.shipped()
        # A line of which nothing is left was removed from the order.
        lines = tuple(self._line(line, order.quantity(line), left[line.id])
                      for line in order.line_items if order.quantity(line) or left[line.id])  # fmt: skip
        return Order(
            account=self.account,
            platform=self.name,
            kind="service_appointment" if any(line.service for line in lines) else "sales_order",
            source_id=order.id,
            number=order.name or order.order_number,
            version=version_of(changed) if changed else content_hash(raw.body),
            occurred_at=order.created_at,
            state=order.state,
            status=order.financial_status,
            currency=order.currency,
            customer=order.buyer(),
            customer_reference=order.po_number or None,
            references=order.references(),
            ship_to=order.shipping_address.address() if order.shipping_address else None,
            bill_to=order.billing_address.address() if order.billing_address else None,
            total=order.total_price if order.current_total_price is None else order.current_total_price,
            comment=order.note or None,
            appointment=self._appointment(order, lines),
            location=self.place(order.location_id),
            lines=lines,
            test=order.test,
            extra=self._extra(order.note_attributes or ()),
        )

    def _extra(self, pairs: Iterable[Pair]) -> dict[str, str]:
        """Note attributes that the field map names (ours -> theirs)."""
        told = {pair.name: pair.text for pair in pairs}
        return {ours: told[theirs] for ours, theirs in self.settings.field_map.items() if told.get(theirs)}

    def _line(self, line: RawLine, quantity: int, left: int) -> OrderLine:
        sku = (line.sku or "").strip() or None
        return OrderLine(
            line_id=line.id,
            sku=sku,
            item_id=f"variant:{line.variant_id}" if sku is None and line.variant_id else None,
            quantity=Decimal(quantity),
            unit_price=line.price,
            description=line.name or line.title,
            service=self._is_service(sku),
            shipped=Decimal(left),
            status=line.fulfillment_status,
            vin=self._held(line.properties).get("vin"),
        )

    def _is_service(self, sku: str | None) -> bool:
        prefix = self.settings.service_sku_prefix
        return sku is not None and (sku in self.settings.service_skus or bool(prefix and sku.startswith(prefix)))

    def _held(self, pairs: Iterable[Pair] | None) -> dict[str, str]:
        """What the properties hold that the settings name."""
        known = self.settings.properties
        return {known[pair.name]: pair.text for pair in pairs or () if pair.name in known and pair.text}

    def _appointment(self, order: RawOrder, lines: tuple[OrderLine, ...]) -> Appointment | None:
        service = next((line for line in lines if line.service), None)
        if service is None:
            return None
        held = self._held(order.note_attributes)
        for line in reversed(order.line_items):  # the first line says it last
            held |= self._held(line.properties)
        time, day = self._when(held.get("scheduled_at"))
        year = held.get("year", "")
        return Appointment(
            service_type=service.sku,
            scheduled_at=time,
            scheduled_date=day,
            vehicle=Vehicle(
                vin=held.get("vin"),
                make=held.get("make"),
                model=held.get("model"),
                year=int(year) if year.isascii() and year.isdigit() else None,
                engine=held.get("engine"),
                registration=held.get("registration"),
            ),
        )

    def _when(self, text: str | None) -> tuple[datetime | None, str | None]:
        """A time (in the account's zone unless it names its own), or a day where there is no time."""
        if not text:
            return None, None
        try:
            if len(text) == 10:
                return None, date.fromisoformat(text).isoformat()
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise Malformed(
                "is neither an ISO time nor an ISO date", field="line_items.properties.scheduled_at"
            ) from error
        return (time if time.tzinfo else time.replace(tzinfo=self.settings.zone)), None

    def _level(self, level: RawLevel, raw: Raw) -> StockLevel:
        if level.available is None and level.updated_at is not None:
            raise Ignored("a level of what is not tracked")
        as_of = level.updated_at or _triggered(raw)
        available = Decimal(level.available or 0)  # disconnected: the item is not kept there any more
        return StockLevel(
            account=self.account,
            platform=self.name,
            location=self.level_place(level.location_id),
            item_id=level.inventory_item_id,
            level=available,
            counts=self.settings.counts or "available",
            as_of=as_of,
            source_id=level.admin_graphql_api_id,
            available=available,
        )

    def _item(self, item: RawItem, raw: Raw) -> Item:
        return Item(
            account=self.account,
            platform=self.name,
            item_id=item.id,
            sku=item.sku or None,
            version=version_of(item.updated_at) if item.updated_at else content_hash(raw.body),
            description=item.title,
        )

    def _nodes(self, nodes: list[Any], raw: Raw) -> Iterable[Item]:
        """Answers to a fetch, in the order of the ids that were asked for; null for what does not exist."""
        asked = list(filter(None, raw.header(ASKED).split(",")))
        if len(asked) not in (0, len(nodes)):
            raise Malformed("not as many answers as questions", field="data.nodes")
        for place, found in enumerate(nodes):
            if found is None:
                if not asked:
                    raise Malformed("an answer without its question", field="data.nodes")
                yield Item(account=self.account, platform=self.name, item_id=asked[place], version="gone")
                continue
            node = RawNode.model_validate(found)
            weight = node.measurement or (node.inventory_item.measurement if node.inventory_item else None)
            yield Item(
                account=self.account,
                platform=self.name,
                item_id=asked[place] if asked else _item_id(node.id),
                sku=node.sku or None,
                version=version_of(node.updated_at) if node.updated_at else content_hash(raw.body),
                description=node.display_name or (node.variant.display_name if node.variant else None),
                price=node.price if node.price is not None else (node.variant.price if node.variant else None),
                weight_grams=weight.weight.grams() if weight and weight.weight else None,
            )

    def _customer(self, customer: RawCustomer, raw: Raw) -> CustomerRecord:
        changed = customer.updated_at or customer.created_at
        return CustomerRecord(
            account=self.account,
            platform=self.name,
            kind="customer",
            source_id=customer.id,
            version=version_of(changed) if changed else content_hash(raw.body),
            occurred_at=customer.created_at,
            customer=customer.customer(),
        )

    # --- what we ask and send -----------------------------------------------------------------------------------------

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        more = {}
        if resource == "levels":
            if not self.settings.locations:
                return Page((), cursor)  # levels are listed by place or by item only
            more = {"location_ids": ",".join(list(self.settings.locations)[:MOST_PLACES])}
        return (yield from polls.changed(self._shop(), polls.LISTINGS[resource], cursor, more))

    def backfill(self, resource: str, span: Span, cursor: Mapping[str, str]) -> Call[Page]:
        return (yield from polls.within(self._shop(), polls.LISTINGS[resource], span, cursor))

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        if command.resource == "order":
            return (yield from calls.order(self._shop(), command.ids[0], command.resource))
        return (yield from calls.items(self._shop(), command.ids, command.resource))

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """The decision as a tag; with `cancel_rejected` an order of which nothing can be had is cancelled."""
        shop, told = self._shop(), command.extra or {}
        if told.get("cancel") == "true":
            return Placed((yield from calls.cancel(shop, command.order_id, command.text or "no stock", told)))
        yield from calls.decide(shop, command.order_id, command.decision)
        if command.decision == "rejected" and self.settings.cancel_rejected:
            reasons = "; ".join(dict.fromkeys(line.reason for line in command.lines if line.reason))
            return Placed((yield from calls.cancel(shop, command.order_id, reasons or "no stock", told)))
        return Placed(command.order_id)

    def set_stock(self, command: StockCommand) -> Call[Placed]:
        """Levels of `available`; the same command twice changes them once (`@idempotent`)."""
        changes = [self._change(change) for change in command.changes]
        reference = self.settings.reference_uri
        uri = reference.format(reference=command.reference) if reference and command.reference else None
        key = (command.extra or {}).get("id") or calls.key_of(command.command_id)
        return Placed((yield from calls.move_stock(self._shop(), changes, command.reason, uri, key)))

    def _change(self, change: StockChange) -> StockChange:
        """With their place; raises Refused for what Shopify cannot find."""
        if change.item_id is None:
            raise Refused(f"the inventory item of {change.sku} is not known")
        place = self.their_place(change.location or self.settings.default_location)
        if place is None:
            raise Refused(f"a level of {change.item_id} needs a location (accounts.{self.account}.default_location)")
        return change.model_copy(update={"location": place})

    def recall_replacement(self, command: RecallReplacementCommand) -> Call[Placed]:
        """A tag on the appointment's order, which its workshop sees."""
        yield from calls.tag(self._shop(), command.order_id, f"recall: {command.campaign}")
        return Placed(command.order_id)

    def _shop(self) -> calls.Shop:
        settings = self.settings
        if settings.base_url is None:
            raise Refused(f"accounts.{self.account}.base_url is not set; Shopify can be listened to, but not asked")
        if settings.access_token is None and settings.client_secret is None:
            raise Refused(f"accounts.{self.account}.access_token is not set; Shopify can be listened to, but not asked")
        return calls.Shop(self.base(""), settings.api_version, self.ask)

    def slow_down(self, reply: Reply) -> float | None:
        """The bucket of calls leaks two a second; the last tenth of it is left for what is urgent."""
        used, _, size = reply.headers.get("x-shopify-shop-api-call-limit", "").partition("/")
        full = used.isdigit() and size.isdigit() and int(used) * 10 > int(size) * 9
        return 0.5 if full else None


def _triggered(raw: Raw) -> datetime:
    """When Shopify made the event, for bodies that do not say it."""
    text = raw.header("x-shopify-triggered-at")
    try:
        time = datetime.fromisoformat(text) if text else raw.received_at
    except ValueError as error:
        raise Malformed("is no ISO time", field="X-Shopify-Triggered-At") from error
    if time is None or time.tzinfo is None:
        raise Malformed("neither the body nor the header says when", field="updated_at")
    return time


def _item_id(gid: str) -> str:
    kind, _, number = gid.rpartition("/")
    return f"variant:{number}" if kind.endswith("ProductVariant") else number
