"""The commands of one copy: the customer and the addresses that must be there first, then the record itself."""

from __future__ import annotations

from streamer.domain.record_mapping import (
    Content,
    Unmappable,
    addresses_of,
    digest,
    identities_of,
    matches_of,
)
from streamer.domain.record_rows import CopyRow, split_key
from streamer.domain.view import View
from streamer.messages.base import Message
from streamer.messages.commands import RecordCommand
from streamer.messages.ids import command_id
from streamer.messages.orders import CustomerRecord, Order
from streamer.messages.people import Address
from streamer.messages.records import RecordKind, RouteFacts, identity, record_reference

LONGEST_REFERENCE = 21


def reference_of(route: RouteFacts, event: Order | CustomerRecord) -> str:
    """Ours for the copy: the prefix and the number where the route has a prefix, else one made from its origin."""
    if isinstance(event, CustomerRecord):
        return _customer_reference(identity("source", f"{event.account}/{event.source_id}"))
    number = (event.number or "").lstrip("#").strip()
    if route.reference_prefix and number and len(route.reference_prefix + number) <= LONGEST_REFERENCE:
        return route.reference_prefix + number
    return record_reference(event.places()[0].key)


def _customer_reference(own_identity: str) -> str:
    """The same whether the customer comes by itself or with an order."""
    return record_reference(f"customer/{own_identity}")


def identify(route: RouteFacts, kind: RecordKind, content: Content) -> None:
    """Raises Unmappable where the other system could not know the customer again."""
    record = content.record
    if matches_of(route, record) or (isinstance(record, Order) and route.guest is not None):
        return
    if route.becomes.get(kind, kind) == "deal" and record.customer is None:
        return  # a deal may have nobody yet
    wanted = ", ".join(f"customer.{by}" for by in route.match)
    raise Unmappable(f"{wanted}: the customer has none of these, and a name alone never matches")


def send(rows: View[object], key: str, row: CopyRow, route: RouteFacts) -> list[Message]:
    """The wanted content as the next revision; the row says that it is under way."""
    assert row.wanted is not None
    content = Content.from_json(row.wanted)
    row.revision += 1
    row.sent_hash, row.cancels = digest(content, cancels=row.wanted_cancels), row.wanted_cancels
    row.content = row.wanted
    row.wanted, row.wanted_hash, row.difference = None, None, []
    row.state, row.reason, row.due, row.reported = "under_way", None, None, 0
    row.changed_ms = rows.now_ms
    said: list[Message] = []
    if isinstance(content.record, Order) and not row.cancels:
        said += _companions(key, row, route, content.record)
    command = _command(key, row, route, content)
    row.command = command.command_id
    return [*said, command]


def _command(key: str, row: CopyRow, route: RouteFacts, content: Content) -> RecordCommand:
    record_key = split_key(key)[1]
    record = content.record
    matches = matches_of(route, record)
    identities = identities_of(record, matches)
    customer = isinstance(record, CustomerRecord)
    guest = route.guest if not customer and not matches else None
    name = f"{row.entity}/{identities[0] if customer else row.reference}"
    return RecordCommand(
        command_id=command_id("record", route.name, record_key, str(row.revision)),
        account=route.target,
        object=name,
        cause=f"revision {row.revision} of {record_key} over {route.name}",
        entity=row.entity,
        operation="cancel" if row.cancels else "upsert",
        reference=row.reference,
        revision=row.revision,
        order=record if isinstance(record, Order) else None,
        customer=record if isinstance(record, CustomerRecord) else None,
        fields=content.fields,
        line_fields=content.line_fields,
        match=matches if customer else (),
        match_items=route.match_items,
        customer_match=() if customer else matches,
        identities=identities if customer else (),
        customer_identities=() if customer or guest or not matches else identities,
        route=route.name,
        record_key=record_key,
        customer_reference=guest,
    )


def _companions(key: str, row: CopyRow, route: RouteFacts, order: Order) -> list[Message]:
    """What the order needs beside itself, once for each customer and address."""
    record_key = split_key(key)[1]
    matches = matches_of(route, order)
    if not matches or order.customer is None:
        return []
    identities = identities_of(order, matches)
    holder = CustomerRecord(
        account=order.account,
        platform=order.platform,
        kind="customer",
        source_id=order.customer.id or record_key.partition("/")[2],
        version=order.version,
        customer=order.customer,
    )
    said: list[Message] = []
    if identities[0] not in row.companions:
        made = RecordCommand(
            command_id=command_id("record", route.name, record_key, str(row.revision), "customer", identities[0]),
            account=route.target,
            object=f"customer/{identities[0]}",
            cause=f"customer of {record_key}",
            entity="customer",
            operation="ensure" if "customer" in route.kinds else "find",
            reference=_customer_reference(identities[0]),
            revision=row.revision,
            customer=holder,
            match=matches,
            identities=identities,
            route=route.name,
            record_key=record_key,
        )
        row.companions[identities[0]] = made.command_id
        said.append(made)
    if "address" in route.kinds:
        said += [
            _address(record_key, row, route, address, identities, order)
            for address in addresses_of(order)
            if identity("address", address.model_dump_json()) not in row.companions
        ]
    return said


def _address(
    record_key: str, row: CopyRow, route: RouteFacts, address: Address, identities: tuple[str, ...], order: Order
) -> RecordCommand:
    name = identity("address", address.model_dump_json())
    made = RecordCommand(
        command_id=command_id("record", route.name, record_key, str(row.revision), "address", name),
        account=route.target,
        object=f"address/{identities[0]}/{name}",
        cause=f"address of {record_key}",
        entity="address",
        operation="ensure",
        reference=record_reference(f"address/{identities[0]}/{name}"),
        revision=row.revision,
        address=address,
        customer_match=matches_of(route, order),
        customer_identities=identities,
        route=route.name,
        record_key=record_key,
    )
    row.companions[name] = made.command_id
    return made
