"""SAP Ariba: purchase orders as cXML to the network or as requisitions by SOAP; confirmations and ship notices as cXML.

Good to know:
- There is no signature: a document carries a shared secret in its sender's credential, and must be addressed to us.
- The answer is a document too; its status counts, not HTTP's. 201 is accepted and not yet delivered.
- A repeated document keeps its `payloadID`, by which the network knows it; so it is made of the command's id.
- Lines are told apart by their number, not by the part. One line may have several statuses, which split its quantity.
- Times need a numeric offset in cXML; many senders write Z, which is read too.
- A requisition has no key that Ariba holds us to: after an unclear answer a person looks.
- Approvals waiting in Ariba (Document Approval API) are not read: its field names are not published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import SecretStr

from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.applied import AccountFacts
from streamer.messages.base import Message
from streamer.messages.commands import ChangeOrderCommand, ReorderCommand
from streamer.platforms import ariba_documents as documents
from streamer.platforms import xml
from streamer.platforms.base import (
    AccountSettings,
    BasicAuth,
    Call,
    HttpRequest,
    Placed,
    Platform,
    Raw,
    Response,
    Role,
    moment,
    send,
)

ANSWER = {"Content-Type": "text/xml; charset=UTF-8"}


class SapAribaSettings(AccountSettings):
    """`document` says which way orders go. `webhook_secret` is the SharedSecret of what the network sends us."""

    document: Literal["order", "requisition"] = "order"
    network_id: str | None = None  # ours, AN…
    # order
    order_url: str | None = None
    shared_secret: SecretStr | None = None
    deployment_mode: Literal["production", "test"] = "production"
    language: str = "en-US"
    text_language: str = "en"
    user_agent: str = "streamer"
    domain: str = "streamer.invalid"  # ours, behind the @ of a payloadID
    addresses: dict[str, dict[str, str]] = {}  # location -> name, street, city, postal_code, country, country_name
    unspsc: str | None = None  # the class of what has none of its own
    # requisition
    realm: str | None = None
    variant: str = "vsap"
    partition: str = "par1"
    integration_user: str | None = None
    integration_password: SecretStr | None = None
    company_code: str | None = None
    originating_system: str = "STREAMER"
    requester: str | None = None
    password_adapter: str = "PasswordAdapter1"


class SapAriba(Platform[SapAribaSettings]):
    title = "SAP Ariba"
    docs = "https://help.sap.com/docs/ariba"
    hosts = ("*.ariba.com",)
    roles = frozenset({Role.ORDER_SINK, Role.REPLY_READER, Role.SOURCE})
    settings_type = SapAribaSettings
    signature = documents.SharedSecret()
    sink_class = "A"
    unsupported: ClassVar[Mapping[Any, str]] = {
        "cancel_order": "a deletion repeats the whole order; change its quantities, or ask the supplier",
        "find_order": "neither way has a question by our reference; the network knows a repeated order itself",
    }
    limits = "told by the headers X-RateLimit-…; 429 when they are used up"

    def facts(self) -> AccountFacts:
        """A requisition that may have been made waits for a person."""
        facts = super().facts()
        return facts if self.settings.document == "order" else facts.model_copy(update={"sink_class": "C"})

    # --- what arrives -------------------------------------------------------------------------------------------------

    def respond(self, raw: Raw) -> Response:
        """The document that says it is here. Its ids follow from those of what came."""
        root = xml.read_xml(raw.body)
        at = raw.received_at or datetime.now(UTC)
        return Response(200, ANSWER, documents.answered(xml.attribute(root, "payloadID") or "unknown", at))

    def object_key(self, raw: Raw) -> str:
        try:
            return documents.order_id(xml.read_xml(raw.body)) or super().object_key(raw)
        except Malformed:
            return super().object_key(raw)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        root = xml.read_xml(raw.body)
        request = xml.child(root, "Request")
        if request is None:
            raise Ignored("a document that is no request")
        first = next(iter(request), None)
        if first is None:
            raise Malformed("is empty", field="cXML/Request")
        match xml.local(first):
            case "ConfirmationRequest":
                yield documents.confirmation(root, first, account=self.account, platform=self.name)
            case "ShipNoticeRequest":
                yield from documents.ship_notice(root, first, account=self.account, platform=self.name)
            case "OrderRequest":
                yield documents.order(root, first, self)
            case other:
                raise Ignored(f"a document that is not read: {other[:60]}")

    # --- what we send -------------------------------------------------------------------------------------------------

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        if self.settings.document == "requisition":
            return (yield from self._requisition(command))
        return (yield from self._order(command, "new", command.command_id))

    def change_order(self, command: ChangeOrderCommand) -> Call[Placed]:
        """The whole order once more, as an update."""
        if self.settings.document == "requisition":
            raise Refused(
                "a requisition that was imported cannot be changed from outside; a person changes it in Ariba"
            )
        return (yield from self._order(command.order, "update", command.command_id))

    def _order(self, command: ReorderCommand, kind: Literal["new", "update"], key: str) -> Call[Placed]:
        settings = self.settings
        supplier = command.address
        for field, value in (("order_url", settings.order_url), ("network_id", settings.network_id),
                             ("shared_secret", settings.shared_secret)):  # fmt: skip
            if not value:
                raise Refused(f"accounts.{self.account}.{field} is not set; no order can be sent")
        if not supplier:
            raise Refused(f"suppliers.{command.supplier}.address must be the network id of the supplier")
        now = (yield from moment()).now
        body = documents.order_request(command, settings, self.their_place(command.ship_to), supplier, kind, key, now)
        request = HttpRequest("POST", str(settings.order_url), ANSWER, body=body)
        root = xml.read_answer((yield from send(request)))
        return documents.placed(root, command.reference)

    def _requisition(self, command: ReorderCommand) -> Call[Placed]:
        settings = self.settings
        for field in ("realm", "requester", "company_code"):
            if not getattr(settings, field):
                raise Refused(f"accounts.{self.account}.{field} is not set; no requisition can be made")
        headers = {"Content-Type": "text/xml;charset=UTF-8", "SOAPAction": "/Process Definition"}
        headers["Authorization"] = BasicAuth("integration_user", "integration_password").header(settings)
        url = f"{self.base('')}/Buyer/soap/{settings.realm}/RequisitionImportPull"
        request = HttpRequest("POST", url, headers, body=documents.requisition(command, settings))
        reply = yield from send(request)
        if not reply.body:
            return Placed(None)
        told = xml.soap_body(xml.read_answer(reply))
        made = next((xml.text(found) for found in xml.descendants(told, "UniqueName") if xml.text(found)), None)
        return Placed(made, {"answer": xml.local(told)})
