"""The command line as people run it: a process of its own for its start, the same code in this one for the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streamer.cli import app

SETTINGS = """
data_dir = "{data_dir}"
[company]
name = "Northgate Auto"
currency = "USD"
[kafka]
{bootstrap}
app_id = "{app_id}"
[web]
port = {port}
"""


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a small settings file and makes it the one that is read."""

    def write(bootstrap: str | None = None, *, app_id: str = "streamer", port: int = 0) -> Path:
        path = tmp_path / "streamer.toml"
        server = f'bootstrap_servers = "{bootstrap}"' if bootstrap else ""
        path.write_text(SETTINGS.format(data_dir=tmp_path / "var", bootstrap=server, app_id=app_id, port=port))
        monkeypatch.setenv("STREAMER_SETTINGS", str(path))
        return path

    return write


@pytest.fixture
def streamer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command; what the product refuses stays in `exception`."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return run
