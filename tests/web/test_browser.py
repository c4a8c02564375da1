"""The console in a real browser: on a desk and on a telephone, in light and dark, with and without script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, expect

from streamer.messages.purchasing import Approval
from tests.web import shop
from tests.web.browser import Screen, chromium
from tests.web.running import RunningConsole

DESK = 1360
TOPICS = shop.Topics("streamer")
T = TypeVar("T")
PAGES = (
    "/",
    "/orders",
    "/orders/lamps/1002",
    "/stock",
    "/stock/main/LAMP-01",
    "/reorders",
    "/purchase-orders",
    "/purchase-orders/BOSCH-1",
    "/approvals",
    "/recalls",
    "/recalls/26V123",
    "/records",
    "/records/lamps-erp/lamps/1003",
    "/errors",
    "/errors/" + "d" * 26,
    "/errors/calls/bosch-mail/" + "A" * 26,
    "/accounts",
    "/audit",
    "/search?q=lamp",
    "/errors/group?reason=x&account=y&stage=z",
)


@pytest.fixture(scope="module")
def console(console_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    with RunningConsole(console_kafka, tmp_path_factory.mktemp("browser"), shop.a_day(TOPICS)) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("width", [DESK, 390], ids=["desk", "telephone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_fits_and_the_browser_has_nothing_to_complain_of(
    console: RunningConsole, browser: Browser, width: int, dark: bool
) -> None:
    screen = Screen(browser, console.url, width=width, dark=dark)
    screen.log_in()
    for page in PAGES:
        assert screen.show(page) == 200, page
        assert screen.page.locator("h1").count() == 1, page
        wide = screen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page} is {wide} px too wide"
        cut = screen.page.evaluate(CUT) if width == DESK else []
        assert cut == [], f"{page}: columns are pushed out of sight"
    assert screen.complaints == []
    assert screen.strangers == []
    screen.context.close()


def test_text_can_be_read_against_its_ground(console: RunningConsole, browser: Browser) -> None:
    for dark in (False, True):
        screen = Screen(browser, console.url, dark=dark)
        screen.log_in()
        for page in ("/", "/stock", "/stock/main/LAMP-01", "/approvals", "/accounts", "/errors/" + "d" * 26):
            screen.show(page)
            poor = screen.page.evaluate(CONTRAST)
            assert poor == [], f"{page}, {'dark' if dark else 'light'}"
        screen.context.close()


def test_a_new_order_shows_without_loading_the_page(console: RunningConsole, browser: Browser) -> None:
    screen = Screen(browser, console.url)
    screen.log_in()
    screen.show("/orders")
    expect(screen.page.get_by_text("#1001")).to_be_visible()
    screen.page.evaluate("window.marker = 1")
    screen.page.wait_for_timeout(500)  # the stream opens
    line = shop.order_line("2001", "1", "BULB-H7", "approved", at=datetime.now(UTC))
    in_background(console.send(shop.message(TOPICS, line)))
    expect(screen.page.get_by_text("#2001")).to_be_visible()
    assert screen.page.evaluate("window.marker") == 1
    assert screen.complaints == []
    screen.context.close()


def test_a_list_follows_what_one_types_and_the_address_keeps_it(console: RunningConsole, browser: Browser) -> None:
    screen = Screen(browser, console.url)
    screen.log_in()
    screen.show("/orders")
    screen.page.select_option("select[name=decision]", "rejected")
    expect(screen.page.get_by_text("#1001")).to_have_count(0)
    expect(screen.page.get_by_text("#1003")).to_be_visible()
    assert screen.page.url.endswith("/orders?decision=rejected")
    screen.context.close()


def test_an_approval_by_keys_alone(console: RunningConsole, browser: Browser) -> None:
    approve_next(console, "BOSCH-21")
    screen = Screen(browser, console.url)
    screen.log_in()
    screen.page.keyboard.press("/")
    assert screen.page.evaluate("document.activeElement.name") == "q"
    screen.show("/approvals")
    for _ in range(20):
        screen.page.keyboard.press("j")
        if screen.page.evaluate("document.querySelector('.chosen')?.id") == "BOSCH-21":
            break
    screen.page.keyboard.press("r")
    assert screen.page.evaluate("document.activeElement.name") == "reason"
    screen.page.keyboard.press("Escape")
    screen.page.keyboard.press("a")
    assert screen.page.evaluate("document.activeElement.value") == "approve"
    screen.page.keyboard.press("Enter")
    expect(screen.page.get_by_text("BOSCH-21, version 2: your approval is sent")).to_be_visible()
    assert [one.actor for one in approvals(console, "BOSCH-21")] == ["anna"]
    screen.context.close()


def test_a_list_is_walked_and_opened_by_keys(console: RunningConsole, browser: Browser) -> None:
    screen = Screen(browser, console.url)
    screen.log_in()
    screen.show("/stock?sort=sku")
    for key in ("j", "j", "k", "Enter"):
        screen.page.keyboard.press(key)
    expect(screen.page.get_by_role("heading", level=1)).to_contain_text("BULB-H7")
    assert screen.page.url.endswith("/stock/main/BULB-H7")
    screen.context.close()


def test_a_person_changes_the_bytes_of_a_letter_without_script(console: RunningConsole, browser: Browser) -> None:
    screen = Screen(browser, console.url, java_script_enabled=False)
    screen.log_in()
    screen.show("/errors/" + "d" * 26)
    screen.page.get_by_role("button", name="Show all of it, to edit it").click()
    text = screen.page.locator("textarea").input_value()
    screen.page.locator("textarea").fill(text.replace("null", '"LAMP-01"'))
    screen.page.get_by_role("button", name="Put the changed bytes back").click()
    expect(screen.page.get_by_text("is on raw.lampshop as a new record")).to_be_visible()
    [record] = in_background(console.records("raw.lampshop"))
    assert json.loads(record.value)["line_items"] == [{"sku": "LAMP-01"}]
    screen.context.close()


def test_everything_works_without_script(console: RunningConsole, browser: Browser) -> None:
    approve_next(console, "BOSCH-22")
    screen = Screen(browser, console.url, java_script_enabled=False)
    screen.log_in()
    screen.show("/stock")
    screen.page.select_option("select[name=state]", "shortage")
    screen.page.get_by_role("button", name="Filter").click()
    expect(screen.page.get_by_text("BULB-H7")).to_have_count(0)
    screen.page.get_by_role("link", name="LAMP-01").first.click()
    expect(screen.page.locator("svg.chart")).to_be_visible()
    screen.show("/approvals")
    screen.page.locator("#BOSCH-22").get_by_role("button", name="Approve").click()
    expect(screen.page.get_by_text("BOSCH-22, version 2: your approval is sent")).to_be_visible()
    assert len(approvals(console, "BOSCH-22")) == 1
    screen.page.get_by_role("button", name="Log out").click()
    assert screen.page.url.endswith("/login")
    screen.context.close()


def approve_next(console: RunningConsole, reference: str) -> None:
    """A purchase order that waits for approval, and is known to the console."""
    status = shop.purchase_order(reference, "awaiting_approval")
    records = [shop.purchasing_row(TOPICS, reference, sku="BULB-H7", version=2), *shop.message(TOPICS, status)]
    in_background(console.send(records))
    import sqlite3
    import time

    database = sqlite3.connect(console.data_dir / "console.sqlite")
    end = time.monotonic() + 15
    query = (
        "SELECT count(*) FROM purchase_order JOIN fold_row "
        "ON fold = 'purchasing' AND fold_row.key = supplier || '/' || reference WHERE reference = ?"
    )
    while not database.execute(query, (reference,)).fetchone()[0]:
        assert time.monotonic() < end
        time.sleep(0.05)
    database.close()


def approvals(console: RunningConsole, reference: str) -> list[Approval]:
    found = [Approval.from_json(record.value) for record in in_background(console.records("purchasing"))]
    return [one for one in found if one.reference == reference]


def in_background(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine while Playwright's own loop occupies this thread."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(60)


CUT = """
() => [...document.querySelectorAll(".scroll, .columns > *, .columns section")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent.trim().slice(0, 60))
"""
CONTRAST = """
() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
  const linear = (c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ({ r, g, b }) => [r, g, b].map((c) => linear(c / 255))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.a > 0.99) return colour;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.offsetParent || element.closest("svg, .skip")) continue;
    const a = light(parse(getComputedStyle(element).color)), b = light(ground(element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const words = element.textContent.trim().slice(0, 30);
    if (ratio < 4.5) poor.push(`${element.tagName} ${element.className} ${words}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""
