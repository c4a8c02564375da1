"""Mail: the only file that speaks SMTP and IMAP.

SMTP has no idempotency, so the point from which nobody can know the outcome is kept exactly: it is when the message is
written after the server's 354. A connection lost before it is NotSent; lost after it Unclear; a refusal is definite.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aioimaplib
import aiosmtplib

from streamer.errors import NotSent, Unavailable, Unclear
from streamer.platforms.wire import Mail, Mailbox, MailboxRequest, MailRequest, RefusedReply, Reply

CLIENT_NAME = "streamer"
SERVER_SECONDS = 60.0  # for one answer; the runner's own time-out is usually shorter


async def hand_over(request: MailRequest, begin: Callable[[], None]) -> Reply:
    """Give one mail to the server and return its answer to the final dot.

    Raises RefusedReply (5yz), Unavailable (4yz), NotSent (lost before the message was written) or Unclear (lost after).
    `begin` is called before the message is written.
    """
    client = _client(request.url)
    try:
        try:
            await _envelope(client, request)
        except (aiosmtplib.SMTPException, OSError, EOFError) as error:
            raise _before_message(error) from error
        return await _message(client, request.message, begin)
    finally:
        client.close()


def _client(url: str) -> aiosmtplib.SMTP:
    parts = urlsplit(url)
    tls, start_tls = parts.scheme == "smtps", parts.scheme == "smtp"
    port = parts.port or (465 if tls else 587)
    host = parts.hostname or ""
    return aiosmtplib.SMTP(
        hostname=host, port=port, use_tls=tls, start_tls=start_tls, local_hostname=CLIENT_NAME, timeout=SERVER_SECONDS
    )


async def _envelope(client: aiosmtplib.SMTP, request: MailRequest) -> None:
    """Everything before DATA."""
    await client.connect()
    if request.username and request.password:
        await client.login(request.username, request.password)
    notices = client.supports_extension("dsn")
    sizes = [f"SIZE={len(request.message)}"] if client.supports_extension("size") else []
    await client.mail(request.sender, options=[*sizes, *(request.sender_options if notices else ())])
    await client.rcpt(request.recipient, options=list(request.recipient_options) if notices else [])


async def _message(client: aiosmtplib.SMTP, message: bytes, begin: Callable[[], None]) -> Reply:
    """DATA, the message, and what the server says to it."""
    protocol = client.protocol
    if protocol is None:
        raise NotSent("the mail server closed the connection before the message was written")
    write, written = protocol.write, False

    def watched(data: bytes) -> None:
        nonlocal written
        if data != b"DATA\r\n":
            begin()
            written = True
        write(data)

    protocol.write = watched  # type: ignore[method-assign]
    try:
        answer = await protocol.execute_data_command(message, timeout=SERVER_SECONDS)
    except aiosmtplib.SMTPDataError as error:
        if error.code < 400 and written:
            raise Unclear("the mail server's answer to the message cannot be read") from error
        raise _refusal(error.code, error.message) from error
    except (aiosmtplib.SMTPException, OSError, EOFError) as error:
        if not written:
            raise _before_message(error) from error
        raise Unclear(f"the mail server did not answer after the message: {type(error).__name__}") from error
    return Reply(answer.code, {}, answer.message.encode(), safe=False)


def _before_message(error: Exception) -> Exception:
    """What went wrong before the message was written: nothing was accepted, whatever it was."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Unavailable(f"the mail server does not accept the account's credentials ({error.code})")
    if isinstance(error, aiosmtplib.SMTPResponseException) and not isinstance(error, aiosmtplib.SMTPConnectError):
        return _refusal(error.code, error.message)
    return NotSent(f"the mail server was not reached or hung up before the message: {type(error).__name__}")


def _refusal(code: int, message: str) -> RefusedReply | Unavailable | NotSent:
    """4yz is temporary, 5yz is for good (RFC 5321, 4.2.1). Only the codes are told: the text may name the recipient."""
    if code < 400:  # aiosmtplib says -1 for what is no answer at all
        return NotSent("the mail server gave an answer that cannot be read")
    enhanced = re.match(r"[245]\.\d{1,3}\.\d{1,3}", message)
    said = f"the mail server answered {code}{f' {enhanced.group()}' if enhanced else ''}"
    if 400 <= code < 500:
        return Unavailable(said)
    return RefusedReply(said, Reply(code, {}, message.encode(), safe=False))


async def read_mailbox(request: MailboxRequest) -> Mailbox:
    """Mails above the cursor's UID, oldest first; every flag stays as it is. Raises Unavailable."""
    parts = urlsplit(request.url)
    tls = parts.scheme == "imaps"
    if not tls and parts.scheme != "imap+plain":
        raise Unavailable(f"{parts.scheme} is not spoken; write imaps://")
    kind = aioimaplib.IMAP4_SSL if tls else aioimaplib.IMAP4
    client = kind(host=parts.hostname, port=parts.port or (993 if tls else 143), timeout=SERVER_SECONDS)
    try:
        await client.wait_hello_from_server()
        _ok(await client.login(request.username, request.password), "login")
        opened = _ok(await client.examine(request.mailbox), "EXAMINE")
        client.protocol.state = aioimaplib.aioimaplib.SELECTED  # the library notes it for SELECT only
        validity = _uid_validity(opened)
        after = request.after_uid if validity == request.uid_validity else 0
        found = _ok(await client.uid_search(f"UID {after + 1}:*", charset=None), "SEARCH")
        uids = sorted({int(word) for line in found for word in line.split() if word.isdigit()})
        uids = [uid for uid in uids if uid > after]  # `n:*` always names the last mail, even below n
        mails: list[Mail] = []
        skipped: list[int] = []
        for uid in uids[: request.limit]:
            body = await _fetch(client, uid, request.largest_mail_bytes)
            if body is None:
                skipped.append(uid)
            else:
                mails.append(Mail(uid, body))
        await client.logout()
        return Mailbox(validity, tuple(mails), len(uids) > request.limit, tuple(skipped))
    except (aioimaplib.Abort, aioimaplib.Error, aioimaplib.CommandTimeout, OSError) as error:
        raise Unavailable(f"the mailbox cannot be read: {type(error).__name__}") from error
    finally:
        if client.protocol is not None and client.protocol.transport is not None:
            client.protocol.transport.close()


def _ok(response: Any, what: str) -> list[bytes]:
    if response.result != "OK":
        raise Unavailable(f"the mail server refused {what}")
    return [bytes(line) for line in response.lines]


def _uid_validity(lines: list[bytes]) -> str:
    for line in lines:
        if found := re.search(rb"UIDVALIDITY (\d+)", line):
            return found.group(1).decode()
    raise Unavailable("the mail server names no UIDVALIDITY")


async def _fetch(client: Any, uid: int, largest_bytes: int) -> bytes | None:
    """One mail; of one that is too large only its headers, so that a person hears of it. None when it is gone."""
    lines = _ok(await client.uid("fetch", str(uid), "(RFC822.SIZE)"), "FETCH")
    size = next((int(found.group(1)) for line in lines if (found := re.search(rb"RFC822\.SIZE (\d+)", line))), None)
    if size is None:
        return None
    part = "" if size <= largest_bytes else "HEADER"
    lines = _ok(await client.uid("fetch", str(uid), f"(BODY.PEEK[{part}])"), "FETCH")
    for before, literal in itertools.pairwise(lines):
        if re.search(rb"BODY\[[A-Z]*\] \{\d+\}$", before):
            return literal if len(literal) <= largest_bytes else None
    return None
