"""`normalise`, `show-call`, `platforms` and `new-platform`, as somebody types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from streamer.platforms.base import platform_names

ROOT = Path(__file__).parents[2]
PAYLOADS = ROOT / "tests" / "payloads"
ORDER = PAYLOADS / "shopify" / "orders_create.json"


def streamer(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A process of its own, with no settings and no Kafka."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "STREAMER_SETTINGS": "nowhere.toml"}
    command = [sys.executable, "-m", "streamer", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ, cwd=cwd)


def lines(told: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in told.stdout.splitlines()]


def test_a_payload_becomes_events_one_json_a_line_and_nothing_else() -> None:
    told = streamer("normalise", "shopify", ORDER, "--check")
    assert told.returncode == 0
    assert told.stderr == ""
    [order] = lines(told)
    assert order["type"] == "order"
    assert order["source_id"] == "6811200440011"


def test_it_takes_less_than_a_second_of_processor_time() -> None:
    before = os.times()
    assert streamer("normalise", "shopify", ORDER).returncode == 0
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 1.0, f"{used:.2f} s"


def test_another_secret_makes_it_a_dead_letter_with_the_reason() -> None:
    told = streamer("normalise", "shopify", ORDER, "--check", "--secret", "another secret")
    [letter] = lines(told)
    assert (told.returncode, letter["type"], letter["class"]) == (0, "dead-letter", "BadSignature")
    assert "webhook_secret" in str(letter["reason"])
    assert "another secret" not in told.stdout + told.stderr


def test_a_bare_body_is_read_with_headers_from_a_file(tmp_path: Path) -> None:
    headers = tmp_path / "headers.txt"
    headers.write_text("X-Shopify-Topic: orders/create\nContent-Type: application/json\n", encoding="utf-8")
    body = PAYLOADS / "shopify" / "orders_create.raw.txt"
    [order] = lines(streamer("normalise", "shopify", body, "--headers", headers))
    assert order["type"] == "order"


def test_what_is_ignored_is_told_on_standard_error_only(tmp_path: Path) -> None:
    file = tmp_path / "level.json"
    level = {"inventory_item_id": 1, "location_id": 2, "available": None, "updated_at": "2026-01-01T00:00:00Z"}
    file.write_bytes(orjson.dumps({"delivery": {"headers": {}, "body": level}}))
    told = streamer("normalise", "shopify", file)
    assert (told.returncode, told.stdout) == (0, "")
    assert told.stderr.startswith("ignored: ")


def test_what_cannot_be_read_is_a_dead_letter_that_names_the_field(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text('{"id": 7, "line_items": "none"}', encoding="utf-8")
    [letter] = lines(streamer("normalise", "shopify", file))
    assert letter["type"] == "dead-letter"
    assert "line_items" in str(letter["reason"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("normalise", "nobody", ORDER), "there is no platform 'nobody'"),
        (("normalise", "shopify", "missing.json"), "missing.json: cannot be read"),
        (("show-call", "nobody", ORDER), "there is no platform 'nobody'"),
        (("show-call", "email", ORDER), "kind"),
        (("new-platform", "Bad-Name"), "is no name of a module"),
        (("new-platform", "shopify", "--folder", ROOT), "is there already"),
    ],
)
def test_what_is_wrong_is_one_clear_sentence_and_an_exit_code(arguments: tuple[str | Path, ...], says: str) -> None:
    told = streamer(*arguments)
    assert told.returncode not in (0, 2)
    assert told.stdout == ""
    assert says in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert "Traceback" not in told.stderr


def test_the_requests_of_a_command_are_shown_with_every_secret_masked() -> None:
    told = streamer("show-call", "local_supplier", PAYLOADS / "local_supplier" / "place_order.request.json")
    [request] = lines(told)
    assert request["method"] == "POST"
    assert request["url"] == "https://supplier.example.com/orders"
    assert "not-a-real-token" not in told.stdout + told.stderr
    assert request["headers"]["Authorization"] == "Bearer ***"  # type: ignore[index]
    assert "LS-1001" in told.stderr


def test_a_command_of_ours_is_shown_as_well_as_plain_facts(tmp_path: Path) -> None:
    file = tmp_path / "cancel.json"
    command = {
        "type": "cancel-order", "command_id": "A" * 26, "object": "o", "cause": "c", "supplier": "BD",
        "reference": "BD-4", "replaces": "B" * 26, "reason": "too late",
    }  # fmt: skip
    file.write_bytes(orjson.dumps(command))
    told = streamer("show-call", "local_supplier", file)
    [request] = lines(told)
    assert str(request["url"]).endswith("/cancellations")
    assert "--replies" in told.stderr


def test_what_a_platform_cannot_do_is_told_with_the_way_round(tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_bytes(orjson.dumps({"kind": "place_order", "lines": [{"sku": "A", "quantity": "1"}]}))
    told = streamer("show-call", "shopify", file)
    assert (told.returncode, told.stdout) == (1, "")
    assert "supplier's or an ERP's account" in told.stderr


def test_the_platforms_are_listed_for_people_and_for_machines() -> None:
    rows = orjson.loads(streamer("platforms", "--json").stdout)
    assert [row["name"] for row in rows] == list(platform_names())
    shopify = next(row for row in rows if row["name"] == "shopify")
    assert "source" in shopify["roles"]
    assert "place_order" in shopify["unsupported"]
    assert "cannot place order" in streamer("platforms").stdout


def test_a_new_platform_is_read_linted_and_typed_before_anybody_wrote_a_line(tmp_path: Path) -> None:
    base = tmp_path / "streamer" / "platforms" / "base.py"
    base.parent.mkdir(parents=True)
    base.touch()
    told = streamer("new-platform", "acme_parts", "--folder", tmp_path)
    assert told.returncode == 0
    written = told.stdout.split()
    assert len(written) == 4
    adapter = tmp_path / "streamer" / "platforms" / "acme_parts.py"
    config = ROOT / "pyproject.toml"
    ruff = Path(sys.executable).with_name("ruff")
    for check in (("check", "--no-cache"), ("format", "--no-cache", "--check")):
        files = [str(tmp_path / name) for name in written if name.endswith(".py")]
        result = subprocess.run([str(ruff), *check, "--config", str(config), *files], capture_output=True, text=True,
                                check=False)  # fmt: skip
        assert result.returncode == 0, result.stdout
    program = (
        "import sys, streamer.platforms as p; p.__path__.append(sys.argv[1]);"
        "from pathlib import Path; from streamer.platforms.samples import read_sample;"
        "from streamer.platforms.telling import tell;"
        "print(tell('acme_parts', read_sample(Path(sys.argv[2])), check=True).lines)"
    )
    payload = tmp_path / "tests" / "payloads" / "acme_parts" / "order_created.json"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", program, str(adapter.parent), str(payload)], capture_output=True,
                         text=True, check=False, env=environ)  # fmt: skip
    assert '"source_id":"7"' in ran.stdout, ran.stderr
