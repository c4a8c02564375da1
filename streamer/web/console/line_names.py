"""Lines of orders as people name them: the number of the order, and the line's place in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from streamer.domain.stock_answers import order_key_of
from streamer.domain.stock_rows import Line
from streamer.web.console.read_model import Reader

SPOKEN = 4  # characters that a platform's own id of a line may have to be said aloud

LINE_IDS = "SELECT line_id FROM order_line WHERE order_key = ? ORDER BY length(line_id), line_id"


class LineName(NamedTuple):
    """`key` is the order's; `because` names the job or the campaign that wants the part."""

    key: str
    number: str
    line: str
    because: str | None = None

    def __str__(self) -> str:
        return f"{self.number}, line {self.line}" + (f" ({self.because})" if self.because else "")


def names_of(lines: Iterable[tuple[str, Line | None]], reader: Reader) -> dict[str, LineName]:
    """The names of lines by their keys; of an order that is not known yet, its id is the number."""
    names = {}
    for line_key, line in lines:
        order_key = order_key_of(line_key, line) if line is not None else line_key.rpartition("/")[0]
        line_id, _, _part = line_key[len(order_key) + 1 :].partition("/")  # a kit's parts stand behind its line
        known = reader.one("SELECT number FROM orders WHERE key = ?", order_key)
        places = spoken([row[0] for row in reader.all(LINE_IDS, order_key)])
        number = known["number"] if known is not None else order_key.partition("/")[2]
        names[line_key] = LineName(
            order_key, number, places.get(line_id, line_id), line.because if line is not None else None
        )
    return names


def line_of(text: str, reader: Reader) -> LineName | None:
    """The order's line that a cause names by its key, if it is known here."""
    account, _, rest = text.partition("/")
    order_id, _, line = rest.partition("/")
    if not line or reader.one("SELECT 1 FROM orders WHERE key = ?", f"{account}/{order_id}") is None:
        return None
    return names_of([(f"{account}/{order_id}/{line.partition('/')[0]}", None)], reader).popitem()[1]


def spoken(line_ids: Iterable[str]) -> dict[str, str]:
    """A line's own id where it is short, else its place in the order."""
    return {
        line_id: line_id if len(line_id) <= SPOKEN else str(place) for place, line_id in enumerate(line_ids, start=1)
    }
