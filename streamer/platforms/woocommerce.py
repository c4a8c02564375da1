"""WooCommerce: orders, products and customers by webhook and poll; order status and levels are told back by REST.

Good to know:
- A webhook is sent once and never again, and is switched off after six failures: the poll is what nothing escapes.
- Times stand twice, in the shop's zone and in UTC, both without an offset: the `_gmt` ones are read.
- `price` is a JSON number full of rounding; a unit price is the line's `total` by its quantity.
- Core keeps one figure for a product and knows no places: `default_location` says whose it is. The shop takes its own
  orders off that figure, so it counts what is available.
- Variations come with their own ids; what varies keeps no stock itself, so its variations are asked for.
- Saving a webhook sends a form without a signature, which wants 200 and means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qs

import orjson
from pydantic import SecretStr

from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand, StockCommand, WriteBackCommand
from streamer.messages.orders import CustomerRecord, DecisionState, Order, OrderLine
from streamer.messages.stock import Item, StockLevel
from streamer.platforms.base import (
    AccountSettings,
    BasicAuth,
    Call,
    Hmac,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    Response,
    Role,
    content_hash,
    get,
    moment,
    put,
    version_of,
)
from streamer.platforms.paging import all_pages, by_link, since, until
from streamer.platforms.woocommerce_payloads import STATES, RawCustomer, RawLine, RawOrder, RawProduct, kind_of

PAGE = 100
OVERLAP_SECONDS = 300.0
BACK_FILL_DAYS = 1.0
LISTED = "application/json"


class WooCommerceSettings(AccountSettings):
    """`webhook_secret` as the shop shows it; key and secret of its REST API."""

    consumer_key: SecretStr | None = None
    consumer_secret: SecretStr | None = None
    order_statuses: dict[DecisionState, str] = {
        "approved": "processing",
        "partly_approved": "processing",
        "waitlisted": "on-hold",
        "rejected": "cancelled",
    }


class WooCommerce(Platform[WooCommerceSettings]):
    title = "WooCommerce"
    docs = "https://woocommerce.github.io/woocommerce-rest-api-docs/"
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.STATUS_TARGET})
    settings_type = WooCommerceSettings
    signature = Hmac(header="X-WC-Webhook-Signature", encoding="base64")
    reads_headers = ("x-wc-webhook-topic", "x-wc-webhook-source")
    auth = BasicAuth("consumer_key", "consumer_secret")
    counts = "available"
    polls: ClassVar[Mapping[str, float]] = {"orders": 300.0, "products": 900.0}
    resources: ClassVar[Mapping[str, str]] = {
        "variations": r"^GET .*/products/\d+/variations$",
        "inventory_item": r"^GET .*/products/\d+$",
        "orders": r"^GET .*/orders",
        "products": r"^GET .*/products",
    }
    fetches = frozenset({"inventory_item", "variations"})
    unsupported: ClassVar[Mapping[Any, str]] = {
        "place_order": "it has no suppliers and no purchase orders; order by a supplier's or an ERP's account",
    }
    limits = "none of its own; hosts answer 429 or 503"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def challenge(self, raw: Raw) -> Response | None:
        if raw.header("x-wc-webhook-topic") or "webhook_id" not in parse_qs(raw.body[:200].decode("latin-1")):
            return None
        return Response()

    def realm(self, raw: Raw) -> str | None:
        return raw.header("x-wc-webhook-source").rstrip("/") or None

    def object_key(self, raw: Raw) -> str:
        try:
            return str(raw.json()["id"])
        except (Malformed, KeyError, TypeError):
            return super().object_key(raw)

    def split(self, resource: str, body: bytes) -> Iterable[RawPage]:
        found = orjson.loads(body)
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict):
                yield RawPage(orjson.dumps(one), resource, str(one.get("id", "")), {"content-type": LISTED})

    def normalise(self, raw: Raw) -> Iterable[Message]:
        topic = raw.header("x-wc-webhook-topic")
        if topic.startswith(("action.", "coupon.")):
            raise Ignored("a topic that says nothing about orders or stock")
        body = raw.json()
        if isinstance(body, list):  # variations of one product
            for one in body:
                yield from self._product(RawProduct.model_validate(one), raw)
            return
        match kind_of(topic, body):
            case "order":
                yield self._order(RawOrder.model_validate(body), raw)
            case "product":
                yield from self._product(RawProduct.model_validate(body), raw)
            case "customer":
                yield self._customer(RawCustomer.model_validate(body), raw)
            case "deleted order":
                yield self._deleted(str(body["id"]), raw)
            case "gone":
                yield Item(account=self.account, platform=self.name, item_id=str(body["id"]), version="gone")
            case "deleted":
                raise Ignored("a product or customer was deleted")
            case _:
                raise Malformed("is neither an order nor a product nor a customer", field="X-WC-Webhook-Topic")

    def _order(self, order: RawOrder, raw: Raw) -> Order:
        if order.status in ("checkout-draft", "auto-draft"):
            raise Ignored("an order that nobody has placed yet")
        changed = order.date_modified_gmt or order.date_created_gmt
        return Order(
            account=self.account,
            platform=self.name,
            kind="sales_order",
            source_id=order.id,
            number=order.number or order.id,
            version=version_of(changed) if changed else content_hash(raw.body),
            occurred_at=order.date_created_gmt,
            state=STATES.get(order.status, "open"),
            status=order.status,
            currency=order.currency,
            customer=order.buyer(),
            references=order.references(),
            ship_to=order.shipping.address() if order.shipping else None,
            bill_to=order.billing.address() if order.billing else None,
            total=order.total,
            comment=order.customer_note or None,
            location=self.place(None),
            lines=tuple(self._line(line, order.status) for line in order.line_items),
            extra={ours: text for ours, theirs in self.settings.field_map.items() if (text := order.held(theirs))},
        )

    def _line(self, line: RawLine, status: str) -> OrderLine:
        sku = (line.sku or "").strip() or None
        return OrderLine(
            line_id=line.id,
            sku=sku,
            item_id=None if sku else line.item_id,
            quantity=line.quantity,
            unit_price=line.unit_price(),
            description=line.label,
            shipped=line.quantity if status == "completed" else None,
        )

    def _deleted(self, order_id: str, raw: Raw) -> Order:
        """The body has the id alone; nothing that came before it can be newer."""
        if raw.received_at is None:
            raise Malformed("nobody says when the order was deleted", field="received_at")
        return Order(
            account=self.account,
            platform=self.name,
            kind="sales_order",
            source_id=order_id,
            version=version_of(raw.received_at),
            state="cancelled",
            status="deleted",
        )

    def _product(self, product: RawProduct, raw: Raw) -> Iterable[Message]:
        if product.kind == "variable":
            if product.variations:
                cause = version_of(product.date_modified_gmt) if product.date_modified_gmt else content_hash(raw.body)
                yield self.fetch_command("variations", [product.id], cause)
            return
        yield Item(
            account=self.account,
            platform=self.name,
            item_id=product.id,
            sku=product.sku or None,
            version=version_of(product.date_modified_gmt) if product.date_modified_gmt else content_hash(raw.body),
            description=product.label,
            price=product.price,
        )
        level = product.level
        if level is None or product.date_modified_gmt is None:
            return  # stock is not managed for it
        yield StockLevel(
            account=self.account,
            platform=self.name,
            location=self._level_place(),
            sku=product.sku or None,
            item_id=product.id,
            level=level,
            counts=self.settings.counts or "available",
            as_of=product.date_modified_gmt,
            source_id=product.id,
            available=level,
            minimum=product.low_stock_amount,
            description=product.label,
        )

    def _level_place(self) -> str:
        """The one place whose stock the shop counts; its own name where none is set, which no line asks for."""
        return self.place(None) or self.account

    def _customer(self, customer: RawCustomer, raw: Raw) -> CustomerRecord:
        changed = customer.date_modified_gmt or customer.date_created_gmt
        return CustomerRecord(
            account=self.account,
            platform=self.name,
            kind="customer",
            source_id=customer.id,
            version=version_of(changed) if changed else content_hash(raw.body),
            occurred_at=customer.date_created_gmt,
            customer=customer.customer(),
        )

    # --- what we ask and send -----------------------------------------------------------------------------------------

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        """Everything that changed since the last look, page by page."""
        now = (yield from moment()).now
        start = since(cursor, now, overlap_seconds=OVERLAP_SECONDS, back_fill_days=BACK_FILL_DAYS)
        query = {
            "modified_after": _iso(start),
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "per_page": str(PAGE),
        }
        if resource == "orders":
            query["status"] = "any"
        pages = yield from all_pages(self.ask, get(self._url(resource), query), by_link)
        return Page([record for page in pages for record in self.split(resource, page.body)], until(now))

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        number = command.ids[0]
        if not number.isdigit():
            raise Refused(f"{number!r} is no id of a product")
        path = f"products/{number}" + ("/variations" if command.resource == "variations" else "")
        query = {"per_page": str(PAGE)} if command.resource == "variations" else {}
        reply = yield from self.ask(get(self._url(path), query, accept=frozenset({404})))
        body = orjson.dumps({"id": int(number), "gone": True}) if reply.status == 404 else reply.body
        return RawPage(body, command.resource, number, {"content-type": LISTED})

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """The status that `order_statuses` names for the decision, and its reasons as a private note."""
        status = self.settings.order_statuses.get(command.decision)
        if status is None:
            raise Refused(f"accounts.{self.account}.order_statuses names no status for {command.decision}")
        yield from self.ask(put(self._url(f"orders/{command.order_id}"), {"status": status}))
        return Placed(command.order_id, {"status": status})

    def set_stock(self, command: StockCommand) -> Call[Placed]:
        """Absolute figures; the shop derives `stock_status` from them. A change by so many is not offered."""
        for change in command.changes:
            if change.quantity is None or not change.item_id:
                raise Refused("WooCommerce takes an absolute quantity of a product's id; a delta could lose a sale")
            body = {"manage_stock": True, "stock_quantity": _number(change.quantity)}
            yield from self.ask(put(self._url(f"products/{change.item_id}"), body))
        return Placed()

    def _url(self, path: str) -> str:
        base = self.base("")
        if not base:
            raise Refused(f"accounts.{self.account}.base_url is not set; WooCommerce can be listened to, but not asked")
        return f"{base}/wp-json/wc/v3/{path}"


def _iso(time: datetime) -> str:
    return version_of(time)[:19]


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
