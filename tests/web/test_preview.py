"""A person who approves sees the order as it will leave, and never a log-in or a secret."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streamer.messages.commands import ReorderCommand, ReorderLine
from streamer.platforms.base import example
from streamer.web.console.preview import Previews


def order() -> ReorderCommand:
    line = ReorderLine(
        line="1", sku="PAD", item_id="58", quantity=Decimal(6), unit_price=Decimal("11.9"), location="01"
    )
    fields: dict[str, Any] = {"supplier": "NW", "supplier_name": "Northwind", "reference": "NW-7", "currency": "EUR"}
    fields |= {"order_date": "2026-03-02", "ship_to": "01", "lines": (line,), "address": "41"}
    return ReorderCommand(command_id="A" * 26, account="x", object="o", cause="c", **fields)


def test_what_is_sent_at_once_is_shown_with_its_body() -> None:
    given = {"realm_id": "1", "access_token": "not-to-be-shown", "ap_account_id": "33", "send_orders": False}
    shown = Previews().of(example("quickbooks_online", given), order())
    assert shown.way.startswith("QuickBooks Online: POST https://quickbooks.api.intuit.com/v3/company/1/purchaseorder")
    assert '"DocNumber": "NW-7"' in shown.text
    assert "not-to-be-shown" not in shown.text


def test_a_log_in_that_goes_before_is_not_taken_for_the_order() -> None:
    given = {"base_url": "https://b1.example.com", "company_db": "DB", "user": "u", "password": "not-to-be-shown"}
    shown = Previews().of(example("sap_business_one", given), order())
    assert "looked up" in shown.way
    assert "NW-7" in shown.text
    assert "not-to-be-shown" not in shown.text
    assert "Password" not in shown.text


def test_an_order_that_would_be_refused_says_why() -> None:
    shown = Previews().of(example("quickbooks_online", {"realm_id": "1", "access_token": "t"}), order())
    assert "ap_account_id" in shown.way
