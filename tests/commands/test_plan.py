"""`streamer plan`: the documented examples are run, and what is refused names its field."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from streamer.commands import plan
from streamer.domain.checks import Invalid
from streamer.domain.scenarios.reading import MEMBERS, read

DOCS = Path(__file__).parents[2] / "docs" / "plan.md"


def documented() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each scenario of the page with the answer that follows it."""
    blocks = re.findall(r"^```json\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    for scenario, answer in zip(blocks[::2], blocks[1::2], strict=True):
        yield json.loads(scenario), json.loads(answer)


EXAMPLES = list(documented())


def part_of(answer: Any, shown: Any) -> Any:
    """As much of the answer as the page shows."""
    if isinstance(shown, dict):
        return {key: part_of(answer[key], value) for key, value in shown.items()}
    return answer


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0]["kind"])
def test_each_documented_example_answers_as_the_page_says(example: tuple[dict[str, Any], dict[str, Any]]) -> None:
    scenario, shown = example

    answer = read(json.dumps(scenario).encode()).answer()

    assert part_of(answer, shown) == shown


def test_the_page_has_an_example_of_each_kind() -> None:
    assert {scenario["kind"] for scenario, _ in EXAMPLES} == set(MEMBERS["kind"])


@pytest.mark.parametrize("field", sorted(MEMBERS))
def test_the_page_names_each_choice(field: str) -> None:
    text = DOCS.read_text()
    left_out = {"weekdays"}  # mon to sun

    assert field in left_out or all(f"`{member}`" in text or f'"{member}"' in text for member in MEMBERS[field])


def test_a_file_goes_in_and_json_comes_out(tmp_path: Path) -> None:
    scenario, shown = EXAMPLES[0]
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(scenario))

    printed = run(str(file)).stdout
    compact = run(str(file), "--compact").stdout

    assert part_of(json.loads(printed), shown) == shown
    assert json.loads(compact) == json.loads(printed)
    assert compact.count("\n") == 1


def test_standard_input_is_a_file_too() -> None:
    scenario, _ = EXAMPLES[1]

    assert json.loads(run("-", stdin=json.dumps(scenario)).stdout)["kind"] == scenario["kind"]


def test_a_person_reads_one_sentence_that_begins_with_the_field(tmp_path: Path) -> None:
    scenario, _ = EXAMPLES[0]
    scenario = scenario | {"offers": [scenario["offers"][0] | {"minimum_quantity": -5}]}
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(scenario))

    done = subprocess.run(
        [sys.executable, "-m", "streamer.cli", "plan", str(file)],
        cwd=DOCS.parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "streamer: offers.0.minimum_quantity: must not be negative, is -5\n"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = run(str(tmp_path / "none.json")).exception

    assert isinstance(error, Invalid)
    assert "cannot be read" in str(error)


def run(*arguments: str, stdin: str | None = None) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    plan.register(app)
    return CliRunner().invoke(app, ["plan", *arguments], input=stdin)
