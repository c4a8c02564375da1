"""What all pages share: the reader's formats, the layout's numbers, forms that are sent once, words after an act."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from jinja2 import PackageLoader, StrictUndefined

from streamer.errors import Unavailable
from streamer.web.config import WebConfig
from streamer.web.console.acts import Acts
from streamer.web.console.follower import Follower
from streamer.web.console.formats import Formats, formats_of
from streamer.web.console.line_names import line_of
from streamer.web.console.lists import ListOf, csv_of, page_of
from streamer.web.console.live import Live
from streamer.web.console.owner import Owners
from streamer.web.console.read_model import Reader
from streamer.web.console.words import cursor_words, poll_words
from streamer.web.metrics import PAGE_SECONDS
from streamer.web.rights import Right
from streamer.web.security import SESSION, Security

NAVIGATION = (
    ("/", "Today"),
    ("/orders", "Orders"),
    ("/stock", "Stock"),
    ("/reorders", "Reorders"),
    ("/purchase-orders", "Purchase orders"),
    ("/approvals", "Approvals"),
    ("/recalls", "Recalls"),
    ("/records", "Records"),
    ("/errors", "Errors"),
    ("/accounts", "Accounts"),
    ("/audit", "Audit"),
)
SYMBOLS = {"good": "●", "wait": "◐", "bad": "▲", "off": "○"}
GOOD = "approved enough confirmed received shipped invoiced picked found delivered sent"
WAIT = (
    "pending waitlisted partly_approved below draft awaiting_approval sending looking_up intended partly_shipped "
    "back_order open held waiting under_way dry_run"
)
BAD = "shortage quarantined rejected unknown human failed blocked"
TONES = {
    **dict.fromkeys(GOOD.split(), "good"),
    **dict.fromkeys([*WAIT.split(), "on order"], "wait"),
    **dict.fromkeys(BAD.split(), "bad"),
}
WORDS = {"human": "needs a person", "unknown": "outcome unknown", "awaiting_approval": "awaiting approval"}
_ACT_ID = re.compile(r"^[A-Za-z0-9_-]{16,64}$")


class Console:
    """Parts of the console and what its pages have in common."""

    def __init__(
        self,
        config: WebConfig,
        security: Security,
        reader: Reader,
        acts: Acts,
        live: Live,
        owners: Owners,
        follower: Follower | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.config = config
        self.security = security
        self.reader = reader
        self.acts = acts
        self.live = live
        self.owners = owners
        self.follower = follower
        self.clock = clock
        self._said: dict[str, tuple[str, str]] = {}  # form token of a session -> words for its next page

    def set_up(self, app: web.Application) -> None:
        """Puts the templates behind `app`."""
        environment = aiohttp_jinja2.setup(
            app,
            loader=PackageLoader("streamer.web.console", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["navigation"] = NAVIGATION
        environment.globals["tone"] = lambda state: TONES.get(state, "off")
        environment.globals["symbol"] = lambda state: SYMBOLS[TONES.get(state, "off")]
        environment.globals["line_of"] = lambda text: line_of(text, self.reader)
        environment.globals["poll_words"] = poll_words
        environment.globals["cursor_words"] = cursor_words
        environment.globals["words"] = lambda state: WORDS.get(state, str(state).replace("_", " "))

    def formats(self, request: web.Request) -> Formats:
        return formats_of(request, self.config.time_zone, self.clock())

    def page(self, request: web.Request, template: str, status: int = 200, **context: Any) -> web.Response:
        """One page, in the layout."""
        begun = time.perf_counter()
        session = request[SESSION]
        rights = self.security.rights(request)
        shared = {
            "f": self.formats(request),
            "path": request.path,
            "user": session.user,
            "csrf": session.csrf,
            "company": self.config.company,
            "suppliers": self.config.suppliers,
            "locations": self.config.locations,
            "may": {right.value: right in rights for right in Right},
            "said": self._said.pop(session.csrf, None),
            "badges": self._badges(),
            "behind": self._behind(),
            "act_id": secrets.token_urlsafe(18),
            "url": lambda **changes: _url(request, changes),
        }
        response = aiohttp_jinja2.render_template(template, request, {**shared, **context}, status=status)
        PAGE_SECONDS.labels(template.removesuffix(".html")).observe(time.perf_counter() - begun)
        return response

    def list_page(self, request: web.Request, template: str, listed: ListOf, **context: Any) -> web.Response:
        """A list, or with `?format=csv` the same rows for a spreadsheet."""
        if request.query.get("format") == "csv":
            return csv_of(listed, self.reader, request.query)
        page = page_of(listed, self.reader, request.query)
        return self.page(request, template, listed=listed, page=page, **context)

    def say(self, request: web.Request, words: str, tone: str = "good") -> None:
        """Words that this person sees on the next page."""
        while len(self._said) > 1_000:
            self._said.pop(next(iter(self._said)))
        self._said[request[SESSION].csrf] = (tone, words)

    async def act(
        self, request: web.Request, right: Right, begin: Callable[[], Any], done: str, back: str
    ) -> web.Response:
        """Carries out an act of a person who may do it, and leads back with words about what was done."""
        self.security.need(request, right)
        try:
            await begin()
        except Unavailable as error:
            raise web.HTTPServiceUnavailable(
                text="Kafka did not take it. Nothing is lost: send the form again.\n", headers={"Retry-After": "5"}
            ) from error
        self.say(request, done)
        raise web.HTTPSeeOther(back)

    def _badges(self) -> Mapping[str, int]:
        number = self.reader.number
        approvals = number("SELECT count(*) FROM purchase_order WHERE state = 'awaiting_approval'")
        letters = number("SELECT count(*) FROM dead_letter WHERE id NOT IN (SELECT subject FROM settled)")
        stuck = number("SELECT count(*) FROM command WHERE state = 'human'")
        rows = number("SELECT count(*) FROM quarantine")
        copies = number("SELECT count(*) FROM record WHERE state IN ('failed', 'blocked', 'human')")
        return {"/records": copies, "/approvals": approvals, "/errors": letters + stuck + rows}

    def _behind(self) -> int | None:
        """Records that the read model has still to read; None where it waits for Kafka."""
        return self.follower.lag if self.follower is not None else 0


async def form_of(request: web.Request) -> dict[str, str]:
    """The text fields of a form. Raises HTTPBadRequest for one without a usable act id."""
    form = {name: value.strip() for name, value in (await request.post()).items() if isinstance(value, str)}
    if not _ACT_ID.match(form.get("act_id", "")):
        raise web.HTTPBadRequest(text="the form is not one of ours; load the page again\n")
    return form


def _url(request: web.Request, changes: Mapping[str, Any]) -> str:
    """This page with other query fields; None takes one away."""
    query = {name: value for name, value in request.query.items() if name not in changes}
    query.update({name: str(value) for name, value in changes.items() if value is not None})
    return str(request.rel_url.with_query(query))
