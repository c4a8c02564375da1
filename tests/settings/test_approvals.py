"""Settings of people, rules, rates and calendars that could not work are refused by their names."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streamer.commands.web import _users
from streamer.errors import Misconfigured
from streamer.pipeline.applying import settings_event
from streamer.platforms.base import example
from streamer.settings import Settings, load

TABLE = """
[company]
name = "Parts"
currency = "EUR"
[accounts.mail]
platform = "email"
[suppliers.NW]
name = "Northwind"
account = "mail"
currency = "USD"
"""
MAIL = {"mail": example("email")}


def settings(tmp_path: Path, more: str) -> Settings:
    file = tmp_path / "streamer.toml"
    file.write_text(TABLE + more, encoding="utf-8")
    return load(file)


def test_all_that_the_folds_must_know_is_told_and_no_name_or_address(tmp_path: Path) -> None:
    told = settings_event(
        settings(
            tmp_path,
            """
            calendar = { country = "US", closed = [2026-11-27], cut_off = 16:00:00, time_zone = "America/New_York" }
            until_cut_off = true
            minimum_order = 50
            [people.kim]
            name = "Kim Lee"
            console = "kim"
            email = "kim@parts.example"
            limit = 500
            [sku_classes]
            brakes = ["PAD-*"]
            [approval]
            accounts = ["mail"]
            [[approval.rules]]
            name = "brakes"
            sku_classes = ["brakes"]
            [[exchange_rates]]
            currency = "USD"
            day = 2026-01-01
            rate = "0.9"
            """,
        ),
        MAIL,
        1,
    )
    assert (told.people["kim"].console, told.people["kim"].email, told.people["kim"].limit) == ("kim", True, 500)
    assert b"Kim Lee" not in told.to_json() and b"kim@parts" not in told.to_json()
    supplier = told.suppliers["NW"]
    assert supplier.calendar is not None
    assert (supplier.calendar.cut_off, supplier.calendar.closed, supplier.minimum_order) == (
        "16:00",
        ("2026-11-27",),
        50,
    )
    assert (told.exchange_rates[0].day, told.exchange_rates[0].rate) == ("2026-01-01", Decimal("0.9"))
    assert told.approval_rules[0].sku_classes == ("brakes",)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("until_cut_off = true", "cut_off"),
        ("[approval]\naccounts = ['nobody']", "approval.accounts.0"),
        ("[[approval.rules]]\nname = 'x'", "nobody in [people] could satisfy it"),
        ("[people.a]\nname = 'A'\n[[approval.rules]]\nname = 'x'\ntier = 2", "nobody in [people] could satisfy it"),
        ("[people.a]\nname = 'A'\n[[approval.rules]]\nname = 'x'\nfour_eyes = true", "could satisfy it"),
        ("[people.a]\nname = 'A'\nsuppliers = ['XX']", "people.a.suppliers"),
        ("[people.a]\nname = 'A'\nsku_classes = ['x']", "people.a.sku_classes"),
        ("[people.a]\nname = 'A'\nslack = 'U1'\n[people.b]\nname = 'B'\nslack = 'u1'", "belongs to 2 people"),
        ("[people.a]\nname = 'A'\nlimit = -1", "limit"),
        ("[people.A]\nname = 'A'", "people"),
        ("[[exchange_rates]]\ncurrency = 'USD'\nday = 2026-01-01\nrate = 0", "rate"),
    ],
)
def test_what_could_never_be_approved_is_refused_at_the_start(tmp_path: Path, more: str, words: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        settings(tmp_path, more)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("calendar = { weekdays = [] }", r"suppliers\.NW\.calendar\.weekdays"),
        ("calendar = { country = 'XX' }", r"suppliers\.NW\.calendar\.country"),
        ("[[exchange_rates]]\ncurrency = 'ABC'\nday = 2026-01-01\nrate = 1", "exchange_rates"),
        (
            "[[exchange_rates]]\ncurrency = 'USD'\nday = 2026-01-01\nrate = 1\n" * 2,
            "second rate",
        ),
    ],
)
def test_a_calendar_or_rate_that_cannot_be_is_refused_when_it_is_applied(tmp_path: Path, more: str, words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        settings_event(settings(tmp_path, more), MAIL, 1)


def test_an_account_that_cannot_ask_people_is_refused(tmp_path: Path) -> None:
    given: Any = settings(tmp_path, "[accounts.depot]\nplatform = 'local_supplier'\n[approval]\naccounts = ['depot']")
    with pytest.raises(Misconfigured, match="cannot ask people"):
        settings_event(given, {**MAIL, "depot": example("local_supplier")}, 1)


def test_who_may_approve_has_a_login_and_the_first_one_stays(tmp_path: Path) -> None:
    people = """
    [people.kim]
    name = "Kim"
    console = "kim"
    roles = ["buyer"]
    [people.boss]
    name = "Boss"
    console = "admin"
    [people.mailed]
    name = "Mailed"
    email = "a@parts.example"
    """
    users = _users(settings(tmp_path, people))
    assert {name: sorted(roles) for name, roles in users.items()} == {
        "admin": ["manager", "operator"],
        "kim": ["buyer"],
    }


def test_days_and_times_may_be_written_as_toml_has_them(tmp_path: Path) -> None:
    calendar = settings(tmp_path, "calendar = { closed = [2026-12-24], cut_off = 15:30:00 }").suppliers["NW"].calendar
    assert calendar is not None
    assert (calendar.closed, calendar.cut_off) == ((date(2026, 12, 24),), time(15, 30))
