"""The settings of workshops are refused where nobody could say what they mean, naming the field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamer.errors import Misconfigured
from streamer.pipeline.applying import settings_event
from streamer.settings import load

BASE = """
[company]
name = "Northgate"
currency = "USD"
[locations]
NORTHGATE = "Workshop"
[accounts.dms]
platform = "shopify"
"""
ACCORD = '{ make = "Honda", model = "Accord", year_from = 2003, year_to = 2007, kit = [{ sku = "PAD-A" }] }'


def write(folder: Path, text: str) -> Path:
    path = folder / "streamer.toml"
    path.write_text(BASE + text, encoding="utf-8")
    return path


def service(text: str) -> str:
    return f'[[services]]\nname = "front-brakes"\n{text}'


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        (service('patterns = ["(brake"]'), "services.0", "patterns.0: '(brake' is no regular expression"),
        (service('patterns = ["brake|"]'), "services.0", "patterns.0: 'brake|' fits every text"),
        (service('kit = [{ sku = "PAD-A", quantity = 0 }]'), "services.0", "kit.0.quantity: must be above 0"),
        (service('kit = [{ sku = "PAD-A", quantity = -1 }]'), "services.0.kit.0.quantity", "greater than or equal"),
        (service('kit = [{ sku = "P" }, { sku = "P" }]'), "services.0", "kit: names a part twice"),
        (
            service('variants = [{ make = "Honda", year_from = 2010, year_to = 2003, kit = [{ sku = "P" }] }]'),
            "services.0.variants.0",
            "year_to: 2003 is before year_from 2010",
        ),
        (
            service('variants = [{ model = "Accord", kit = [{ sku = "P" }] }]'),
            "services.0.variants.0",
            "model: needs a make",
        ),
        (
            service(f'variants = [{ACCORD}, {{ make = "HONDA", model = "accord", year_from = 2007, kit = [] }}]'),
            "services.0",
            "variants.1: overlaps variants.0",
        ),
        (
            service(f'variants = [{ACCORD}, {{ kit = [{{ sku = "P" }}] }}]'),
            "services.0",
            "variants.1: overlaps variants.0 (Honda Accord 2003-2007 and any vehicle)",
        ),
        (service('codes = { nobody = ["X"] }'), "streamer.toml", "services.front-brakes.codes.nobody"),
        (
            service('names = ["Brakes"]') + '\n[[services]]\nname = "brakes"',
            "streamer.toml",
            "services.brakes.names: 'brakes' means services.front-brakes already",
        ),
        ("[workshops.ELSEWHERE]", "streamer.toml", "workshops.ELSEWHERE"),
        ('[workshops.NORTHGATE]\ntime_zone = "Mars/Base"', "workshops.NORTHGATE", "time_zone: 'Mars/Base'"),
        ('[workshops.NORTHGATE]\ncountry = "XX"', "workshops.NORTHGATE", "country"),
        ("[workshops.NORTHGATE]\nweekdays = []", "workshops.NORTHGATE", "weekdays"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path: Path, text: str, field: str, reason: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(write(tmp_path, text))
    assert refused.value.setting.endswith(field)
    assert reason in str(refused.value)


def test_variants_that_no_vehicle_shares_are_accepted_and_told_to_every_partition(tmp_path: Path) -> None:
    text = service(
        f'codes = {{ shopify = ["SVC-BRAKE"], dms = ["BRKF"] }}\nvariants = [{ACCORD}, '
        '{ make = "Honda", model = "Accord", year_from = 2008, engine = "2.4", kit = [{ sku = "NOBODY-KNOWS-IT" }] },'
        '{ make = "Honda", model = "Accord", year_from = 2008, engine = "3.5", kit = [{ sku = "PAD-C" }] }]'
    )
    settings = load(write(tmp_path, text + "\n[workshops.NORTHGATE]\nclosed = [2026-12-24]\nreserve_days = 14"))
    told = settings_event(settings, {}, 1)
    (known,) = told.services
    assert [variant.engine for variant in known.variants] == [None, "2.4", "3.5"]
    assert told.workshops["NORTHGATE"].closed == ("2026-12-24",)


def test_what_the_example_shows_in_comments_can_be_used_as_it_stands(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "streamer.example.toml").read_text(encoding="utf-8")
    start, end = text.index("# [workshops.NORTHGATE]"), text.index("# ---- items: when")
    shown = re.sub(r"^# (?=\[\[?(?:workshops|services)|[a-z_]+ =|  \{|\])", "", text[start:end], flags=re.MULTILINE)
    path = tmp_path / "streamer.toml"
    path.write_text(text[:start] + shown + text[end:], encoding="utf-8")
    settings = load(path)
    assert settings.workshops["NORTHGATE"].reserve_days == 14
    (service,) = settings.services
    assert [len(service.patterns), len(service.variants)] == [1, 2]
