"""What changed at Shopify, page by page: orders, customers and levels, for what no webhook told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

from streamer.platforms.paging import next_link
from streamer.platforms.shopify_calls import Shop
from streamer.platforms.wire import Call, Page, RawPage, Span, get, moment

OVERLAP = timedelta(minutes=5)
"""So much of the time that was looked at already is looked at again: `updated_at` is not the order of appearance."""
FIRST_LOOK = timedelta(hours=1)
AT_ONCE = 100


class Listing(NamedTuple):
    """A resource of the REST API. Beside `page_info` no other filter may stand, so `filters` go with the first page."""

    path: str
    name: str  # of the list in the answer
    topic: str  # as which webhook its objects are read
    key: str
    filters: Mapping[str, str]


LISTINGS = {
    # Without status=any, cancelled and closed orders are left out.
    "orders": Listing("orders.json", "orders", "orders/updated", "id", {"status": "any"}),
    "customers": Listing("customers.json", "customers", "customers/update", "id", {}),
    "levels": Listing(
        "inventory_levels.json", "inventory_levels", "inventory_levels/update", "inventory_item_id", {}
    ),
}  # fmt: skip


def changed(
    shop: Shop, listing: Listing, cursor: Mapping[str, str], more: Mapping[str, str] | None = None
) -> Call[Page]:
    """Objects that changed since the last look; the first look goes back an hour.

    `page` of the cursor continues a look, `since` begins the next one.
    """
    now = (yield from moment()).now
    since = cursor.get("since") or (now - FIRST_LOOK).isoformat(timespec="seconds")
    start = datetime.fromisoformat(since) - OVERLAP
    first = {**listing.filters, **(more or {}), "updated_at_min": start.isoformat(timespec="seconds")}
    if listing.key == "id":  # levels have no order of their own
        first["order"] = "updated_at asc"
    found, following = yield from _page(shop, listing, cursor.get("page"), first)
    latest = max([cursor.get("latest", since), *_times(found)], key=datetime.fromisoformat)
    moved = {"since": since, "latest": latest, "page": following} if following else {"since": latest}
    return Page([_record(listing, one) for one in found], moved, more=following is not None)


def within(shop: Shop, listing: Listing, span: Span, cursor: Mapping[str, str]) -> Call[Page]:
    """Objects that changed within a span of time, or those of some ids, as many at once as one answer holds."""
    first, start = dict(listing.filters), int(cursor.get("start", "0"))
    if span.since is not None:
        first["updated_at_min"] = span.since.isoformat(timespec="seconds")
    if span.until is not None:
        first["updated_at_max"] = span.until.isoformat(timespec="seconds")
    if span.ids:
        first["ids"] = ",".join(span.ids[start : start + AT_ONCE])
    found, following = yield from _page(shop, listing, cursor.get("page"), first)
    records = [_record(listing, one) for one in found]
    if following:
        return Page(records, {"start": str(start), "page": following}, more=True)
    start += AT_ONCE
    more = start < len(span.ids)
    return Page(records, {"start": str(start)} if more else {}, more=more)


def _page(
    shop: Shop, listing: Listing, page: str | None, first: Mapping[str, str]
) -> Call[tuple[list[Any], str | None]]:
    query = {"limit": str(AT_ONCE), **({"page_info": page} if page else first)}
    reply = yield from shop.ask(get(shop.rest(listing.path), query))
    body = reply.json()
    found = body.get(listing.name) if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise reply.unreadable(f"has no {listing.name}")
    link = next_link(reply.headers)
    following = parse_qs(urlsplit(link).query).get("page_info", [None])[0] if link else None
    return found, following


def _times(found: Iterable[Any]) -> list[str]:
    told = (str(one["updated_at"]) for one in found if isinstance(one, dict) and one.get("updated_at"))
    return [text for text in told if re.match(r"\d{4}-\d\d-\d\dT", text)]


def _record(listing: Listing, one: Any) -> RawPage:
    number = str(one.get(listing.key, "")) if isinstance(one, dict) else ""
    headers = {"content-type": "application/json", "x-shopify-topic": listing.topic}
    return RawPage(orjson.dumps(one), listing.name, number or None, headers)
