"""What the supplier says about an order: a signed webhook, or a mail with a UBL OrderResponse."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

import orjson

from streamer.local.supplier.book import Entry

UBL = "urn:oasis:names:specification:ubl:schema:xsd"


def webhook(entry: Entry, kind: str, *, promised_date: str | None, now: datetime) -> bytes:
    """The body of an event about an order."""
    body: dict[str, Any] = {
        "event_id": f"{entry.order_id}-{entry.sequence}",
        "type": f"order.{kind}",
        "order_id": entry.order_id,
        "reference": entry.reference,
        "occurred_at": now.astimezone(UTC).isoformat(),
        "sequence": entry.sequence,
        "lines": [{**line, "promised_date": promised_date} for line in entry.lines],
    }
    return orjson.dumps(body)


def signature(body: bytes, secret: str) -> str:
    """Hex HMAC-SHA256 over the body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def reply_mail(entry: Entry, *, promised_date: str, receiving_server: str, now: datetime) -> bytes:
    """The supplier's confirmation as it lies in our mailbox, with what our own server found out about the sender."""
    sender = entry.by
    domain = sender.rpartition("@")[2]
    mail = EmailMessage()
    mail["Return-Path"] = f"<{sender}>"
    mail["Delivered-To"] = entry.reply_to
    mail["Authentication-Results"] = (
        f"{receiving_server}; dkim=pass header.d={domain}; spf=pass smtp.mailfrom={domain}; dmarc=pass"
    )
    mail["From"] = f"Orders Desk <{sender}>"
    mail["To"] = entry.reply_to
    mail["Subject"] = f"Re: Purchase order {entry.reference}"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<reply-{entry.order_id}-{entry.sequence}@{domain}>"
    mail["In-Reply-To"] = entry.message_id
    mail["References"] = entry.message_id
    mail.set_content(f"Please find our confirmation attached.\n\n> Purchase order {entry.reference}\n")
    mail.add_attachment(
        order_response(entry, promised_date=promised_date, now=now).encode(),
        maintype="application",
        subtype="xml",
        filename=f"{entry.order_id}.xml",
    )
    return mail.as_bytes()


def order_response(entry: Entry, *, promised_date: str, now: datetime) -> str:
    """A UBL 2.1 OrderResponse that accepts every line."""
    lines = "".join(
        "<cac:OrderLine><cac:LineItem>"
        f"<cbc:ID>{escape(line['line'])}</cbc:ID><cbc:LineStatusCode>5</cbc:LineStatusCode>"
        f'<cbc:Quantity unitCode="EA">{escape(line["quantity"])}</cbc:Quantity>'
        f"<cac:Delivery><cac:PromisedDeliveryPeriod><cbc:EndDate>{promised_date}</cbc:EndDate>"
        "</cac:PromisedDeliveryPeriod></cac:Delivery>"
        f"<cac:Item><cac:BuyersItemIdentification><cbc:ID>{escape(line['sku'])}</cbc:ID></cac:BuyersItemIdentification>"
        f"</cac:Item></cac:LineItem><cac:OrderLineReference><cbc:LineID>{escape(line['line'])}</cbc:LineID>"
        "</cac:OrderLineReference></cac:OrderLine>"
        for line in entry.lines
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<OrderResponse xmlns="{UBL}:OrderResponse-2" xmlns:cac="{UBL}:CommonAggregateComponents-2"'
        f' xmlns:cbc="{UBL}:CommonBasicComponents-2">'
        "<cbc:UBLVersionID>2.1</cbc:UBLVersionID>"
        f"<cbc:ID>OR-{entry.order_id}-{entry.sequence}</cbc:ID><cbc:SalesOrderID>{entry.order_id}</cbc:SalesOrderID>"
        f"<cbc:IssueDate>{now:%Y-%m-%d}</cbc:IssueDate><cbc:IssueTime>{now:%H:%M:%S}+00:00</cbc:IssueTime>"
        "<cbc:OrderResponseCode>AP</cbc:OrderResponseCode>"
        f"<cac:OrderReference><cbc:ID>{escape(entry.reference)}</cbc:ID></cac:OrderReference>"
        "<cac:SellerSupplierParty><cac:Party><cac:PartyName><cbc:Name>Supplier</cbc:Name></cac:PartyName></cac:Party>"
        "</cac:SellerSupplierParty><cac:BuyerCustomerParty><cac:Party><cac:PartyName><cbc:Name>Buyer</cbc:Name>"
        "</cac:PartyName></cac:Party></cac:BuyerCustomerParty>"
        f"{lines}</OrderResponse>"
    )
