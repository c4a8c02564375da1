"""`streamer simulate`: a history through all folds; the page about it is true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streamer.cli import app
from streamer.domain.checks import Invalid
from streamer.errors import Misconfigured
from streamer.pipeline.simulating import read_history, simulate

PAGE = (Path(__file__).parents[2] / "docs/simulate.md").read_text(encoding="utf-8")
SHOWN = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
SCENARIO, SAID, UNKNOWN = SHOWN


def run(document: Any, *kinds: str) -> list[dict[str, Any]]:
    settings, entries = read_history(json.dumps(document).encode())
    return [line for line in simulate(settings, entries) if not kinds or line["type"] in kinds]


def part_of(small: Any, large: Any) -> bool:
    """Whether all that the page shows is in what was said."""
    if isinstance(small, dict):
        return isinstance(large, dict) and all(key in large and part_of(small[key], large[key]) for key in small)
    return bool(small == large)


def with_more(*entries: dict[str, Any], at: int = 0) -> dict[str, Any]:
    history = [*SCENARIO["history"][:at], *entries, *SCENARIO["history"][at:]]
    return {**SCENARIO, "history": history}


def test_the_example_of_the_page_says_what_the_page_says() -> None:
    said = run(SCENARIO, "need", "purchase-order-status")
    assert len(said) == len(SAID)
    for shown, line in zip(SAID, said, strict=True):
        assert part_of(shown, line), (shown, line)


def test_an_answer_stands_for_the_account_and_a_person_decides_what_nobody_knows() -> None:
    before, later = UNKNOWN
    document = with_more(before)
    document["history"].append(later)
    assert run(document, "purchase-order-status")[-1]["data"]["state"] == "human"


def test_json_lines_and_one_object_are_the_same_history_and_give_the_same_bytes() -> None:
    lines = b"\n".join(
        json.dumps(entry).encode() for entry in [{"settings": SCENARIO["settings"]}, *SCENARIO["history"]]
    )
    settings, entries = read_history(lines)
    assert settings is None
    assert json.dumps(list(simulate(None, entries))) == json.dumps(run(SCENARIO))


def test_the_command_prints_lines_of_the_topics_that_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text(json.dumps(SCENARIO), encoding="utf-8")
    printed = CliRunner().invoke(app, ["simulate", str(file), "--topic", "order-status"])
    assert printed.exit_code == 0
    lines = [json.loads(line) for line in printed.stdout.splitlines()]
    assert {line["topic"] for line in lines} == {"order-status"}
    assert lines[0]["data"]["decision"] == "approved"


def test_a_day_of_work_an_order_its_delivery_and_no_second_order() -> None:
    document = with_more(
        {"time": "2026-04-09T08:00:00Z", "type": "supplier-status", "account": "mail", "platform": "email",
         "source_id": "m1", "reference": "ACME-1", "state": "delivered"},
        {"time": "2026-04-09T08:01:00Z", "type": "stock-level", "account": "shop", "platform": "woocommerce",
         "location": "MAIN", "sku": "PAD-1", "level": 36, "counts": "on_hand", "as_of": "2026-04-09T08:01:00Z"},
        {"time": "2026-05-09T08:00:00Z"},
        at=2,
    )  # fmt: skip
    said = run(document)
    assert [line["data"]["state"] for line in said if line["type"] == "purchase-order-status"][-1] == "received"
    assert len([line for line in said if line["type"] == "need"]) == 1
    assert [line["time"] for line in said] == sorted(line["time"] for line in said)


def test_what_a_fold_refuses_is_a_dead_letter_and_the_rest_goes_on() -> None:
    wrong = {"type": "stock-level", "account": "other", "platform": "odoo", "location": "MAIN", "sku": "PAD-1",
             "level": 1, "counts": "on_hand", "as_of": "2026-04-03T08:00:00Z"}  # fmt: skip
    late = {"type": "approval", "supplier": "ACME", "reference": "ACME-9", "version": 1, "decision": "approve",
            "actor": "eve", "act_id": "a1", "at": "2026-04-03T08:00:00Z"}  # fmt: skip
    said = run(with_more(wrong, late, at=1))
    refused = [(line["type"], line["topic"], line["data"]["event"]) for line in said if "reason" in line["data"]]
    assert ("ignored", "stock", "stock-level") in refused
    assert ("dead-letter", "purchasing", "approval") in refused
    assert any(line["type"] == "need" for line in said)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"type": "stock-levels"}, "history.1.type"),
        ({"type": "stock-level", "account": "shop"}, "history.1.platform"),
        ({"time": "soon"}, "history.1.time"),
        ({"time": "2026-03-01T00:00:00"}, "history.1.time"),
        ({"answer": {"result": "perhaps"}}, "history.1.answer.result"),
        ({"answer": {"result": "confirmed", "who": "me"}}, "history.1.answer.who"),
        ({"nothing": 1}, "history.1"),
        (7, "history.1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place_in_the_history(entry: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        run({"settings": SCENARIO["settings"], "history": [entry]})
    assert refused.value.field == field


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(Invalid, match=r"history\.2\.time: 2026-01-01.* lies before 2026-01-02"):
        run({"history": [{"time": "2026-01-02T00:00:00Z"}, {"time": "2026-01-01T00:00:00Z"}]})


def test_settings_that_cannot_be_are_refused_by_their_name() -> None:
    table = {**SCENARIO["settings"], "items": [{"sku": "A", "reorder_point": 3, "order_up_to": 1}]}
    with pytest.raises(Misconfigured, match=r"items\.0\.order_up_to"):
        run({"settings": table, "history": []})


def test_a_streamer_toml_serves_as_settings(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    level = {"type": "stock-level", "account": "main-shop", "platform": "shopify", "location": "NORTHGATE",
             "sku": "BRK-FLUID-1L", "level": 1, "counts": "on_hand", "as_of": "2026-04-03T08:00:00Z"}  # fmt: skip
    file.write_text(json.dumps({"time": "2026-04-03T08:00:00Z"} | level), encoding="utf-8")
    example = Path(__file__).parents[2] / "streamer.example.toml"
    printed = CliRunner().invoke(app, ["simulate", str(file), "--settings", str(example), "--type", "need"])
    assert printed.exit_code == 0, printed.stderr
    (need,) = [json.loads(line) for line in printed.stdout.splitlines()]
    assert (need["data"]["sku"], need["data"]["supplier"], need["data"]["quantity"]) == ("BRK-FLUID-1L", "NW", "9")
