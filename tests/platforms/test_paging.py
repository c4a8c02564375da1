"""Answers that come in pages, and where a poll goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from streamer.errors import Unavailable
from streamer.platforms.judging import play
from streamer.platforms.paging import (
    Next,
    all_pages,
    by_field,
    by_link,
    by_offset,
    by_token,
    next_link,
    since,
    until,
)
from streamer.platforms.wire import HttpRequest, Reply, get, send

FIRST = get("https://api.example.com/items", {"limit": "2"})
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def read(following: Next, *answers: tuple[dict[str, str], Any], first: HttpRequest = FIRST) -> list[HttpRequest]:
    """The requests that reading all pages makes."""
    asked: list[HttpRequest] = []

    def world(request: Any) -> Reply:
        asked.append(request)
        headers, body = answers[len(asked) - 1]
        return Reply(200, headers, orjson.dumps(body))

    assert len(play(all_pages(send, first, following), world)) == len(answers)
    return asked


def test_the_header_link_leads_on_whatever_else_it_names() -> None:
    link = '<https://api.example.com/items?page=1>; rel="prev", <https://api.example.com/items?page=3>; rel="next"'
    asked = read(by_link, ({"link": link}, []), ({"link": link.partition(",")[0]}, []))
    assert asked[1].url == "https://api.example.com/items?page=3"
    assert asked[1].query == {}


@pytest.mark.parametrize("link", ["", "<", "rubbish", '<https://x.example>; rel="last"', "<a>; title=next"])
def test_a_header_without_a_next_page_ends_the_listing(link: str) -> None:
    assert next_link({"link": link}) is None


def test_an_odata_listing_is_followed_by_the_address_in_its_body() -> None:
    asked = read(by_field("@odata.nextLink"), ({}, {"@odata.nextLink": "items?$skip=2"}), ({}, {}))
    assert asked[1].url == "https://api.example.com/items?$skip=2"


def test_a_cursor_goes_into_the_query_beside_what_was_there() -> None:
    asked = read(by_token("cursor", "page", "next"), ({}, {"page": {"next": "abc"}}), ({}, {"page": {"next": ""}}))
    assert asked[1].query == {"limit": "2", "cursor": "abc"}


def test_an_offset_grows_until_a_page_is_not_full() -> None:
    count = by_offset("offset", 2, lambda reply: len(reply.json()))
    assert [one.query.get("offset") for one in read(count, ({}, [1, 2]), ({}, [3, 4]), ({}, [5]))] == [None, "2", "4"]
    pages = by_offset("page", 2, lambda reply: len(reply.json()), counts_pages=True)
    assert [one.query.get("page") for one in read(pages, ({}, [1, 2]), ({}, [3]))] == [None, "2"]


def test_a_next_page_on_another_host_is_not_followed_with_our_token() -> None:
    with pytest.raises(Unavailable, match=r"another host: evil\.example"):
        read(by_field("next"), ({}, {"next": "https://evil.example/items"}))


def test_a_listing_that_never_ends_ends_here() -> None:
    def world(request: Any) -> Reply:
        return Reply(200, {}, b'{"next": "again"}')

    with pytest.raises(Unavailable, match="more than 5 pages"):
        play(all_pages(send, FIRST, by_token("cursor", "next"), most=5), world)


def test_the_first_look_goes_back_for_days_and_later_ones_overlap() -> None:
    assert since({}, NOW, overlap_seconds=60, back_fill_days=2) == datetime(2026, 3, 8, 12, 0, tzinfo=UTC)
    assert since(until(NOW), NOW, overlap_seconds=60, back_fill_days=2) == datetime(2026, 3, 10, 11, 59, tzinfo=UTC)
