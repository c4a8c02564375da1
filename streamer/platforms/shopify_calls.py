"""What we ask of Shopify and tell it: items and orders by their ids, tags, cancellations, levels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

import orjson

from streamer.errors import Unavailable
from streamer.messages.commands import StockChange
from streamer.messages.orders import DecisionState
from streamer.platforms.graphql import ask, refuse
from streamer.platforms.wire import Call, HttpRequest, RawPage, Reply, get

ASKED = "x-asked"
"""Header of the record of a fetch's answer: the ids that were asked for, in order."""

TAGS: Mapping[DecisionState, str] = {
    "approved": "stock: approved",
    "partly_approved": "stock: partly approved",
    "waitlisted": "stock: waitlisted",
    "rejected": "stock: rejected",
    "released": "stock: released",
}
"""Shopify has no state for what we decide; people, and rules of its automation, see it by one of these tags."""

NODES = """query Items($ids: [ID!]!) { nodes(ids: $ids) {
  ... on InventoryItem { id sku updatedAt variant { displayName price }
    measurement { weight { value unit } } }
  ... on ProductVariant { id sku updatedAt displayName price
    inventoryItem { measurement { weight { value unit } } } } } }"""

TAGS_ADD = """mutation Tell($id: ID!, $tags: [String!]!) {
  tagsAdd(id: $id, tags: $tags) { node { id } userErrors { field message } } }"""

TAGS_REMOVE = """mutation Untell($id: ID!, $tags: [String!]!) {
  tagsRemove(id: $id, tags: $tags) { node { id } userErrors { field message } } }"""

CANCEL = """mutation Cancel($orderId: ID!, $reason: OrderCancelReason!, $restock: Boolean!,
    $refundMethod: OrderCancelRefundMethodInput!, $notifyCustomer: Boolean, $staffNote: String) {
  orderCancel(orderId: $orderId, reason: $reason, restock: $restock, refundMethod: $refundMethod,
      notifyCustomer: $notifyCustomer, staffNote: $staffNote) {
    job { id done } orderCancelUserErrors { code field message } } }"""


ADJUST = """mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field message } } }"""

SET = """mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { code field message } } }"""


class Shop(NamedTuple):
    """Where one shop's Admin API is, and how it is asked."""

    base: str
    version: str
    ask: Callable[[HttpRequest], Call[Reply]]

    def rest(self, path: str) -> str:
        return f"{self.base}/admin/api/{self.version}/{path}"

    @property
    def graphql(self) -> str:
        return self.rest("graphql.json")


def gid(kind: str, number: str) -> str:
    """Shopify's global id: `gid://shopify/Order/6811200440011`."""
    return f"gid://shopify/{kind}/{number}"


def items(shop: Shop, ids: tuple[str, ...], resource: str) -> Call[RawPage]:
    """Inventory items (`49881200331`) and variants (`variant:44810001`), one answer for each in the same order."""
    wanted = [
        gid("ProductVariant", one.removeprefix("variant:")) if one.startswith("variant:") else gid("InventoryItem", one)
        for one in ids
    ]
    data = yield from ask(shop.ask, shop.graphql, NODES, {"ids": wanted}, safe=True)
    nodes = data.get("nodes")
    if not isinstance(nodes, list) or len(nodes) != len(ids):
        raise Unavailable("the answer has not one node for each id")
    body = orjson.dumps({"data": {"nodes": nodes}})
    return RawPage(body, resource, ids[0], {"content-type": "application/json", ASKED: ",".join(ids)})


def order(shop: Shop, number: str, resource: str) -> Call[RawPage]:
    """One order as webhooks carry it."""
    reply = yield from shop.ask(get(shop.rest(f"orders/{number}.json")))
    return RawPage(reply.body, resource, number, {"content-type": "application/json"})


def decide(shop: Shop, number: str, decision: DecisionState) -> Call[None]:
    """The tag of a decision on the order, and none of the others."""
    others = [tag for state, tag in TAGS.items() if state != decision]
    yield from _tag(shop, TAGS_REMOVE, "tagsRemove", number, others)
    if decision in TAGS:
        yield from tag(shop, number, TAGS[decision])


def tag(shop: Shop, number: str, text: str) -> Call[None]:
    """One more tag on the order; the same one twice is one."""
    yield from _tag(shop, TAGS_ADD, "tagsAdd", number, [text])


def _tag(shop: Shop, mutation: str, field: str, number: str, tags: list[str]) -> Call[None]:
    variables = {"id": gid("Order", number), "tags": tags}
    data = yield from ask(shop.ask, shop.graphql, mutation, variables, safe=True)
    refuse((data.get(field) or {}).get("userErrors") or ())


def cancel(shop: Shop, number: str, note: str, told: Mapping[str, str]) -> Call[str | None]:
    """Cancels the whole order for want of stock: money back, stock back, the customer told. Cannot be undone.

    `told` may say otherwise: `reason`, and "false" for `restock`, `refund`, `notify_customer`.
    """
    variables = {
        "orderId": gid("Order", number),
        "reason": told.get("reason", "inventory").upper(),
        "restock": told.get("restock") != "false",
        "refundMethod": {"originalPaymentMethodsRefund": told.get("refund") != "false"},
        "notifyCustomer": told.get("notify_customer") != "false",
        "staffNote": note[:255],
    }
    data = yield from ask(shop.ask, shop.graphql, CANCEL, variables, safe=False)
    told = data.get("orderCancel") or {}
    refuse(told.get("orderCancelUserErrors") or ())
    return (told.get("job") or {}).get("id")


def move_stock(
    shop: Shop, changes: Iterable[StockChange], reason: str | None, uri: str | None, key: str
) -> Call[str | None]:
    """Adds to levels, or sets them where no change says by how much; the same key twice is one change."""
    listed = list(changes)
    adjusts = all(change.delta is not None for change in listed)
    field = "inventoryAdjustQuantities" if adjusts else "inventorySetQuantities"
    wanted: dict[str, object] = {"name": "available", "reason": reason or "correction"}
    if uri:
        wanted["referenceDocumentUri"] = uri
    wanted["changes" if adjusts else "quantities"] = [_change(change, adjusts=adjusts) for change in listed]
    variables = {"input": wanted, "key": key}
    data = yield from ask(shop.ask, shop.graphql, ADJUST if adjusts else SET, variables, safe=False)
    told = data.get(field) or {}
    refuse(told.get("userErrors") or ())
    return (told.get("inventoryAdjustmentGroup") or {}).get("id")


def _change(change: StockChange, *, adjusts: bool) -> dict[str, object]:
    """`changeFromQuantity` must stand there; null leaves it to luck."""
    before = change.quantity_before
    return {
        "delta" if adjusts else "quantity": int((change.delta if adjusts else change.quantity) or 0),
        "changeFromQuantity": None if before is None else int(before),
        "inventoryItemId": gid("InventoryItem", change.item_id or ""),
        "locationId": gid("Location", change.location or ""),
    }


def key_of(command_id: str) -> str:
    """The key of a command in the form that Shopify wants."""
    return str(UUID(bytes=hashlib.sha256(command_id.encode()).digest()[:16]))
