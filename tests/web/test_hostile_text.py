"""Text that came from outside is text on every page, whatever it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web import shop
from tests.web.browser import Screen, chromium
from tests.web.running import Person, RunningConsole
from tests.web.test_browser import PAGES

TOPICS = shop.Topics("streamer")
SKU = "<script>alert(1)</script>"
TEXT = "\"'><img src=x onerror=alert(1)><svg onload=alert(2)>{{ 7*7 }}</script><script>alert(3)</script>"
SKU_PAGE = "/stock/main/%3Cscript%3Ealert(1)%3C%2Fscript%3E"
HOSTILE_PAGES = (*(page for page in PAGES if "LAMP-01" not in page), SKU_PAGE, "/search?q=" + "%22%3E%3Cscript%3E")


@pytest.fixture(scope="module")
def console(console_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    records = [
        *shop.a_day(TOPICS, SKU, TEXT, reason=TEXT),
        *shop.message(TOPICS, shop.order_line(TEXT, TEXT, SKU, "rejected", number=TEXT, reason=TEXT)),
        *shop.message(TOPICS, shop.purchase_order("BOSCH-9", "human", conflict=TEXT, external_reference=TEXT, sku=SKU)),
        *shop.message(TOPICS, shop.audit("note", TEXT, actor=TEXT, reason=TEXT, before={TEXT: TEXT})),
        shop.dead_letter(TOPICS, "f" * 26, TEXT.encode(), TEXT, account=TEXT, topic=TEXT, stage=TEXT),
    ]
    with RunningConsole(console_kafka, tmp_path_factory.mktemp("hostile"), records) as running:
        yield running


def test_no_page_runs_or_draws_what_came_from_outside(console: RunningConsole) -> None:
    with chromium() as browser:
        screen = Screen(browser, console.url)
        screen.log_in()
        for page in (*HOSTILE_PAGES, "/purchase-orders/BOSCH-9", "/errors/" + "f" * 26):
            assert screen.show(page) == 200, page
            assert screen.page.locator("img, svg[onload], script:not([src])").count() == 0, page
            assert screen.page.locator("script").count() == 1, page
        assert screen.complaints == []
        assert screen.strangers == []


async def test_the_text_is_there_to_be_read(console: RunningConsole) -> None:
    async with Person(console.url) as person:
        await person.log_in("anna")
        for page in ("/stock", "/purchase-orders/BOSCH-9", "/errors", "/audit"):
            await person.get(page)
            assert "&lt;script&gt;" in person.page, page
            assert "<script>" not in person.page, page
            assert "{{ 7*7 }}" in person.page or page == "/stock", page
