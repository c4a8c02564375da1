"""May this go out: the document as it will be sent, for somebody with a login, and for the reader of a mailed link."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast
from urllib.parse import quote

import aiohttp_jinja2
from aiohttp import web

from streamer.approval_links import PATH, Claim, link_key, read_path
from streamer.domain.purchasing_rows import OrderRow, order_row_key
from streamer.errors import BadSignature, Refused, Unavailable
from streamer.web.console.console import Console, form_of
from streamer.web.console.forms import changed_quantities
from streamer.web.console.judging import Judgement, ModelRows, judge
from streamer.web.console.pages.purchase_orders import why_of
from streamer.web.console.preview import Preview, Previews
from streamer.web.rights import Right
from streamer.web.security import SESSION

MOST = 50  # on one page
DONE = {"approve": "your approval is sent", "change": "your change is sent", "reject": "your rejection is sent"}
Choice = Literal["approve", "change", "reject"]


@dataclass(frozen=True)
class Waiting:
    """One order on the page, and what the person in front of it may do."""

    found: Any
    row: OrderRow | None
    judgement: Judgement
    preview: Preview | None


def routes(console: Console) -> list[web.RouteDef]:
    pages = Approvals(console)
    return [
        web.get("/approvals", pages.index, allow_head=False),
        web.post("/approvals/{reference}", pages.decide),
        web.get("/approvals/{reference}/attachments/{number:[0-9]{1,2}}", pages.attachment, allow_head=False),
        web.get(PATH + "{claim:.+}", pages.link, allow_head=False),
        web.post(PATH + "{claim:.+}", pages.decide_by_link),
    ]


class Approvals:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader
        self.previews = Previews()
        token = console.config.worker_token
        self.key = link_key(token) if token else None

    # -- for those with a login

    async def index(self, request: web.Request) -> web.Response:
        found = self.reader.all(
            "SELECT * FROM purchase_order WHERE state = 'awaiting_approval' ORDER BY at_ms LIMIT ?", MOST
        )
        rows = self._rows()
        user = request[SESSION].user
        return self.console.page(
            request,
            "approvals.html",
            waiting=[self._waiting(rows, one, "console", user) for one in found],
            why=why_of,
        )

    async def decide(self, request: web.Request) -> web.Response:
        """Approve, change or reject; bound to the version and the document that were on the screen."""
        self.console.security.need(request, Right.APPROVE)
        reference, form = request.match_info["reference"], await form_of(request)
        one = self._one(reference, "console", request[SESSION].user)
        row = one.row
        if row is None:
            raise web.HTTPNotFound(text="no such purchase order\n")
        if one.found["state"] != "awaiting_approval" or not _was_on_the_screen(one, row, form):
            acts = self.reader.all("SELECT * FROM audit WHERE subject = ? ORDER BY at_ms DESC LIMIT 3", reference)
            return self.console.page(request, "overtaken.html", status=409, order=one.found, acts=acts)
        decision, reason, quantities = _choice(form, row)
        no = one.judgement.may_not_approve if decision == "approve" else one.judgement.may_not_decide
        if no is not None:
            raise web.HTTPForbidden(text=f"You may not {decision} {reference}: {no}.\n")
        return await self.console.act(
            request,
            Right.APPROVE,
            lambda: self.console.acts.decide(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                supplier=row.supplier,
                reference=reference,
                version=row.version,
                decision=decision,
                quantities=quantities if decision == "change" else {},
                reason=reason,
            ),
            f"{reference}, version {row.version}: {DONE[decision]}. It shows here as soon as purchasing has taken it.",
            "/approvals",
        )

    async def attachment(self, request: web.Request) -> web.Response:
        """A file that would go out with the order."""
        one = self._one(request.match_info["reference"], "console", request[SESSION].user)
        return _file(one, int(request.match_info["number"]))

    # -- for the reader of a link

    async def link(self, request: web.Request) -> web.Response:
        """Shows the document and asks. Mail scanners open links, so nothing follows from this."""
        claim = self._claim(request)
        if isinstance(claim, web.Response):
            return claim
        one, words, status = self._for_reader(claim)
        if words is None and (number := request.query.get("attachment", "")).isdecimal():
            return _file(one, int(number[:2]))
        return self._page(request, one if words is None else None, claim, words, status)

    async def decide_by_link(self, request: web.Request) -> web.Response:
        """What the reader decided, once."""
        claim = self._claim(request)
        if isinstance(claim, web.Response):
            return claim
        form = {name: value.strip() for name, value in (await request.post()).items() if isinstance(value, str)}
        one, words, status = self._for_reader(claim)
        if words is not None or one.row is None:
            return self._page(request, None, claim, words, status)
        wrong = _wrong(one, form)
        if wrong is not None:
            return self._page(request, one, claim, *wrong)
        decision = cast(Choice, form["decision"])
        try:
            await self.console.acts.decide(
                claim.person,
                claim.act_id,
                self.console.clock(),
                supplier=claim.supplier,
                reference=claim.reference,
                version=claim.version,
                decision=decision,
                quantities={},
                reason=form.get("reason", "")[:1_000] or None,
                channel="email",
            )
        except Unavailable:
            return self._page(request, one, claim, "Kafka did not take it. Nothing is lost: send it again.", 503)
        thanks = f"{claim.reference}, version {claim.version}: {DONE[decision]}. Thank you."
        return self._page(request, None, claim, thanks, 200)

    def _claim(self, request: web.Request) -> Claim | web.Response:
        """What the link says, or the page that says why it says nothing."""
        if self.key is None:
            return self._page(request, None, None, "Links are not in use here.", 404)
        try:
            return read_path(self.key, request.match_info["claim"], self.console.clock())
        except BadSignature:
            words = "This link is none of ours, or its end was cut off. Copy the whole of it from the mail."
            return self._page(request, None, None, words, 404)
        except Refused as error:
            return self._page(request, None, None, f"Too late: {error}. The order still waits in the console.", 410)

    def _for_reader(self, claim: Claim) -> tuple[Waiting, str | None, int]:
        """The order as it stands for the reader; else why they can no longer decide, and the status of that."""
        one = self._one(claim.reference, "email", claim.person)
        row = one.row
        if row is None:
            return one, f"{claim.reference} is not known here yet. Try again in a moment.", 404
        if claim.act_id in row.acts:
            return one, f"You decided about {claim.reference} by this link already.", 409
        if one.found["state"] != "awaiting_approval" or row.sent():
            return one, f"{claim.reference} was decided already: it is {one.found['state'].replace('_', ' ')}.", 409
        if row.version != claim.version:
            return one, f"{claim.reference} was changed since this mail. Another one shows it as it is now.", 409
        if (no := one.judgement.may_not_approve) is not None and one.judgement.may_not_decide is not None:
            return one, f"You may not decide about {claim.reference}: {no}.", 403
        return one, None, 200

    def _page(
        self, request: web.Request, one: Waiting | None, claim: Claim | None, words: str | None, status: int
    ) -> web.Response:
        context = {
            "company": self.console.config.company,
            "f": self.console.formats(request),
            "one": one,
            "claim": claim,
            "words": words,
            "status": status,
            "here": request.path,
            "person": self.console.config.people.get(claim.person, claim.person) if claim else "",
            "suppliers": self.console.config.suppliers,
        }
        text = aiohttp_jinja2.render_string("approve_link.html", request, context)
        return web.Response(
            text=text, status=status, content_type="text/html", headers={"Referrer-Policy": "no-referrer"}
        )

    # -- what both share

    def _rows(self) -> ModelRows:
        return ModelRows(self.reader, int(self.console.clock().timestamp() * 1000))

    def _one(self, reference: str, channel: Literal["console", "email"], actor: str) -> Waiting:
        found = self.reader.one("SELECT * FROM purchase_order WHERE reference = ?", reference)
        if found is None:
            return Waiting(None, None, Judgement(), None)
        return self._waiting(self._rows(), found, channel, actor)

    def _waiting(self, rows: ModelRows, found: Any, channel: Literal["console", "email"], actor: str) -> Waiting:
        row = rows.read(order_row_key(found["supplier"], found["reference"]))
        if not isinstance(row, OrderRow):
            return Waiting(found, None, Judgement(), None)
        judgement = judge(rows, row, channel, actor)
        if judgement.order is None:
            return Waiting(found, row, judgement, None)
        account = self.console.config.accounts.get(judgement.order.account)
        return Waiting(found, row, judgement, self.previews.of(account.hook if account else None, judgement.order))


def _was_on_the_screen(one: Waiting, row: OrderRow, form: dict[str, str]) -> bool:
    """Nothing is decided about another version, nor about a document that settings have made another."""
    return str(row.version) == form.get("version") and form.get("document", "") == (
        one.preview.digest if one.preview else ""
    )


def _wrong(one: Waiting, form: dict[str, str]) -> tuple[str, int] | None:
    """Why a reader's form decides nothing, and the status of that."""
    if form.get("document") != (one.preview.digest if one.preview else ""):
        return "It is another document now: look at it again.", 409
    decision = form.get("decision")
    if decision not in ("approve", "reject"):
        return "Choose to approve or to reject.", 400
    if decision == "reject" and not form.get("reason"):
        return "A rejection needs a reason.", 400
    no = one.judgement.may_not_approve if decision == "approve" else one.judgement.may_not_decide
    return None if no is None else (f"You may not {decision} it: {no}.", 403)


def _choice(form: dict[str, str], row: OrderRow) -> tuple[Choice, str | None, dict[str, Decimal]]:
    decision = form.get("decision")
    if decision not in ("approve", "change", "reject"):
        raise web.HTTPBadRequest(text="decide: approve, change or reject\n")
    reason = form.get("reason", "")[:1_000] or None
    if decision == "reject" and reason is None:
        raise web.HTTPBadRequest(text="a rejection needs a reason\n")
    quantities = changed_quantities(form, row)
    if decision == "change" and not quantities:
        raise web.HTTPBadRequest(text="no quantity was changed\n")
    if decision == "approve" and quantities:
        raise web.HTTPBadRequest(text="a quantity was changed: choose Change, then approve what you see\n")
    return cast(Choice, decision), reason, quantities


def _file(one: Waiting, number: int) -> web.Response:
    attachments = one.preview.attachments if one.preview else ()
    if number >= len(attachments):
        raise web.HTTPNotFound(text="no such attachment\n")
    name, kind, content = attachments[number]
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return web.Response(body=content, content_type=kind, headers=headers)
