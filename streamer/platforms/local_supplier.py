"""Local supplier: a supplier to try things with, by HTTP; `streamer up` runs it beside us.

Good to know:
- Orders carry our `command_id` as Idempotency-Key and our reference; both find an order again.
- With `idempotent = true` the account counts as class A (the key protects), else as class B (a look-up does).
- What becomes of an order comes by webhook, signed over the body (hex HMAC-SHA256 in X-Supplier-Signature); a webhook
  may come before the answer to the order that it is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr

from streamer.errors import Malformed
from streamer.messages.applied import SinkClass
from streamer.messages.base import Message, Quantity, plain
from streamer.messages.commands import CancelOrderCommand, ReorderCommand
from streamer.messages.purchasing import SupplierLine, SupplierState, SupplierStatus
from streamer.platforms.base import (
    AccountSettings,
    Call,
    Hmac,
    HttpRequest,
    Placed,
    Platform,
    Raw,
    Role,
    get,
    post,
    send,
)

STATES: dict[str, SupplierState] = {
    "order.received": "received",
    "order.confirmed": "accepted",
    "order.changed": "accepted_with_changes",
    "order.rejected": "rejected",
    "order.partly_shipped": "partly_shipped",
    "order.shipped": "shipped",
    "order.delivered": "delivered",
    "order.cancelled": "cancelled",
}


class LocalSupplierSettings(AccountSettings):
    token: SecretStr
    idempotent: bool = False
    purchase_orders: Literal["demand", "supply"] = "supply"


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class RawLine(_Read):
    line: str
    sku: str | None = None
    quantity: Quantity | None = None
    promised_date: date | None = None
    status: str | None = None


class RawStatus(_Read):
    event_id: str
    type: str
    order_id: str
    reference: str
    occurred_at: AwareDatetime
    sequence: int
    lines: tuple[RawLine, ...] = ()


class RawOrder(_Read):
    order_id: str
    reference: str
    state: str


class RawOrders(_Read):
    orders: tuple[RawOrder, ...]


class LocalSupplier(Platform[LocalSupplierSettings]):
    title = "Local supplier"
    docs = "https://www.rfc-editor.org/rfc/rfc9110"  # it is ours; this is all it speaks
    roles = frozenset({Role.ORDER_SINK, Role.REPLY_READER})
    settings_type = LocalSupplierSettings
    signature = Hmac(header="X-Supplier-Signature")
    sink_class: ClassVar[SinkClass | None] = "B"
    visibility_seconds = 1.0
    limits = "none: it is ours"

    def __init__(self, settings: LocalSupplierSettings) -> None:
        super().__init__(settings)
        if settings.idempotent:
            self.sink_class = "A"  # type: ignore[misc]  # a choice of the account here

    def object_key(self, raw: Raw) -> str:
        try:
            return raw.parse(RawStatus).reference
        except Malformed:
            return super().object_key(raw)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        status = raw.parse(RawStatus)
        state = STATES.get(status.type)
        if state is None:
            raise Malformed(f"{status.type[:60]!r} is none of {', '.join(STATES)}", field="type")
        yield SupplierStatus(
            account=self.account,
            platform=self.name,
            source_id=status.event_id,
            reference=status.reference,
            external_reference=status.order_id,
            state=state,
            status=status.type,
            occurred_at=status.occurred_at,
            sequence=status.sequence,
            lines=tuple(
                SupplierLine(
                    line=line.line,
                    sku=line.sku,
                    quantity=line.quantity,
                    promised_date=line.promised_date.isoformat() if line.promised_date else None,
                    status=line.status,
                )
                for line in status.lines
            ),
        )

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        body = {
            "reference": command.reference,
            "customer": command.ship_to,
            "needed_by": command.needed_by,
            "currency": command.currency,
            "copy": command.copy_of is not None,
            "lines": [
                {
                    "line": line.line,
                    "sku": line.supplier_sku or line.sku,
                    "our_sku": line.sku,
                    "quantity": plain(line.quantity),
                    "unit": line.unit,
                    "unit_price": plain(line.unit_price) if line.unit_price is not None else None,
                }
                for line in command.lines
            ],
        }
        headers = {**self._token(), "Idempotency-Key": command.command_id}
        reply = yield from send(post(f"{self._url()}/orders", body, headers))
        order = reply.parse(RawOrder)
        if order.reference != command.reference:
            raise reply.unreadable("is about another order")
        return Placed(order.order_id, {"state": order.state})

    def find_order(self, command: ReorderCommand) -> Call[Placed | None]:
        reply = yield from send(get(f"{self._url()}/orders", {"reference": command.reference}, self._token()))
        found = reply.parse(RawOrders).orders
        return Placed(found[0].order_id, {"state": found[0].state}) if found else None

    def cancel_order(self, command: CancelOrderCommand) -> Call[Placed]:
        """Safe to repeat: cancelling a cancelled order answers the same."""
        request = HttpRequest(
            "POST",
            f"{self._url()}/cancellations",
            self._token(),
            json={"reference": command.reference, "reason": command.reason},
        )
        reply = yield from send(request)
        return Placed(reply.parse(RawOrder).order_id)

    def _url(self) -> str:
        return self.base("http://127.0.0.1:8099")

    def _token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.token.get_secret_value()}"}
