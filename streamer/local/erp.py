"""A small ERP to copy records into: customers, addresses and orders by HTTP, in a book of its own.

It is as careless as many are: it makes a second customer or order of whatever it is told to make.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import aiohttp
import orjson
from aiohttp import web

COLLECTIONS = ("customers", "orders", "addresses", "leads", "deals")
SEARCHED = ("reference", "email", "tax_id", "number")
PAGE = 50
WALK_IN = "WALK-IN"  # the customer that stands for buyers whom nothing identifies; it is there from the start
WEBHOOK_TRIES = 10

ErpFault = Literal["reset_before", "reset_after", "refuse", "too_many", "error_after"]


class LocalErp:
    """`faults` holds what goes wrong next with what would change something; None in between goes well."""

    def __init__(self, folder: Path, *, token: str, webhook_url: str | None = None, webhook_secret: str = "") -> None:
        self.faults: deque[ErpFault | None] = deque()
        self.records: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in COLLECTIONS}
        self.port = 0
        self._token = token
        self._webhook_url = webhook_url
        self._secret = webhook_secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._file = self._open(folder / "erp.jsonl")
        if WALK_IN not in self.records["customers"]:
            self._write({"collection": "customers", "id": WALK_IN, "name": "Walk-in customer", "state": "open"})
        app = web.Application()
        app.add_routes(
            [
                web.get("/{collection}", self._find),
                web.post("/{collection}", self._create),
                web.put("/{collection}/{id}", self._update),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def start(self, port: int = 0) -> None:
        """Listens on loopback; afterwards the port is known."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        self._file.close()

    def made(self, collection: str) -> list[dict[str, Any]]:
        """What was made here, oldest first."""
        return [record for name, record in self.records[collection].items() if name != WALK_IN]

    # ---- the book: a line for each state of a record, the last one counts

    def _open(self, file: Path) -> Any:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        if file.exists():
            for line in file.read_bytes().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break  # cut off while it was written: it was never answered
                known = orjson.loads(line)
                self.records[known["collection"]][known["id"]] = known
                whole += len(line)
        opened = file.open("ab")
        opened.truncate(whole)
        return opened

    def _write(self, record: dict[str, Any]) -> None:
        record["changed_at"] = datetime.now(UTC).isoformat()
        self.records[record["collection"]][record["id"]] = record
        self._file.write(orjson.dumps(record) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    # ---- HTTP

    async def _create(self, request: web.Request) -> web.StreamResponse:
        collection, body = await self._read(request)
        fault = self.faults.popleft() if self.faults else None
        if fault in ("reset_before", "refuse", "too_many"):
            return _wrong(request, fault)
        if collection in ("orders", "addresses") and body.get("customer") not in self.records["customers"]:
            return _no(422, f"customer {body.get('customer')} is not there")
        name = f"{collection[0].upper()}{1000 + len(self.made(collection)) + 1}"
        self._write({**body, "collection": collection, "id": name, "state": body.get("state", "open")})
        self._tell(name, collection)
        if fault in ("reset_after", "error_after"):
            return _wrong(request, fault)
        return web.json_response({"id": name}, status=201)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        collection, body = await self._read(request)
        fault = self.faults.popleft() if self.faults else None
        if fault in ("reset_before", "refuse", "too_many"):
            return _wrong(request, fault)
        name = request.match_info["id"]
        known = self.records[collection].get(name)
        if known is None:
            return _no(404, f"there is no {name}")
        self._write({**known, **body, "collection": collection, "id": name})
        self._tell(name, collection)
        if fault in ("reset_after", "error_after"):
            return _wrong(request, fault)
        return web.json_response({"id": name})

    async def _find(self, request: web.Request) -> web.Response:
        collection = self._allowed(request)
        query = request.query
        found = [record for record in self.records[collection].values() if _fits(record, query)]
        found.sort(key=lambda record: (record["changed_at"], record["id"]))
        start = int(query["after"]) if query.get("after", "").isdigit() else 0
        shown = found[start : start + PAGE]
        following = start + PAGE if len(found) > start + PAGE else None
        return web.json_response({"records": shown, "after": following})

    async def _read(self, request: web.Request) -> tuple[str, dict[str, Any]]:
        collection = self._allowed(request)
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise web.HTTPBadRequest(text="the body is no JSON object\n")
        return collection, body

    def _allowed(self, request: web.Request) -> str:
        told = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(told, f"Bearer {self._token}".encode()):
            raise web.HTTPUnauthorized(text="who are you?\n")
        collection = request.match_info["collection"]
        if collection not in COLLECTIONS:
            raise web.HTTPNotFound(text="no such collection\n")
        return collection

    # ---- its webhooks

    def _tell(self, name: str, collection: str) -> None:
        if self._webhook_url is None or collection not in ("orders", "customers"):
            return
        body = orjson.dumps({"type": collection, "record": self.records[collection][name]})
        task = asyncio.get_running_loop().create_task(self._send_webhook(self._webhook_url, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_webhook(self, url: str, body: bytes) -> None:
        signed = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Erp-Signature": signed}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            for number in range(WEBHOOK_TRIES):
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.post(url, data=body, headers=headers) as response:
                        if response.status < 300:
                            return
                await asyncio.sleep(min(5.0, 0.2 * 2**number))


def _fits(record: dict[str, Any], query: Any) -> bool:
    for name in SEARCHED:
        if name in query and str(record.get(name) or "").casefold() != query[name].casefold():
            return False
    if "ids" in query and record["id"] not in query["ids"].split(","):
        return False
    changed = datetime.fromisoformat(record["changed_at"])
    if "since" in query and changed < datetime.fromisoformat(query["since"]):
        return False
    return "until" not in query or changed <= datetime.fromisoformat(query["until"])


def _no(status: int, reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=status)


def _wrong(request: web.Request, fault: ErpFault) -> web.StreamResponse:
    match fault:
        case "refuse":
            return _no(422, "the fiscal year is closed")
        case "too_many":
            return web.json_response({"error": "slow down"}, status=429, headers={"Retry-After": "1"})
        case "error_after":
            return _no(500, "our fault")
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
