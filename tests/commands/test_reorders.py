"""`streamer reorders`: the dry run of the scheduled look, on the rows that the console has read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streamer.cli import app
from streamer.domain import stock
from streamer.engine.fold import Record
from streamer.errors import Unavailable
from streamer.web.console.read_model import ReadModel
from tests.domain.memory import Partition
from tests.domain.shop import KEY, company, level, offer, policy

SETTINGS = """
data_dir = "{folder}"
[company]
name = "Parts Ltd"
currency = "EUR"
"""


class Written(Record):
    topic = "changelog"
    partition = 0


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder with settings; gives a function that fills its read model with the rows of a partition."""
    (tmp_path / "streamer.toml").write_text(SETTINGS.format(folder=tmp_path / "var"), encoding="utf-8")
    monkeypatch.setenv("STREAMER_SETTINGS", str(tmp_path / "streamer.toml"))
    (tmp_path / "var").mkdir()

    def fill(partition: Partition) -> None:
        model = ReadModel(tmp_path / "var", {"changelog": "stock"})
        records = [
            Written(number, partition.now_ms, key.encode(), value, (("w", f"log:{number}".encode()),))
            for number, (key, value) in enumerate(partition.rows.items())
        ]
        model.apply(records, {"changelog": "id"})
        model.close()

    return fill


def asked(*options: str) -> str:
    printed = CliRunner().invoke(app, ["reorders", *options], catch_exceptions=False)
    assert printed.exit_code == 0, printed.output
    return printed.stdout


def test_it_says_what_the_next_look_would_order_and_why(installation: Any) -> None:
    partition = Partition(stock)
    partition.send(policy(10, 30, snoozed_until="2099-01-01"), offer(), offer("BOLT", rank=2), level(9), company())
    installation(partition)
    said = asked("--day", "2026-03-03")
    assert said.startswith(f"{KEY}: 21 EA from ACME at 4.2 EUR, 2026-03-08: the primary supplier")
    for words in (
        "(not now: snoozed until 2099-01-01)",
        "projected 9 is below the reorder point 10: order up to 30",
        "on hand 9, reserved 0, waiting 0, incoming 0, safety 0",
        "lead time: 5 days for this item",
        "BOLT at 4.2 EUR, 2026-03-08: not taken, priority 2 comes after 1",
    ):
        assert words in said
    (need,) = [json.loads(line) for line in asked("--json", "--day", "2026-03-03").splitlines()]
    assert (need["quantity"], need["why"]["cause"]) == ("21", "dry run")
    assert asked("--sku", "OTHER") == "Nothing would be ordered.\n"


def test_where_enough_lies_there_it_says_so(installation: Any) -> None:
    partition = Partition(stock)
    partition.send(company(), policy(10, 30), offer(), level(50))
    installation(partition)
    assert re.match("Nothing would be ordered", asked())


def test_without_a_read_model_it_says_who_makes_it(installation: Any) -> None:
    assert installation
    with pytest.raises(Unavailable, match="streamer web"):
        CliRunner().invoke(app, ["reorders"], catch_exceptions=False)
