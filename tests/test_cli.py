"""The command line as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from streamer.cli import COMMANDS


def streamer(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streamer.cli", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)} | (env or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def imported_by(*arguments: str, cwd: Path) -> set[str]:
    """Modules that are there after a run."""
    code = f"""
import sys
sys.argv = ["streamer", *{list(arguments)}]
from streamer.cli import main
try:
    main()
except SystemExit:
    print("MODULES", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split("MODULES ")[1].split())


@pytest.mark.parametrize(
    "name", [name for name, module in COMMANDS.items() if find_spec(f"streamer.commands.{module}")]
)
def test_every_command_explains_itself(name: str, tmp_path: Path) -> None:
    done = streamer(name, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f" {name} " in done.stdout


def test_help_lists_the_commands_that_exist(tmp_path: Path) -> None:
    said = streamer("--help", cwd=tmp_path).stdout
    for name in ("topics", "send", "doctor"):
        assert f" {name} " in said


def test_one_command_does_not_pay_for_the_imports_of_another(tmp_path: Path) -> None:
    modules = imported_by("send", "--help", cwd=tmp_path)
    assert "streamer.commands.send" in modules
    assert "streamer.commands.doctor" not in modules
    assert not modules & {"faust", "aiokafka", "aiohttp", "jgo"}


def test_what_is_misconfigured_is_one_sentence_and_an_exit_code(tmp_path: Path) -> None:
    done = streamer("topics", cwd=tmp_path, env={"STREAMER_SETTINGS": "nowhere.toml"})
    assert done.returncode == 78
    assert done.stderr == "streamer: STREAMER_SETTINGS: there is no file nowhere.toml; copy streamer.example.toml\n"


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    assert streamer("nonsense", cwd=tmp_path).returncode == 2
