"""One order in the forms that suppliers take: the same facts in each, and nothing that a form cannot hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element, fromstring

import pytest

from streamer.errors import Refused
from streamer.messages.commands import ReorderCommand
from streamer.platforms.documents.edi import control_number, partner_id
from streamer.platforms.documents.edifact_orders import edifact_orders
from streamer.platforms.documents.order_csv import order_csv
from streamer.platforms.documents.order_mail import order_text
from streamer.platforms.documents.order_pdf import order_pdf
from streamer.platforms.documents.totals import order_total
from streamer.platforms.documents.ubl_order import ubl_order
from streamer.platforms.documents.x12_850 import x12_850
from tests.platforms.suppliers import line, order

AT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
NAMES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def x12(purchase: ReorderCommand, *, test: bool = False) -> bytes:
    return x12_850(purchase, sender="NORTHGATEAUTO", receiver="NORTHWINDBRK", at=AT, test=test)


def edifact(purchase: ReorderCommand, *, test: bool = False) -> bytes:
    return edifact_orders(purchase, sender="NORTHGATEAUTO", receiver="NORTHWINDBRK", at=AT, test=test)


def ubl(purchase: ReorderCommand) -> Element:
    return fromstring(ubl_order(purchase, company="Northgate Auto"))


# --- X12 --------------------------------------------------------------------------------------------------------------


def test_an_order_in_x12() -> None:
    number = control_number(order())
    assert x12(order()).decode().splitlines() == [
        f"ISA*00*          *00*          *ZZ*NORTHGATEAUTO  *ZZ*NORTHWINDBRK   *260310*1500*U*00401*{number:09}*0*P*>~",
        f"GS*PO*NORTHGATEAUTO*NORTHWINDBRK*20260310*1500*{number}*X*004010~",
        "ST*850*0001~",
        "BEG*00*SA*NW-1**20260310~",
        "CUR*BY*EUR~",
        "DTM*002*20260314~",
        "N1*ST*STORE 7*92*STORE-7~",
        "PO1*1*4*EA*11.99**BP*BRK-PAD-220*VP*NW-220-F~",
        "PID*F****BRAKE PAD SET FRONT~",
        "PO1*2*10*EA*3.45**BP*OIL-FLT-09~",
        "PID*F****OIL FILTER~",
        "CTT*2~",
        "SE*11*0001~",
        "GE*1*" + f"{number}~",
        f"IEA*1*{number:09}~",
    ]
    assert len(x12(order()).split(b"~")[0]) == 105  # ISA is of fixed width: its last letter says how segments end


def test_a_test_interchange_says_so() -> None:
    assert x12(order(), test=True).split(b"~")[0].endswith(b"*T*>")
    assert edifact(order(), test=True).splitlines()[1].endswith(b"++++++1'")


def test_a_price_that_nobody_knows_is_left_out_and_a_day_too() -> None:
    purchase = order(lines=(line("1", "OIL-FLT-09", "2.5", None),), needed_by=None)
    assert b"PO1*1*2.5*EA***BP*OIL-FLT-09~" in x12(purchase)
    assert b"DTM" not in x12(purchase)
    assert b"PRI" not in edifact(purchase)
    assert b"DTM+2:" not in edifact(purchase)


@pytest.mark.parametrize("sku", ["A*B", "A~B", "A>B", "Bürste", "A\nB", "A" * 49])
def test_a_part_number_that_x12_cannot_hold_is_refused_not_changed(sku: str) -> None:
    with pytest.raises(Refused, match="sku"):
        x12(order(lines=(line("1", sku, "1", "1"),)))


def test_what_people_read_is_fitted_into_the_letters_of_x12() -> None:
    named = line("1", "A", "1", "1", description="Bremsbeläge~vorn*2, «neu»" + " lang" * 40)
    [text] = [segment for segment in x12(order(lines=(named,))).split(b"~\n") if segment.startswith(b"PID")]
    assert text.startswith(b"PID*F****BREMSBELAGE VORN 2 NEU LANG")
    assert len(text.removeprefix(b"PID*F****")) <= 80


# --- EDIFACT ----------------------------------------------------------------------------------------------------------


def test_an_order_in_edifact() -> None:
    number = control_number(order())
    assert edifact(order()).decode().splitlines() == [
        "UNA:+.? '",
        f"UNB+UNOC:3+NORTHGATEAUTO:ZZ+NORTHWINDBRK:ZZ+260310:1500+{number}'",
        "UNH+1+ORDERS:D:96A:UN'",
        "BGM+220+NW-1+9'",
        "DTM+137:20260310:102'",
        "DTM+2:20260314:102'",
        "NAD+BY+NORTHGATEAUTO::92'",
        "NAD+SU+NORTHWINDBRK::92'",
        "NAD+DP+STORE-7::92'",
        "CUX+2:EUR:9'",
        "LIN+1++BRK-PAD-220:IN'",
        "PIA+5+NW-220-F:SA'",
        "QTY+21:4:PCE'",
        "PRI+AAA:11.99'",
        "LIN+2++OIL-FLT-09:IN'",
        "QTY+21:10:PCE'",
        "PRI+AAA:3.45'",
        "UNS+S'",
        "CNT+2:2'",
        "UNT+18+1'",
        f"UNZ+1+{number}'",
    ]


def test_separators_in_an_edifact_code_are_released() -> None:
    assert b"LIN+1++A?+B?:C?'D??:IN'" in edifact(order(lines=(line("1", "A+B:C'D?", "1", "1"),)))


@pytest.mark.parametrize("sku", ["Bürste", "A\nB", "A" * 36])
def test_a_part_number_that_edifact_cannot_hold_is_refused_not_changed(sku: str) -> None:
    with pytest.raises(Refused, match="sku"):
        edifact(order(lines=(line("1", sku, "1", "1"),)))


def test_a_repeat_has_the_same_control_number_and_another_order_or_version_another() -> None:
    assert control_number(order()) == control_number(order())
    numbers = {control_number(order(f"NW-{n}", version=v)) for n in range(1, 500) for v in (1, 2)}
    assert len(numbers) == 998
    assert all(0 < number <= 999_999_999 for number in numbers)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Northgate Auto", "NORTHGATEAUTO"),
        ("Müller & Söhne GmbH", "MULLERSOHNEGMBH"),
        ("中国", "UNKNOWN"),
        ("", "UNKNOWN"),
    ],
)
def test_a_partner_without_an_agreed_id_gets_one_of_its_name(name: str, made: str) -> None:
    assert partner_id(name) == made


# --- UBL --------------------------------------------------------------------------------------------------------------


def tags(element: Element) -> list[str]:
    return [child.tag.partition("}")[2] for child in element]


def test_the_elements_of_a_ubl_order_stand_as_its_schema_wants_them() -> None:
    root = ubl(order(note="Back door, please", copy_of=order().command_id))
    assert tags(root) == [
        "UBLVersionID", "ID", "CopyIndicator", "IssueDate", "OrderTypeCode", "Note", "DocumentCurrencyCode",
        "BuyerCustomerParty", "SellerSupplierParty", "Delivery", "AnticipatedMonetaryTotal", "OrderLine", "OrderLine",
    ]  # fmt: skip
    [item] = root.findall("cac:OrderLine[1]/cac:LineItem", NAMES)
    assert tags(item) == ["ID", "Quantity", "LineExtensionAmount", "Price", "Item"]
    [part] = item.findall("cac:Item", NAMES)
    assert tags(part) == ["Name", "BuyersItemIdentification", "SellersItemIdentification"]


def test_a_ubl_order_carries_number_day_place_sums_and_lines() -> None:
    root = ubl(order())
    facts = {
        "cbc:ID": "NW-1",
        "cbc:IssueDate": "2026-03-10",
        "cbc:DocumentCurrencyCode": "EUR",
        "cac:Delivery/cac:DeliveryLocation/cbc:ID": "STORE-7",
        "cac:Delivery/cac:RequestedDeliveryPeriod/cbc:EndDate": "2026-03-14",
        "cac:AnticipatedMonetaryTotal/cbc:PayableAmount": "82.46",
        "cac:OrderLine[2]/cac:LineItem/cbc:Quantity": "10",
        "cac:OrderLine[2]/cac:LineItem/cbc:LineExtensionAmount": "34.50",
        "cac:OrderLine[1]/cac:LineItem/cac:Item/cac:SellersItemIdentification/cbc:ID": "NW-220-F",
    }
    assert {path: root.findtext(path, namespaces=NAMES) for path in facts} == facts


def test_ubl_holds_every_letter_that_xml_knows_and_leaves_out_the_others() -> None:
    odd = line("1", "A<B>&\"C'", "1", "1", description="]]> \x00\x0b\uffffGröße 中", unit='E"A')
    root = ubl(order(lines=(odd,), supplier_name="<script>"))
    assert root.findtext(".//cac:BuyersItemIdentification/cbc:ID", namespaces=NAMES) == "A<B>&\"C'"
    assert root.findtext(".//cac:Item/cbc:Name", namespaces=NAMES) == "]]> Größe 中"
    [quantity] = root.iterfind(".//cbc:Quantity", NAMES)
    assert quantity.get("unitCode") == 'E"A'


# --- CSV, PDF, text ---------------------------------------------------------------------------------------------------


def test_the_csv_has_one_row_for_each_line_with_all_that_a_person_types_into_a_system() -> None:
    rows = list(csv.DictReader(io.StringIO(order_csv(order()).decode(), newline="")))
    assert rows[0] == {
        "reference": "NW-1", "line": "1", "sku": "BRK-PAD-220", "supplier_sku": "NW-220-F",
        "description": "Brake pad set, front", "quantity": "4", "unit": "EA", "unit_price": "11.99", "currency": "EUR",
        "needed_by": "2026-03-14", "ship_to": "STORE-7",
    }  # fmt: skip
    assert [row["sku"] for row in rows] == ["BRK-PAD-220", "OIL-FLT-09"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_of_the_csv_is_a_formula(text: str) -> None:
    odd = line("1", text, "1", "1", description=text, supplier_sku=text, unit=text)
    rows = list(csv.DictReader(io.StringIO(order_csv(order(lines=(odd,))).decode(), newline="")))
    assert {rows[0][name] for name in ("sku", "description", "supplier_sku", "unit")} == {f"'{text}"}


def test_the_same_order_gives_the_same_pdf_and_another_one_another() -> None:
    first = order_pdf(order(), company="Northgate Auto")
    assert first.startswith(b"%PDF-")
    assert first == order_pdf(order(), company="Northgate Auto")
    assert first != order_pdf(order("NW-2"), company="Northgate Auto")


def test_a_long_order_with_any_letters_becomes_a_pdf_of_several_pages() -> None:
    lines = tuple(line(str(n), "SKU-" + "9" * 90, "1", "1", description="Größe 中 " * 20) for n in range(1, 60))
    assert order_pdf(order(lines=lines, note="Back door"), company="Müller 中").count(b"/Type /Page\n") > 3


@pytest.mark.parametrize(
    ("currency", "price", "quantity", "total"),
    [
        ("EUR", "0.125", "1", "0.13"),
        ("JPY", "10.5", "1", "11"),
        ("KWD", "0.0005", "1", "0.001"),
        ("EUR", "3.45", "2.5", "8.63"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(currency: str, price: str, quantity: str, total: str) -> None:
    purchase = order(currency=currency, lines=(line("1", "A", quantity, price),))
    assert order_total(purchase) == Decimal(total)
    assert f"Total {total} {currency}" in order_text(purchase)


@pytest.mark.parametrize(
    ("form", "mark"),
    [
        (x12, b"BEG*07*"),
        (edifact, b"BGM+220+NW-1+7'"),
        (lambda one: ubl_order(one, company="x"), b"<cbc:CopyIndicator>true<"),
        (lambda one: order_text(one).encode(), b"COPY"),
    ],
)
def test_an_order_that_a_person_sends_again_is_marked_as_a_copy(
    form: Callable[[ReorderCommand], bytes], mark: bytes
) -> None:
    assert mark in form(order(copy_of=order().command_id))
    assert mark not in form(order())
