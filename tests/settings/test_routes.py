"""Routes in the settings: what cannot be is refused when they are loaded, by the name of the field."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from streamer.commands.backfill import wish
from streamer.errors import Malformed, Misconfigured, Refused
from streamer.messages.record_bounds import ids_of
from streamer.messages.records import FieldRule
from streamer.pipeline.routes import route_facts
from streamer.platforms.base import build
from streamer.settings import Settings, load

COMPANY = """
[company]
name = "Northgate Auto"
currency = "EUR"
time_zone = "Europe/Berlin"
[accounts.shop]
platform = "shopify"
[accounts.other]
platform = "shopify"
[accounts.erp]
platform = "local_erp"
[accounts.mail]
platform = "email"
smtp = "smtps://mail.example.com"
from = "parts@example.com"
[suppliers.ACME]
name = "Acme"
account = "mail"
currency = "EUR"
"""
SHOP = """
[[routes]]
name = "shop-erp"
from = "shop"
to = "erp"
kinds = ["customer", "order"]
since = 2026-05-01
"""
OTHER = SHOP.replace('"shop-erp"', '"other-erp"').replace('"shop"', '"other"')
ENVIRON = {"STREAMER_ERP_TOKEN": "t", "STREAMER_MAIL_IMAP_PASSWORD": "p"}


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "streamer.toml"
    path.write_text(COMPANY + text)
    return load(path)


def test_a_route_says_what_goes_where_and_since_when(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        SHOP
        + """
mode = "batch"
batch_minutes = 5
match = ["tax_id", "email"]
reference_prefix = "WEB-"
[routes.map.order]
comment = "customer_reference"
x_channel = { constant = "web" }
currency = { from = "currency", default = "EUR", values = { EURO = "EUR" } }
"lines.x_tax" = { constant = "19" }
""",
    )
    accounts = {name: build(name, settings.accounts[name], ENVIRON) for name in ("shop", "erp")}
    (route,) = route_facts(settings, accounts)
    assert (route.source, route.target, route.mode, route.batch_seconds) == ("shop", "erp", "batch", 300)
    assert route.since == datetime(2026, 4, 30, 22, tzinfo=UTC), "midnight where the company is"
    assert route.rules["order"]["comment"] == FieldRule(source="customer_reference")
    assert route.rules["order"]["currency"].values == {"EURO": "EUR"}
    assert route.reconcile_seconds == 3600, "hourly, since the shop can be read again"


REFUSED = [
    ("no cut-off", SHOP.replace("since = 2026-05-01", ""), "since", "required"),
    ("an unknown account", SHOP.replace('to = "erp"', 'to = "erpp"'), "", "routes.shop-erp.to: 'erpp' is not in"),
    ("the name as match key", SHOP + 'match = ["email", "name"]', "match", "a name alone never matches"),
    ("an unknown mode", SHOP + 'mode = "sometimes"', "mode", "'real_time', 'batch' or 'manual'"),
    ("a batch of no minutes", SHOP + "batch_minutes = 0", "batch_minutes", "greater than 0"),
    ("no kinds", SHOP.replace('["customer", "order"]', "[]"), "kinds", "at least 1"),
    ("an unknown kind", SHOP.replace('"order"]', '"invoice"]'), "kinds", "'lead' or 'deal'"),
    ("to itself", SHOP.replace('to = "erp"', 'to = "shop"'), "", "to: shop is where the records come from"),
    ("a field that does not exist", SHOP + 'fields = { order = ["colour"] }', "", "fields.order: 'colour' is none of"),
    ("a map of another kind", SHOP + 'map = { lead = { x = "customer.email" } }', "", "map.lead: the route does not"),
    (
        "a source that does not exist",
        SHOP + 'map = { order = { x = "customer.shoe" } }',
        "",
        "order records have no field",
    ),
    (
        "a rule with two origins",
        SHOP + 'map = { order = { x = { from = "number", constant = "1" } } }',
        "",
        "either from",
    ),
    ("a line's field for the whole", SHOP + 'map = { order = { x = "lines.sku" } }', "", "a line's field can only"),
    ("an origin that is mapped", SHOP + 'map = { order = { source_id = "number" } }', "", "map.order.source_id: says"),
    ("the same way twice", SHOP + SHOP.replace("shop-erp", "again"), "", "goes that way by routes.again already"),
    ("two routes of one name", SHOP + OTHER.replace("other-erp", "shop-erp"), "", "name: two routes have it"),
    ("a circle", SHOP + OTHER.replace('"other"', '"erp"').replace('to = "erp"', 'to = "shop"'), "", "go in a circle"),
    (
        "one prefix for two shops",
        SHOP + 'reference_prefix = "WEB-"' + OTHER + 'reference_prefix = "WEB-2"',
        "",
        "cannot be told from",
    ),
    ("the prefix of a supplier", SHOP + 'reference_prefix = "ACME-"', "", "ACME is a supplier's code"),
    ("addresses of nobody", SHOP.replace('"order"]', '"address"]'), "", "addresses come with orders"),
    ("an unknown key", SHOP + "batch_hours = 3", "batch_hours", "not permitted"),
]


@pytest.mark.parametrize(
    ("text", "setting", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_route_that_cannot_be_is_refused_by_the_name_of_its_field(
    tmp_path: Path, text: str, setting: str, words: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(tmp_path, text)
    assert setting in str(refused.value)
    assert words in str(refused.value)


def test_a_platform_that_takes_no_records_or_cannot_be_read_again_is_refused(tmp_path: Path) -> None:
    settings = read(tmp_path, SHOP.replace('to = "erp"', 'to = "other"'))
    accounts = {name: build(name, settings.accounts[name], ENVIRON) for name in ("shop", "other", "erp")}
    with pytest.raises(Misconfigured, match=r"routes\.shop-erp\.to: Shopify"):
        route_facts(settings, accounts)
    settings = read(tmp_path, SHOP.replace('from = "shop"', 'from = "mail"') + "reconcile_minutes = 10")
    accounts["mail"] = build("mail", settings.accounts["mail"], ENVIRON)
    with pytest.raises(Misconfigured, match=r"routes\.shop-erp\.reconcile_minutes: "):
        route_facts(settings, accounts)


def test_a_back_fill_says_in_the_companys_days_what_it_wants(tmp_path: Path) -> None:
    settings = read(tmp_path, SHOP)
    given = {"since": "2026-05-01", "until": "2026-05-02", "ids": "1,5-7,X9", "route": "shop-erp", "dry_run": True}
    act = wish(settings, "shop", ["order"], **given)  # type: ignore[arg-type]
    assert act.since == datetime(2026, 4, 30, 22, tzinfo=UTC)
    assert act.until == datetime(2026, 5, 2, 22, tzinfo=UTC), "a day counts whole"
    assert act.ids == ("1", "5", "6", "7", "X9")
    for wrong, error, words in (
        ({"since": None, "ids": None}, Refused, "needs bounds"),
        ({"since": "May"}, Malformed, "--since"),
        ({"ids": "9-1"}, Malformed, "--ids"),
        ({"route": "nowhere"}, Misconfigured, "--route"),
    ):
        with pytest.raises(error, match=words):
            wish(settings, "shop", ["order"], **(given | wrong))  # type: ignore[arg-type]
    with pytest.raises(Malformed, match="kinds"):
        wish(settings, "shop", ["invoice"], **given)  # type: ignore[arg-type]
    assert ids_of("007-010", "ids") == ("007", "008", "009", "010")
