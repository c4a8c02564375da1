"""A mailbox read by IMAP4rev1 (RFC 3501): as much of it as a reader needs that changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
from email.utils import parsedate_to_datetime
from typing import ClassVar

LONGEST_LINE = 8192


class Mailbox:
    """Mails by UID, and the server that shows them to one user."""

    def __init__(self, user: str, password: str, *, uid_validity: int = 1) -> None:
        self.uid_validity = uid_validity
        self.mails: list[bytes] = []  # the UID is the place, from 1
        self._user = user
        self._password = password
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> int:
        """Listens on loopback; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=LONGEST_LINE)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 2)

    def deliver(self, mail: bytes) -> int:
        """Puts a mail in; returns its UID."""
        self.mails.append(mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        return len(self.mails)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, writer)
        writer.write(b"* OK IMAP4rev1 ready\r\n")
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not session.ended:
                await writer.drain()
                line = await reader.readline()
                if not line:
                    break
                session.handle(line.decode("utf-8", "replace").rstrip("\r\n"))
            await writer.drain()
        writer.close()

    def knows(self, user: str, password: str) -> bool:
        return hmac.compare_digest(user.encode(), self._user.encode()) and hmac.compare_digest(
            password.encode(), self._password.encode()
        )


class _Session:
    COMMANDS: ClassVar[dict[str, str]] = {
        "CAPABILITY": "_capability",
        "NOOP": "_noop",
        "LOGIN": "_login",
        "EXAMINE": "_examine",
        "SELECT": "_examine",
        "UID": "_uid",
        "LOGOUT": "_logout",
    }

    def __init__(self, mailbox: Mailbox, writer: asyncio.StreamWriter) -> None:
        self.ended = False
        self._mailbox = mailbox
        self._writer = writer
        self._known = False

    def handle(self, line: str) -> None:
        tag, _, rest = line.partition(" ")
        verb, _, arguments = rest.partition(" ")
        method = self.COMMANDS.get(verb.upper())
        if method is None:
            self._say(f"{tag} BAD {verb} is not spoken here")
        elif not self._known and verb.upper() not in ("CAPABILITY", "NOOP", "LOGIN", "LOGOUT"):
            self._say(f"{tag} NO log in first")
        else:
            getattr(self, method)(tag, arguments)

    def _say(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")

    def _capability(self, tag: str, _arguments: str) -> None:
        self._say("* CAPABILITY IMAP4rev1")
        self._say(f"{tag} OK done")

    def _noop(self, tag: str, _arguments: str) -> None:
        self._say(f"{tag} OK done")

    def _login(self, tag: str, arguments: str) -> None:
        found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', arguments)
        words = [re.sub(r"\\(.)", r"\1", quoted) or bare for quoted, bare in found]
        self._known = len(words) == 2 and self._mailbox.knows(words[0], words[1])
        self._say(f"{tag} OK logged in" if self._known else f"{tag} NO wrong name or password")

    def _examine(self, tag: str, _arguments: str) -> None:
        mails = self._mailbox.mails
        self._say(f"* {len(mails)} EXISTS")
        self._say("* 0 RECENT")
        self._say("* FLAGS (\\Seen)")
        self._say(f"* OK [UIDVALIDITY {self._mailbox.uid_validity}] valid")
        self._say(f"* OK [UIDNEXT {len(mails) + 1}] next")
        self._say(f"{tag} OK [READ-ONLY] opened")

    def _uid(self, tag: str, arguments: str) -> None:
        verb, _, rest = arguments.partition(" ")
        if verb.upper() == "SEARCH":
            self._search(tag, rest)
        elif verb.upper() == "FETCH":
            self._fetch(tag, rest)
        else:
            self._say(f"{tag} BAD UID {verb} is not spoken here")

    def _search(self, tag: str, rest: str) -> None:
        count = len(self._mailbox.mails)
        uids = list(range(1, count + 1))
        if found := re.search(r"UID (\d+):\*", rest, re.IGNORECASE):
            first = int(found.group(1))
            uids = [uid for uid in uids if uid >= first] or ([count] if count else [])  # RFC 3501: * is the last one
        self._say("* SEARCH " + " ".join(map(str, uids)))
        self._say(f"{tag} OK done")

    def _fetch(self, tag: str, rest: str) -> None:
        word, _, wanted = rest.partition(" ")
        uid = int(word) if word.isdigit() else 0
        if 1 <= uid <= len(self._mailbox.mails):
            mail = self._mailbox.mails[uid - 1]
            if "RFC822.SIZE" in wanted.upper():
                self._say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(mail)})")
            elif "BODY" in wanted.upper():
                part, content = "", mail
                if "[HEADER]" in wanted.upper():
                    part, content = "HEADER", mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                date = _internal_date(mail)
                self._say(f'* {uid} FETCH (UID {uid} INTERNALDATE "{date}" BODY[{part}] {{{len(content)}}}')
                self._writer.write(content + b")\r\n")
        self._say(f"{tag} OK done")

    def _logout(self, tag: str, _arguments: str) -> None:
        self._say("* BYE until next time")
        self._say(f"{tag} OK done")
        self.ended = True


def _internal_date(mail: bytes) -> str:
    found = re.search(rb"^Date: (.+?)\r?$", mail, re.MULTILINE)
    if found:
        with contextlib.suppress(ValueError, TypeError):
            return parsedate_to_datetime(found.group(1).decode()).strftime("%d-%b-%Y %H:%M:%S %z")
    return "01-Jan-2000 00:00:00 +0000"
