"""A purchase order as UBL 2.1 Order: the order of elements is the schema's (OASIS UBL, `UBL-Order-2.1.xsd`)."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape as escape_markup
from xml.sax.saxutils import quoteattr

from streamer.messages.base import plain
from streamer.messages.commands import ReorderCommand, ReorderLine
from streamer.platforms.documents.totals import line_amount, order_total

NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd"
ORDER_TYPE = "220"  # UNTDID 1001: order
NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def ubl_order(order: ReorderCommand, *, company: str) -> bytes:
    """The document; one line for each part, so that people can read it."""
    currency = quoteattr(order.currency)
    total = order_total(order)
    delivery = f"<cac:Delivery><cac:DeliveryLocation>{_id(order.ship_to)}</cac:DeliveryLocation>"
    if order.needed_by:
        delivery += (
            f"<cac:RequestedDeliveryPeriod><cbc:EndDate>{escape(order.needed_by)}</cbc:EndDate>"
            "</cac:RequestedDeliveryPeriod>"
        )
    sums = "".join(
        f"<cbc:{name} currencyID={currency}>{total}</cbc:{name}>" for name in ("LineExtensionAmount", "PayableAmount")
    )
    parts = [
        "<cbc:UBLVersionID>2.1</cbc:UBLVersionID>",
        _id(order.reference),
        *(["<cbc:CopyIndicator>true</cbc:CopyIndicator>"] if order.copy_of is not None else []),
        f"<cbc:IssueDate>{escape(order.order_date)}</cbc:IssueDate>",
        f"<cbc:OrderTypeCode>{ORDER_TYPE}</cbc:OrderTypeCode>",
        *([f"<cbc:Note>{escape(order.note)}</cbc:Note>"] if order.note else []),
        f"<cbc:DocumentCurrencyCode>{escape(order.currency)}</cbc:DocumentCurrencyCode>",
        f"<cac:BuyerCustomerParty>{_party(company)}</cac:BuyerCustomerParty>",
        f"<cac:SellerSupplierParty>{_party(order.supplier_name)}</cac:SellerSupplierParty>",
        delivery + "</cac:Delivery>",
        *([f"<cac:AnticipatedMonetaryTotal>{sums}</cac:AnticipatedMonetaryTotal>"] if total is not None else []),
        *(_line(line, order.currency) for line in order.lines),
    ]
    body = "".join(f"  {part}\n" for part in parts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Order xmlns="{NAMESPACE}:Order-2" xmlns:cac="{NAMESPACE}:CommonAggregateComponents-2"'
        f' xmlns:cbc="{NAMESPACE}:CommonBasicComponents-2">\n{body}</Order>\n'
    ).encode()


def escape(text: str) -> str:
    """Text of an element; letters that XML does not know are left out."""
    return escape_markup(NO_XML.sub("", text))


def _id(text: str) -> str:
    return f"<cbc:ID>{escape(text)}</cbc:ID>"


def _party(name: str) -> str:
    return f"<cac:Party><cac:PartyName><cbc:Name>{escape(name)}</cbc:Name></cac:PartyName></cac:Party>"


def _line(line: ReorderLine, code: str) -> str:
    currency = quoteattr(code)
    amount = price = ""
    if line.unit_price is not None:
        amount = f"<cbc:LineExtensionAmount currencyID={currency}>{line_amount(line, code)}</cbc:LineExtensionAmount>"
        price = (
            f"<cac:Price><cbc:PriceAmount currencyID={currency}>{plain(line.unit_price)}</cbc:PriceAmount></cac:Price>"
        )
    seller = ""
    if line.supplier_sku:
        seller = f"<cac:SellersItemIdentification>{_id(line.supplier_sku)}</cac:SellersItemIdentification>"
    return (
        f"<cac:OrderLine><cac:LineItem>{_id(line.line)}"
        f"<cbc:Quantity unitCode={quoteattr(NO_XML.sub('', line.unit))}>{plain(line.quantity)}</cbc:Quantity>"
        f"{amount}{price}<cac:Item><cbc:Name>{escape(line.description or line.sku)}</cbc:Name>"
        f"<cac:BuyersItemIdentification>{_id(line.sku)}</cac:BuyersItemIdentification>{seller}</cac:Item>"
        "</cac:LineItem></cac:OrderLine>"
    )
