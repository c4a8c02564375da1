"""Odoo: purchase orders, sales orders, repairs and stock, by webhook and search; purchase orders, customers and sales
orders are made there, by JSON-2 (19 and newer) or JSON-RPC.

Good to know:
- A webhook proves nothing (a token in its address is all there is), is sent once, and holds lines as bare ids: what it
  names is read back before anything is decided.
- Ids are counted for each model, so an object here is `purchase.order:57`.
- `false` stands for nothing; a reference is a number or `[number, name]`; money and quantities are floats.
- Times are UTC without saying so.
- JSON-RPC answers 200 with an error inside; its transaction is undone then.
- There is no idempotency key: an order is looked up by `origin` before it is made again. It is made as a draft;
  with `confirm_orders` a second call confirms it.
- `stock.quant` has a row for each lot and package: those of one product and place are added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import SecretStr

from streamer.errors import Ignored, Malformed, Refused, Unavailable
from streamer.messages.base import Message
from streamer.messages.commands import (
    CancelOrderCommand,
    FetchCommand,
    RecordCommand,
    ReorderCommand,
    ReorderLine,
    WriteBackCommand,
)
from streamer.messages.records import Match, RecordKind
from streamer.platforms import odoo_objects as objects
from streamer.platforms.auth import plain
from streamer.platforms.base import (
    AccountSettings,
    Call,
    Key,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    Role,
    Token,
    content_hash,
    keep,
    moment,
    post,
    recall,
    send,
)
from streamer.platforms.odoo_objects import LINES, READ, count_of, id_of, text, utc, whole
from streamer.platforms.paging import since, until

PAGE = 200
OVERLAP_SECONDS = 60.0  # writes of one transaction share a time
BACK_FILL_DAYS = 1.0
JSON = {"content-type": "application/json"}
BY: Mapping[str, str] = {"email": "email", "tax_id": "vat", "number": "ref"}


class OdooSettings(AccountSettings):
    """`webhook_secret` is the token in the address that is typed into Odoo (`?token=`)."""

    database: str = ""
    api_key: SecretStr | None = None
    api: Literal["json2", "jsonrpc"] = "json2"
    user_id: int | None = None  # JSON-RPC: whose key it is; asked for by `login` where it is not set
    login: str | None = None
    language: str | None = None
    user_agent: str | None = None
    confirm_orders: bool = False


class Odoo(Platform[OdooSettings]):
    title = "Odoo"
    docs = "https://www.odoo.com/documentation/19.0/developer/reference/external_api.html"
    hosts = ("*.odoo.com",)
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.ORDER_SINK, Role.RECORD_SINK, Role.STATUS_TARGET})
    settings_type = OdooSettings
    signature = Token(query="token")
    auth = Key("api_key")
    sink_class = "B"
    record_kinds: ClassVar[frozenset[RecordKind]] = frozenset({"customer", "order"})
    polls: ClassVar[Mapping[str, float]] = {
        "purchase.order": 300.0,
        "sale.order": 300.0,
        "repair.order": 300.0,
        "stock.quant": 300.0,
    }
    resources: ClassVar[Mapping[str, str]] = {model: rf"^POST .*/json/2/{model}/" for model in READ}
    fetches = frozenset(READ)
    unsupported: ClassVar[Mapping[Any, str]] = {
        "change_order": "lines of a confirmed order are locked in many databases; cancel it and place another",
    }
    limits = "none published; Odoo Online slows abuse down with 429"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def object_key(self, raw: Raw) -> str:
        try:
            body = raw.json()
            return f"{body['_model']}:{int(body['_id'])}"
        except (Malformed, KeyError, TypeError, ValueError):
            return super().object_key(raw)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        body = raw.json()
        if not isinstance(body, dict):
            raise Malformed("is no object")
        if "read" in body:
            yield from objects.messages(self, body)
            return
        model, number = text(body.get("_model")), id_of(body.get("_id"))
        if model not in READ:
            raise (
                Ignored(f"a record of a model that is not read: {model[:60]}")
                if model
                else Malformed("is missing", field="_model")
            )
        if number is None:
            raise Malformed("is no id", field="_id")
        changed = utc(body.get("write_date"), "write_date")
        cause = text(body.get("write_date")) or content_hash(raw.body)
        yield self.fetch_command(model, [str(number)], cause, objects.told(model, number, body, changed))

    # --- what we ask --------------------------------------------------------------------------------------------------

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        """Every record that changed since the last look, whole."""
        now = (yield from moment()).now
        start = since(cursor, now, overlap_seconds=OVERLAP_SECONDS, back_fill_days=BACK_FILL_DAYS)
        domain = [["write_date", ">=", objects.written(start)]]
        if resource == "stock.quant":
            domain.append(["location_id.usage", "=", "internal"])
        records: list[RawPage] = []
        offset = 0
        while True:
            found = yield from self._search(resource, domain, READ[resource], offset=offset)
            records += yield from self._whole(resource, found)
            offset += PAGE
            if len(found) < PAGE:
                return Page(records, until(now))

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        model, number = command.resource, id_of(command.ids[0])
        if model not in READ or number is None:
            raise Refused(f"{command.ids[0]!r} is no id of {model}")
        found = yield from self._search(model, [["id", "=", number]], READ[model])
        pages = yield from self._whole(model, found)
        if not pages:
            raise Refused(f"there is no {model} {number}, or it may not be seen")
        return pages[0]

    def _whole(self, model: str, found: Sequence[Mapping[str, Any]]) -> Call[list[RawPage]]:
        """Records with their lines, the SKUs of these and the people behind them, each as one record."""
        if not found:
            return []
        if model == "stock.quant":
            return (yield from self._levels(found))
        lines: list[Mapping[str, Any]] = []
        if held := LINES.get(model):
            ids = sorted({number for record in found for number in record.get(held.field) or ()})
            lines = yield from self._search(held.model, [["id", "in", ids]], held.fields)
        products = yield from self._codes({id_of(line.get("product_id")) for line in lines})
        partners = {id_of(record.get("partner_id")) for record in found} - {None}
        people: list[Mapping[str, Any]] = []
        if model != "purchase.order" and partners:
            people = yield from self._search("res.partner", [["id", "in", sorted(map(int, partners))]], objects.PERSON)  # type: ignore[arg-type]
        return [
            RawPage(whole(model, record, lines, products, people), model, f"{model}:{record['id']}", JSON)
            for record in found
        ]

    def _levels(self, found: Sequence[Mapping[str, Any]]) -> Call[list[RawPage]]:
        """All rows of the products and places that changed, added up."""
        places = sorted({(count_of(one, "product_id"), count_of(one, "location_id")) for one in found})
        domain = [["product_id", "in", sorted({product for product, _ in places})]]
        quants = yield from self._search("stock.quant", domain, READ["stock.quant"], limit=None)
        products = yield from self._codes({product for product, _ in places})
        return [
            RawPage(objects.level(place, quants, products), "stock.quant", f"{place[0]}/{place[1]}", JSON)
            for place in places
        ]

    def _codes(self, ids: Iterable[int | None]) -> Call[dict[str, str]]:
        """Product id -> SKU."""
        wanted = sorted(number for number in set(ids) if number is not None)
        if not wanted:
            return {}
        found = yield from self._search("product.product", [["id", "in", wanted]], ("id", "default_code"), limit=None)
        return {str(one["id"]): text(one.get("default_code")) for one in found}

    # --- what we make there -------------------------------------------------------------------------------------------

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        lines = yield from self._order_lines(command.lines)
        values: dict[str, Any] = {"partner_id": (yield from self._supplier(command)), "origin": command.reference}
        if command.needed_by:
            values["date_planned"] = objects.written(objects.day_or_time(command.needed_by))
        number = yield from self._create("purchase.order", {**values, "order_line": lines})
        return (yield from self._confirmed(number))

    def find_order(self, command: ReorderCommand) -> Call[Placed | None]:
        domain = [["origin", "=", command.reference], ["state", "!=", "cancel"]]
        found = yield from self._search("purchase.order", domain, ("id", "name", "state"))
        if not found:
            return None
        if len(found) > 1:
            raise Refused(f"{len(found)} purchase orders have the origin {command.reference}; a person must look")
        one = found[0]
        if text(one.get("state")) in ("draft", "sent"):
            return (yield from self._confirmed(int(one["id"])))
        return Placed(f"purchase.order:{one['id']}", {"number": text(one.get("name")), "state": text(one.get("state"))})

    def _confirmed(self, number: int) -> Call[Placed]:
        """Confirmed where the settings want it; a crash before leaves a draft, which the look-up confirms."""
        if self.settings.confirm_orders:
            yield from self._do("purchase.order", "button_confirm", ids=[number])
        return Placed(f"purchase.order:{number}")

    def cancel_order(self, command: CancelOrderCommand) -> Call[Placed]:
        number = id_of((command.external_reference or "").rpartition(":")[2])
        if number is None:
            found = yield from self._search("purchase.order", [["origin", "=", command.reference]], ("id", "state"))
            if len(found) != 1:
                raise Refused(f"{len(found)} purchase orders have the origin {command.reference}")
            number = int(found[0]["id"])
        yield from self._do("purchase.order", "button_cancel", ids=[number])
        return Placed(f"purchase.order:{number}")

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """Approved is confirmed, rejected is cancelled; that it waits is a note, since there is no state for it."""
        model, _, told = command.order_id.rpartition(":")
        number, model = id_of(told), model or "purchase.order"
        if number is None or model not in objects.BUTTONS:
            raise Refused(f"{command.order_id!r} is no order of Odoo")
        button = objects.BUTTONS[model].get(command.decision)
        if button is not None:
            yield from self._do(model, button, ids=[number])
            if model == "purchase.order" and button == "button_confirm":
                [order] = yield from self._search(model, [["id", "=", number]], ("id", "state"))
                if order.get("state") == "to approve":
                    yield from self._do(model, "button_approve", ids=[number])
        else:
            note = command.text or f"Parts {command.decision.replace('_', ' ')}"
            yield from self._do(model, "message_post", {"body": note}, ids=[number])
        return Placed(command.order_id)

    def record(self, command: RecordCommand) -> Call[Placed]:
        model = "res.partner" if command.entity == "customer" else "sale.order"
        known = id_of((command.external_reference or "").rpartition(":")[2])
        if known is None and command.operation != "create":
            known = yield from self._find_record(command, model)
        if command.operation == "cancel":
            if known is not None:
                yield from self._do("sale.order", "action_cancel", ids=[known])
            return Placed(None if known is None else objects.known_as(model, known))
        if known is None and command.operation == "find":
            raise Refused(f"there is no such {command.entity}")
        if known is None or command.operation == "upsert":
            values = yield from self._values(command, model, new=known is None)
            if known is None:
                known = yield from self._create(model, values)
            else:
                yield from self._do(model, "write", {"vals": values}, ids=[known])
        return Placed(objects.known_as(model, known))

    def _find_record(self, command: RecordCommand, model: str) -> Call[int | None]:
        keys = command.match if model == "res.partner" else ()
        domains = [[[BY[key.by], "=", key.value]] for key in keys]
        domains.append([["ref" if model == "res.partner" else "client_order_ref", "=", command.reference]])
        for domain in domains:
            found = yield from self._search(model, domain, ("id",))
            if len(found) > 1:
                raise Refused(f"{len(found)} records of {model} have the same {domain[0][0]}; a person must look")
            if found:
                return int(found[0]["id"])
        return None

    def _values(self, command: RecordCommand, model: str, *, new: bool) -> Call[dict[str, Any]]:
        if model == "res.partner":
            return objects.partner(command)
        values = objects.sales_order(command, (yield from self._customer(command)))
        order = command.order
        if new and order is not None:
            by_id = command.match_items == "item_id"
            codes = () if by_id else [line.sku for line in order.lines if line.sku]
            products = yield from self._products(codes)
            values["order_line"] = [
                [
                    0,
                    0,
                    objects.sales_line(line, objects.product_of(line.item_id if by_id else line.sku, products, by_id)),
                ]
                for line in order.lines
            ]
        return values

    def _customer(self, command: RecordCommand) -> Call[int]:
        known = id_of((command.customer_reference or "").rpartition(":")[2])
        if known is not None:
            return known
        found = yield from self._by_match(command.customer_match)
        if found is None:
            raise Refused("the order's customer is not known there; a route for customers copies it first")
        return found

    def _by_match(self, keys: Iterable[Match]) -> Call[int | None]:
        for key in keys:
            found = yield from self._search("res.partner", [[BY[key.by], "=", key.value]], ("id",))
            if len(found) == 1:
                return int(found[0]["id"])
        return None

    def _order_lines(self, lines: Sequence[ReorderLine]) -> Call[list[Any]]:
        products = yield from self._products([line.sku for line in lines if not line.item_id])
        return [
            [
                0,
                0,
                objects.purchase_line(line, objects.product_of(line.item_id or line.sku, products, bool(line.item_id))),
            ]
            for line in lines
        ]

    def _products(self, codes: Iterable[str]) -> Call[dict[str, int]]:
        """SKU -> product id. Raises Refused for one that stands for several."""
        wanted = sorted(set(codes))
        if not wanted:
            return {}
        found = yield from self._search(
            "product.product", [["default_code", "in", wanted]], ("id", "default_code"), limit=None
        )
        known: dict[str, int] = {}
        for one in found:
            code = text(one.get("default_code"))
            if code in known:
                raise Refused(f"several products have the internal reference {code}")
            known[code] = int(one["id"])
        return known

    def _supplier(self, command: ReorderCommand) -> Call[int]:
        known = id_of(command.address)
        if known is not None:
            return known
        found = yield from self._search("res.partner", [["ref", "=", command.address or command.supplier]], ("id",))
        if len(found) != 1:
            raise Refused(f"suppliers.{command.supplier}.address must be the id or the reference of one partner")
        return int(found[0]["id"])

    # --- how we ask ---------------------------------------------------------------------------------------------------

    def _search(
        self,
        model: str,
        domain: list[Any],
        fields: Sequence[str],
        *,
        offset: int = 0,
        limit: int | None = PAGE,
    ) -> Call[list[Mapping[str, Any]]]:
        named: dict[str, Any] = {"domain": domain, "fields": list(fields), "order": "write_date asc, id asc"}
        if limit is not None:
            named |= {"limit": limit, "offset": offset}
        found = yield from self._do(model, "search_read", named, safe=True)
        if not isinstance(found, list):
            raise Unavailable(f"the answer to a search in {model} is no list")
        return [one for one in found if isinstance(one, Mapping) and id_of(one.get("id")) is not None]

    def _create(self, model: str, values: Mapping[str, Any]) -> Call[int]:
        made = yield from self._do(model, "create", {"vals_list": [values]})
        number = id_of(made[0] if isinstance(made, list) and made else made)
        if number is None:
            raise Refused(f"Odoo made a {model} and did not say which")
        return number

    def _do(
        self,
        model: str,
        method: str,
        named: Mapping[str, Any] | None = None,
        *,
        ids: list[int] | None = None,
        safe: bool = False,
    ) -> Call[Any]:
        """One method of a model. Raises Refused for what Odoo calls an error."""
        settings, named = self.settings, dict(named or {})
        if not settings.base_url:
            raise Refused(f"accounts.{self.account}.base_url is not set; Odoo can be listened to, but not asked")
        context = {"lang": settings.language} if settings.language else None
        if settings.api == "jsonrpc":
            return (yield from self._rpc(model, method, named, ids, context, safe=safe))
        body = {**({"ids": ids} if ids else {}), **({"context": context} if context else {}), **named}
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if settings.database:
            headers["X-Odoo-Database"] = settings.database
        if settings.user_agent:
            headers["User-Agent"] = settings.user_agent
        reply = yield from self.ask(post(self.base("") + f"/json/2/{model}/{method}", body, headers, safe=safe))
        return reply.json()

    def _rpc(
        self,
        model: str,
        method: str,
        named: dict[str, Any],
        ids: list[int] | None,
        context: Mapping[str, str] | None,
        *,
        safe: bool,
    ) -> Call[Any]:
        settings = self.settings
        user = settings.user_id if settings.user_id is not None else (yield from self._user())
        places: list[Any] = [ids] if ids else []
        if method == "create":
            places = [named.pop("vals_list")[0]]
        elif method == "search_read":
            places = [named.pop("domain")]
        elif method == "write":
            places.append(named.pop("vals"))
        if context:
            named["context"] = dict(context)
        arguments = [settings.database, user, plain(settings, "api_key"), model, method, places, named]
        return (yield from self._service("object", "execute_kw", arguments, safe=safe))

    def _user(self) -> Call[int]:
        if held := (yield from recall("user_id")):
            return int(held)
        settings = self.settings
        login = plain(settings, "login")
        arguments = [settings.database, login, plain(settings, "api_key"), {}]
        found = id_of((yield from self._service("common", "authenticate", arguments, safe=True)))
        if found is None:
            raise Refused(f"accounts.{self.account}.login and api_key are not accepted")
        yield from keep("user_id", str(found))
        return found

    def _service(self, service: str, method: str, arguments: list[Any], *, safe: bool) -> Call[Any]:
        params = {"service": service, "method": method, "args": arguments}
        body = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        reply = yield from send(post(self.base("") + "/jsonrpc", body, safe=safe))
        told = reply.json()
        if isinstance(told, Mapping) and told.get("error"):
            raise objects.refusal(told["error"])
        if not isinstance(told, Mapping) or "result" not in told:
            raise reply.unreadable("has no result")
        return told["result"]
