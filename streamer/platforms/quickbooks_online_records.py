"""Customers and sales that are copied into QuickBooks Online: found by mail address, number or name, else made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from streamer.errors import Refused
from streamer.messages.commands import RecordCommand
from streamer.messages.records import Match
from streamer.platforms import quickbooks_online_bodies as bodies
from streamer.platforms.quickbooks_online_bodies import Fault, Row, digits, quoted
from streamer.platforms.quickbooks_online_company import Company
from streamer.platforms.wire import Call, Placed

if TYPE_CHECKING:
    from streamer.platforms.quickbooks_online import QuickBooksSettings

NAME_TAKEN = "6240"


def record(company: Company, settings: QuickBooksSettings, command: RecordCommand) -> Call[Placed]:
    """Find, create or update what the command says."""
    customer = command.entity == "customer"
    entity = "customer" if customer else settings.sales_as
    known = digits(command.external_reference)
    if known is None and command.operation != "create":
        known = yield from _find(company, settings, command)
    if command.operation == "cancel":
        if known is not None:
            yield from _cancel(company, entity, known)
    elif known is None:
        if command.operation == "find":
            raise Refused(f"there is no such {command.entity}")
        known = yield from _make(company, settings, command, entity)
    elif command.operation == "upsert":
        body = yield from _body(company, settings, command, "")
        yield from company.change(entity, known, lambda row: _over(row, body, sparse=customer))
    return Placed(known if customer or known is None else f"{entity}:{known}")


def _make(company: Company, settings: QuickBooksSettings, command: RecordCommand, entity: str) -> Call[str]:
    """A name that somebody else has is made unique by our reference."""
    name = bodies.display_name(command)
    body = yield from _body(company, settings, command, name)
    try:
        made = yield from company.write(entity, body, {"requestid": command.command_id})
    except Fault as fault:
        if NAME_TAKEN not in fault.codes or entity != "customer":
            raise
        body = {**body, "DisplayName": bodies.numbered(name, command.reference)}
        made = yield from company.write(entity, body, {"requestid": f"{command.command_id}-n"})
    return str(made["Id"])


def _body(company: Company, settings: QuickBooksSettings, command: RecordCommand, name: str) -> Call[dict[str, Any]]:
    if command.entity == "customer":
        return bodies.customer(command, name)
    customer = digits(command.customer_reference) or (yield from _by_mail(company, command.customer_match))
    if customer is None:
        raise Refused("the order's customer is not known there; a route for customers copies it first")
    lines = command.order.lines if command.order else ()
    if command.match_items == "item_id":
        without_price = [line.item_id for line in lines if line.item_id and line.unit_price is None]
        items = yield from company.catalogue("Id", without_price)
    else:
        items = yield from company.catalogue("Sku", [line.supplier_sku or line.sku or "" for line in lines])
    return bodies.sale(command, settings, customer, items)


def _over(row: Row, body: Mapping[str, Any], *, sparse: bool) -> dict[str, Any]:
    """A customer's fields but not his name there, which people may have changed; a sale as a whole."""
    if not sparse:
        return {**row, **body}
    told = {name: value for name, value in body.items() if name != "DisplayName" or value}
    return {"Id": row.get("Id"), "SyncToken": row.get("SyncToken"), "sparse": True, **told}


def _find(company: Company, settings: QuickBooksSettings, command: RecordCommand) -> Call[str | None]:
    if command.entity != "customer":
        entity = "Invoice" if settings.sales_as == "invoice" else "SalesReceipt"
        made = yield from company.by_number(entity, command.reference)
        return None if made is None else str(made["Id"])
    if found := (yield from _by_mail(company, command.match)):
        return found
    ours = bodies.numbered(bodies.display_name(command), command.reference)
    rows, _ = yield from company.query("Customer", f"select Id from Customer where DisplayName = {quoted([ours])}")  # noqa: S608
    return str(rows[0]["Id"]) if rows else None


def _by_mail(company: Company, keys: Iterable[Match]) -> Call[str | None]:
    """Neither a tax id nor a number can be asked for. Raises Refused where several have the address."""
    for key in keys:
        if key.by != "email":
            continue
        statement = f"select Id from Customer where PrimaryEmailAddr = {quoted([key.value])}"  # noqa: S608
        rows, _ = yield from company.query("Customer", statement)
        if len(rows) > 1:
            raise Refused(f"{len(rows)} customers have the same mail address; a person must look")
        if rows:
            return str(rows[0]["Id"])
    return None


def _cancel(company: Company, entity: str, number: str) -> Call[None]:
    """A sale is made void, a customer inactive."""
    row = yield from company.read(entity, number)
    body = {"Id": number, "SyncToken": row.get("SyncToken"), "sparse": True}
    if entity == "customer":
        yield from company.write(entity, {**body, "Active": False}, {})
    elif not bodies.is_void(row):
        how = {"operation": "void"} if entity == "invoice" else {"operation": "update", "include": "void"}
        yield from company.write(entity, body, how)
