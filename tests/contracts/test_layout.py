"""Imports point one way, and the pure parts stay pure."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "streamer"

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "messages": {"errors"},
    "domain": {"errors", "messages"},
    "platforms": {"errors", "messages"},
    "engine": {"errors"},
    "contract": {"errors", "messages", "topics"},
    "settings": {"errors", "messages", "domain", "platforms"},
    "topics": {"errors", "messages"},
    "pipeline": {
        "errors",
        "messages",
        "domain",
        "platforms",
        "engine",
        "settings",
        "topics",
        "approval_links",
    },
    "web": {
        "errors",
        "messages",
        "domain",
        "platforms",
        "settings",
        "topics",
        "topic_ids",
        "contract",
        "approval_links",
    },
    "local": {"errors", "messages", "platforms", "settings", "topics"},
    "topic_ids": {"errors"},
    "logs": set(),
    "private": {"errors"},
    "approval_links": {"errors", "messages"},
    "app": {"errors", "messages", "domain", "platforms", "engine", "settings", "topics", "pipeline"},
}
"""What each part may import of the others; `commands` and `cli` may import everything."""

FREE = {"cli", "commands", "__main__", "__init__", "package_data"}
IMPURE = {
    "asyncio",
    "aiohttp",
    "aiokafka",
    "faust",
    "mode",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
    "uuid",
}
CLOCK = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}


def parts() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names if node.module == "streamer")


def test_every_part_of_the_package_has_its_place_in_the_order_of_imports() -> None:
    assert {part for part, _ in parts()} - FREE - MAY_IMPORT.keys() == set()


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_one_way(part: str) -> None:
    wrong = []
    for name, path in parts():
        if name != part:
            continue
        for module in imported(path):
            pieces = module.split(".")
            if pieces[0] == "streamer" and len(pieces) > 1 and pieces[1] not in MAY_IMPORT[part] | {part}:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


def test_the_domain_reads_no_clock_and_opens_nothing() -> None:
    wrong = []
    for part, path in parts():
        if part != "domain":
            continue
        wrong += [f"{path.name} imports {module}" for module in imported(path) if module.split(".")[0] in IMPURE]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and (node.value.id, node.attr) in CLOCK
            ):
                wrong.append(f"{path.name}:{node.lineno} reads the clock")
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in ("open", "print", "input"):
                wrong.append(f"{path.name}:{called.lineno} uses {called.id}")
    assert wrong == []


def test_a_platform_knows_no_other_platform() -> None:
    adapters = {
        path.stem for path in (PACKAGE / "platforms").glob("*.py") if "(Platform[" in path.read_text(encoding="utf-8")
    }
    adapters.discard("base")
    assert adapters, "no adapter was found"
    wrong = [
        f"{path.name} imports {module}"
        for path in (PACKAGE / "platforms").glob("*.py")
        if path.stem in adapters
        for module in imported(path)
        if module.split(".")[:2] == ["streamer", "platforms"]
        and module.split(".")[2:3]
        and module.split(".")[2] in adapters - {path.stem}
    ]
    assert wrong == []


def test_connections_are_opened_in_two_files_only() -> None:
    """`platforms/http.py` calls out by HTTP, `platforms/mail.py` speaks SMTP and IMAP."""
    wrong = []
    for part, path in parts():
        if part != "platforms" or path.stem in ("http", "mail", "addresses"):  # addresses: looks names up
            continue
        for module in imported(path):
            if module.split(".")[0] in {
                "aiohttp",
                "aiosmtplib",
                "aioimaplib",
                "socket",
                "ssl",
                "urllib3",
                "requests",
                "smtplib",
                "imaplib",
            }:
                wrong.append(f"{path.name} imports {module}")
    assert wrong == []


def test_agents_fit_on_one_screen() -> None:
    longest = 45
    for _, path in parts():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef) and any(
                isinstance(decorator, ast.Call)
                and isinstance(decorator.func, ast.Attribute)
                and decorator.func.attr == "agent"
                for decorator in node.decorator_list
            ):
                assert (node.end_lineno or 0) - node.lineno < longest, f"{path.name}:{node.lineno} {node.name}"


def test_no_file_names_this_machine_or_a_package_host() -> None:
    hosts = (
        "pypi" + ".org",
        "files.python" + "hosted.org",
        "repo1.maven" + ".org",
        "registry.npm" + "js.org",
        "/wo" + "rk/",
    )
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for relative in filter(None, listed.split("\0")):
        path = ROOT / relative
        if path.suffix == ".png" or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for host in hosts:
            assert host not in text, f"{relative} names {host}"
