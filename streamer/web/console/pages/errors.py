"""What could not be used: dead letters, calls that need a person, rows in quarantine."""

# ruff: noqa: S608 - names of tables and columns are ours; what people type goes as parameters

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from aiohttp import web

from streamer.domain.dispatch_rows import LedgerRow, read_row
from streamer.domain.record_rows import COPY, split_key
from streamer.web.console.console import Console, form_of
from streamer.web.console.editing import editable, edited
from streamer.web.console.lists import Column, Filter, ListOf
from streamer.web.console.mask import shown, shown_message
from streamer.web.rights import Right
from streamer.web.security import SESSION

OPEN = "dead_letter.id NOT IN (SELECT subject FROM settled)"
GROUPED = ("account", "stage")
MOST_AT_ONCE = 500  # dead letters that one act may put back
LETTERS = ListOf(
    "dead_letter",
    "id",
    (
        Column("id", "Letter", "link"),
        Column("reason", "Reason", narrow=False),
        Column("account", "Account"),
        Column("stage", "Where", narrow=False),
        Column("topic", "Topic", "code", narrow=False),
        Column("bytes", "Bytes", "number", "B"),
        Column("at_ms", "When", "when", sortable=True),
    ),
    (Filter("reason", "Reason"), Filter("account", "Account"), Filter("stage", "Where")),
    order="at_ms",
    where=OPEN,
    name="dead-letters",
)
LOG_OF = {"dispatch": "commands"}  # a fold's log where it is not called like the fold


def routes(console: Console) -> list[web.RouteDef]:
    pages = Errors(console)
    return [
        web.get("/errors", pages.index, allow_head=False),
        web.get("/errors/group", pages.group, allow_head=False),
        web.post("/errors/group/replay", pages.replay_group),
        web.post("/errors/group/resolve", pages.resolve_group),
        web.post("/errors/rows/release", pages.release),
        web.get("/errors/calls/{key:.+}", pages.call, allow_head=False),
        web.post("/errors/calls/{key:.+}", pages.settle),
        web.get("/errors/{id}", pages.letter, allow_head=False),
        web.post("/errors/{id}/reveal", pages.reveal),
        web.post("/errors/{id}/replay", pages.replay),
        web.post("/errors/{id}/mend", pages.mend),
        web.post("/errors/{id}/resolve", pages.resolve),
    ]


class Errors:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def index(self, request: web.Request) -> web.Response:
        groups = self.reader.all(
            "SELECT reason, account, stage, count(*) AS number, min(at_ms) AS first_ms, max(at_ms) AS last_ms, "
            f"max(id) AS id FROM dead_letter WHERE {OPEN} GROUP BY reason, account, stage "
            "ORDER BY last_ms DESC LIMIT 100"
        )
        return self.console.page(
            request,
            "errors.html",
            groups=groups,
            calls=self.reader.all("SELECT * FROM command WHERE state IN ('human', 'unknown') ORDER BY at_ms LIMIT 100"),
            rows=self.reader.all("SELECT * FROM quarantine ORDER BY fold, key LIMIT 100"),
            settled=self.reader.all(
                "SELECT * FROM settled JOIN dead_letter ON id = subject ORDER BY settled.at_ms DESC LIMIT 10"
            ),
            log_of=LOG_OF,
        )

    async def group(self, request: web.Request) -> web.Response:
        """The letters of a reason, an account, a stage, and what is done to all of them at once."""
        given = _given(request.query)
        return self.console.list_page(
            request,
            "group.html",
            LETTERS,
            base="/errors/",
            given=given,
            number=self._count(given),
            most=MOST_AT_ONCE,
        )

    async def letter(self, request: web.Request) -> web.Response:
        return self._letter(request, revealed=False)

    async def reveal(self, request: web.Request) -> web.Response:
        """Shows the bytes as they are, once the trail says who asked."""
        self.console.security.need(request, Right.REVEAL)
        form, letter = await form_of(request), self._find(request)
        await self.console.acts.note(
            request[SESSION].user,
            "dead-letter.reveal",
            f"dead-letter/{letter['id']}",
            form["act_id"],
            self.console.clock(),
        )
        return self._letter(request, revealed=True)

    async def replay(self, request: web.Request) -> web.Response:
        form, letter = await form_of(request), self._find(request)
        if not letter["topic"]:
            raise web.HTTPConflict(text="the letter does not say which topic it came from\n")
        if self._settled(letter["id"]) and "again" not in form:
            raise web.HTTPConflict(text="somebody has done it already\n")
        return await self.console.act(
            request,
            Right.MEND,
            lambda: self.console.acts.replay(
                request[SESSION].user, form["act_id"], self.console.clock(), letter, form.get("reason") or None
            ),
            f"The bytes are back on {letter['topic']}.",
            "/errors",
        )

    async def resolve(self, request: web.Request) -> web.Response:
        form, letter = await form_of(request), self._find(request)
        note = _needed(form, "reason")
        return await self.console.act(
            request,
            Right.MEND,
            lambda: self.console.acts.note(
                request[SESSION].user,
                "dead-letter.resolve",
                f"dead-letter/{letter['id']}",
                form["act_id"],
                self.console.clock(),
                reason=note,
            ),
            "Resolved: it is no longer in the list.",
            "/errors",
        )

    async def mend(self, request: web.Request) -> web.Response:
        """Puts bytes that a person has changed on the topic as a new record, which names the letter."""
        self.console.security.need(request, Right.REVEAL)
        form, letter = await form_of(request), self._find(request)
        before = letter["value"] or b""
        text = (await request.post()).get("value")  # as it was typed: `form_of` trims
        if not _is_raw(letter) or editable(before) is None or not isinstance(text, str) or not text.strip():
            raise web.HTTPBadRequest(text="only the text of a raw record can be changed\n")
        if self._settled(letter["id"]) and "again" not in form:
            raise web.HTTPConflict(text="somebody has done it already\n")
        mended = edited(text, before)
        return await self.console.act(
            request,
            Right.MEND,
            lambda: self.console.acts.replay(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                letter,
                form.get("reason") or None,
                mended=mended,
            ),
            f"What you changed is on {letter['topic']} as a new record.",
            "/errors",
        )

    async def replay_group(self, request: web.Request) -> web.Response:
        self.console.security.need(request, Right.MEND)
        form = await form_of(request)
        letters = [letter for letter in self._group(form) if letter["topic"]]

        async def put_back() -> None:
            for letter in letters:
                act_id = f"{form['act_id']}-{letter['id']}"
                now = self.console.clock()
                await self.console.acts.replay(request[SESSION].user, act_id, now, letter, form.get("reason") or None)

        return await self.console.act(
            request, Right.MEND, put_back, f"{len(letters)} are back on their topics.", "/errors"
        )

    async def resolve_group(self, request: web.Request) -> web.Response:
        self.console.security.need(request, Right.MEND)
        form = await form_of(request)
        note, letters = _needed(form, "reason"), self._group(form)

        async def note_each() -> None:
            for letter in letters:
                await self.console.acts.note(
                    request[SESSION].user,
                    "dead-letter.resolve",
                    f"dead-letter/{letter['id']}",
                    f"{form['act_id']}-{letter['id']}",
                    self.console.clock(),
                    reason=note,
                )

        return await self.console.act(request, Right.MEND, note_each, f"{len(letters)} are resolved.", "/errors")

    async def release(self, request: web.Request) -> web.Response:
        form = await form_of(request)
        fold, key = _needed(form, "fold"), _needed(form, "key")
        if self.reader.one("SELECT 1 FROM quarantine WHERE fold = ? AND key = ?", fold, key) is None:
            raise web.HTTPConflict(text="the row is not in quarantine any more\n")
        return await self.console.act(
            request,
            Right.MEND,
            lambda: self.console.acts.release(
                request[SESSION].user,
                form["act_id"],
                topic=LOG_OF.get(fold, fold),
                row_key=key,
                log_key=log_key(fold, key),
            ),
            f"The release of {key} is sent. Replay the events that it refused meanwhile.",
            "/errors",
        )

    async def call(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        found = self.reader.one("SELECT * FROM command WHERE key = ?", key)
        fresh = await self.console.owners.row("dispatch", key, key.split("/", 1)[0])
        value = fresh.value or self.reader.fold_row("dispatch", key)
        row = read_row(key, value) if value else None
        if found is None or not isinstance(row, LedgerRow):
            raise web.HTTPNotFound(text="no such call\n")
        return self.console.page(
            request,
            "call.html",
            found=found,
            row=row,
            owner=fresh,
            body=shown_message(row.kind, bytes(row.body)),
            acts=self.reader.all("SELECT * FROM audit WHERE subject LIKE ? ORDER BY at_ms", f"%{found['command_id']}%"),
        )

    async def settle(self, request: web.Request) -> web.Response:
        """Confirm, reject or send again what no machine can decide."""
        form, key = await form_of(request), request.match_info["key"]
        found = self.reader.one("SELECT * FROM command WHERE key = ?", key)
        if found is None:
            raise web.HTTPNotFound(text="no such call\n")
        if found["state"] != "human":
            raise web.HTTPConflict(text=f"nothing to decide: the call is {found['state']}\n")
        act, reason = _settlement(form.get("act")), _needed(form, "reason")
        return await self.console.act(
            request,
            Right.SETTLE,
            lambda: self.console.acts.settle(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                account=found["account"],
                command_id=found["command_id"],
                act=act,
                reason=reason,
                external_reference=form.get("external_reference") or None,
            ),
            f"{found['reference'] or found['command_id']}: your decision is sent.",
            "/errors",
        )

    def _letter(self, request: web.Request, *, revealed: bool) -> web.Response:
        letter = self._find(request)
        headers = [(name, bytes.fromhex(value)) for name, value in json.loads(letter["headers"])]
        return self.console.page(
            request,
            "dead_letter.html",
            letter=letter,
            key=shown(letter["key"] or b"", revealed=True),
            text=shown(letter["value"] or b"", revealed=revealed),
            headers=[(name, value.decode("utf-8", "replace")) for name, value in headers],
            revealed=revealed,
            editable=editable(letter["value"] or b"") if revealed and _is_raw(letter) else None,
            is_raw=_is_raw(letter),
            settled=self._settled(letter["id"]),
            acts=self.reader.all("SELECT * FROM audit WHERE subject = ? ORDER BY at_ms", f"dead-letter/{letter['id']}"),
        )

    def _find(self, request: web.Request) -> Any:
        letter = self.reader.one("SELECT * FROM dead_letter WHERE id = ?", request.match_info["id"])
        if letter is None:
            raise web.HTTPNotFound(text="no such dead letter\n")
        return letter

    def _settled(self, letter_id: str) -> Any:
        return self.reader.one("SELECT * FROM settled WHERE subject = ?", letter_id)

    def _group(self, form: Mapping[str, str]) -> list[Any]:
        """The oldest letters that fit; all three fields may not be left open at once."""
        given = _given({"reason": form.get("group-reason", ""), **{name: form.get(name, "") for name in GROUPED}})
        if not given:
            raise web.HTTPBadRequest(text="name a reason, an account or a stage\n")
        where = " AND ".join(f"{name} = ?" for name in given)
        return self.reader.all(
            f"SELECT * FROM dead_letter WHERE {where} AND {OPEN} ORDER BY at_ms, id LIMIT ?",
            *given.values(),
            MOST_AT_ONCE,
        )

    def _count(self, given: Mapping[str, str]) -> int:
        where = "".join(f"{name} = ? AND " for name in given)
        return int(self.reader.number(f"SELECT count(*) FROM dead_letter WHERE {where}{OPEN}", *given.values()))


def _given(values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[name] for name in ("reason", *GROUPED) if values.get(name)}


def _is_raw(letter: Any) -> bool:
    """Came as it is from outside: what a fold refused is mended where it was made."""
    return str(letter["topic"]).startswith("raw.")


def log_key(fold: str, key: str) -> str:
    """The key of the log record that reaches the partition of a row; a row's key may be finer."""
    if fold in ("dispatch", "purchasing"):
        return key.split("/", 1)[0]
    if fold == "orders" and key.startswith(COPY):
        return split_key(key)[1]
    return key


def _needed(form: dict[str, str], name: str) -> str:
    text = form.get(name, "")[:1_000]
    if not text:
        raise web.HTTPBadRequest(text=f"{name} is needed\n")
    return text


def _settlement(text: str | None) -> Literal["confirm", "reject", "send_again"]:
    if text in ("confirm", "reject", "send_again"):
        return cast(Literal["confirm", "reject", "send_again"], text)
    raise web.HTTPBadRequest(text="decide: confirm, reject or send again\n")
