"""Debian's Chromium for tests. At home a missing one skips the test and says so; in CI it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, sync_playwright

from tests.web.running import password

CHROMIUM = Path(os.environ.get("STREAMER_TEST_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        words = f"there is no Chromium at {CHROMIUM}: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Screen:
    """A logged-in page that remembers every complaint of the browser."""

    def __init__(self, browser: Browser, url: str, *, width: int = 1360, dark: bool = False, **more: Any) -> None:
        scheme: Any = "dark" if dark else "light"
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 850},
            color_scheme=scheme,
            locale="en-GB",
            timezone_id="Europe/Berlin",
            **more,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.url = url
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on(
            "request", lambda request: None if request.url.startswith(url) else self.strangers.append(request.url)
        )

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def log_in(self, name: str = "anna") -> None:
        self.page.goto(self.url + "/login")
        self.page.fill("input[name=name]", name)
        self.page.fill("input[name=password]", password(name))
        self.page.click("button")
        self.page.wait_for_url(self.url + "/")

    def show(self, path: str) -> int:
        answer = self.page.goto(self.url + path)
        assert answer is not None
        return answer.status
