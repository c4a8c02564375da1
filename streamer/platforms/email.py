"""E-mail: purchase orders by SMTP, answers by IMAP.

Good to know:
- SMTP has no idempotency: a connection lost after the final dot leaves the outcome unknown for good (class C). A repeat
  of the same order has the same Message-ID and is marked as a copy.
- The order is found by the tag in the recipient (`po+NW-7.k7q2@…`), then by In-Reply-To and References, then by the
  number in the document. The quoted text of a reply repeats our own numbers and is never read.
- Authentication-Results counts only where its first word is our own receiving server (`receiving_server`).
- Free text and PDFs are never read as an answer: a person is told.
- Automatic mail (Auto-Submitted, lists, empty Return-Path) is no confirmation, and is never answered.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr

from streamer.errors import Ignored, Malformed
from streamer.messages.applied import SinkClass
from streamer.messages.base import Message
from streamer.messages.commands import NotifyCommand, ReorderCommand
from streamer.messages.purchasing import SupplierStatus
from streamer.platforms.base import (
    AccountSettings,
    Call,
    MailboxRequest,
    MailRequest,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    Role,
    look_into,
    moment,
    send,
)
from streamer.platforms.documents.answer import Answer
from streamer.platforms.documents.bounce import Bounce, read_bounce
from streamer.platforms.documents.order_csv import order_csv
from streamer.platforms.documents.order_mail import Attachment, compose, order_text
from streamer.platforms.documents.order_pdf import order_pdf
from streamer.platforms.documents.ubl_order import ubl_order
from streamer.platforms.documents.ubl_response import is_ubl_response, read_ubl_response
from streamer.platforms.documents.x12_855 import is_x12_855, read_x12_855

REFERENCE = re.compile(r"[A-Z0-9]{1,8}-[1-9][0-9]{0,11}")
MESSAGE_ID = re.compile(r"<([A-Z0-9]{1,8}-[1-9][0-9]{0,11})\.\d+@([^>]+)>")
AUTOMATIC = ("x-auto-response-suppress", "x-autoreply", "x-autorespond", "list-id")
RESULTS = ("dkim", "spf", "dmarc")


class EmailSettings(AccountSettings):
    smtp: str = "smtp://localhost:587"
    imap: str | None = None  # imaps://host:993; none: replies come another way
    username: str | None = None
    password: SecretStr | None = None
    imap_username: str | None = None
    imap_password: SecretStr | None = None
    from_: str = Field(default="Purchasing <purchasing@example.com>", alias="from")
    company: str = "Purchasing"
    own_domain: str = "example.com"
    receiving_server: str | None = None
    document: Literal["csv_pdf", "ubl"] = "csv_pdf"
    mailbox: str = "INBOX"
    notify_to: str | None = None
    purchase_orders: Literal["demand", "supply"] = "supply"


class Email(Platform[EmailSettings]):
    title = "E-mail"
    docs = "https://www.rfc-editor.org/rfc/rfc5321"
    roles = frozenset({Role.ORDER_SINK, Role.REPLY_READER, Role.NOTIFIER})
    settings_type = EmailSettings
    unsigned_because = "mails are fetched by IMAP; who sent one is checked in the mail itself"
    sink_class: ClassVar[SinkClass | None] = "C"
    polls: ClassVar[Mapping[str, float]] = {"mailbox": 20.0}
    limits = "the provider's; mails under 10 MB"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def normalise(self, raw: Raw) -> Iterable[Message]:
        kind = raw.header("content-type").partition(";")[0].strip().lower()
        if kind in ("application/edi-x12", "application/x12") or is_x12_855(raw.body):
            return [self._status(read_x12_855(raw.body), sender=None, verified=True)]
        if kind in ("application/xml", "text/xml"):
            return [self._status(read_ubl_response(raw.body, sender=self.account), sender=None, verified=True)]
        mail: EmailMessage = email.message_from_bytes(raw.body, policy=email.policy.default)
        if not mail["From"]:
            raise Malformed("is missing; this is no mail", field="From")
        if (bounce := read_bounce(mail)) is not None:
            return [self._bounced(mail, bounce)]
        _refuse_automatic(mail)
        return [self._reply(mail)]

    def _reply(self, mail: EmailMessage) -> SupplierStatus:
        sender = parseaddr(str(mail["From"]))[1].lower()
        answer = _document(mail, sender)
        token = _tag(mail, "po+")
        reference = self._reference(mail, token, answer)
        if reference is None:
            raise Malformed("the mail names no order of ours: no tag, no Message-ID, no number", field="recipient")
        authentication = self._authentication(mail)
        doubts = []
        if not (authentication.get("dmarc") == "pass" or authentication.get("dkim") == "pass"):
            doubts.append("the sender is not authenticated")
        if answer is not None and answer.reference != reference:
            doubts.append(f"the document is about {answer.reference}, the mail about {reference}")
        more: dict[str, Any] = {
            "sender": sender,
            "reference": reference,
            "authentication": authentication,
            "in_reply_to": _one(mail, "In-Reply-To"),
            "recipient": _recipient(mail),
            "recipient_token": token,
            "unverified_reason": "; ".join(doubts) or None,
        }
        source = _one(mail, "Message-ID") or ""
        if answer is None:
            return SupplierStatus(
                account=self.account, platform=self.name, source_id=source, state="replied", occurred_at=_date(mail),
                verified=not doubts, **more,
            )  # fmt: skip
        status = self._status(answer, sender=sender, verified=not doubts)
        return status.model_copy(update={**more, "source_id": source})

    def _status(self, answer: Answer, *, sender: str | None, verified: bool) -> SupplierStatus:
        return SupplierStatus(
            account=self.account,
            platform=self.name,
            source_id=answer.document_id,
            reference=answer.reference,
            external_reference=answer.external_reference,
            state=answer.state,
            status=answer.status,
            occurred_at=answer.occurred_at,
            occurred_date=answer.occurred_date,
            lines=answer.lines,
            sender=sender,
            verified=verified,
        )

    def _bounced(self, mail: EmailMessage, bounce: Bounce) -> SupplierStatus:
        """A failed delivery is no answer of the supplier; a delayed one is no failure."""
        if bounce.action not in ("failed", "delayed"):
            raise Ignored("a delivery report of success")
        named = bounce.envelope_id or (bounce.original_message_id or "").strip("<>").partition("@")[0]
        found = REFERENCE.match(named or _tag(mail, "bounces+") or "")
        if found is None:
            raise Malformed("the delivery report names no order of ours", field="Original-Envelope-Id")
        return SupplierStatus(
            account=self.account,
            platform=self.name,
            source_id=_one(mail, "Message-ID") or f"bounce:{named}",
            reference=found.group(),
            state="bounced" if bounce.action == "failed" else "delayed",
            status=f"mail_{'bounced' if bounce.action == 'failed' else 'delayed'}",
            occurred_at=_date(mail),
            permanent=bounce.permanent,
            smtp_status=bounce.status,
            recipient=bounce.recipient,
            original_message_id=bounce.original_message_id,
            envelope_id=bounce.envelope_id,
        )

    def _reference(self, mail: EmailMessage, token: str | None, answer: Answer | None) -> str | None:
        if token and (found := REFERENCE.match(token)):
            return found.group()
        for name in ("In-Reply-To", "References"):
            for reference, domain in MESSAGE_ID.findall(str(mail[name] or "")):
                if domain == self.settings.own_domain:
                    return str(reference)
        if answer is not None and REFERENCE.fullmatch(answer.reference):
            return answer.reference
        found = REFERENCE.search(str(mail["Subject"] or ""))
        return found.group() if found else None

    def _authentication(self, mail: EmailMessage) -> dict[str, str]:
        """What our own receiving server found out about the sender; anybody else's word is not heard."""
        own = self.settings.receiving_server
        for header in mail.get_all("Authentication-Results") or []:
            server, _, results = str(header).partition(";")
            if own is not None and server.split()[:1] == [own]:
                return {
                    name: found.group(1)
                    for name in RESULTS
                    if (found := re.search(rf"\b{name}\s*=\s*([a-z]+)", results)) is not None
                }
        return {}

    # --- what we ask and send -----------------------------------------------------------------------------------------

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        settings = self.settings
        if settings.imap is None:
            return Page((), cursor)
        password = settings.imap_password or settings.password
        found = yield from look_into(
            MailboxRequest(
                settings.imap,
                settings.imap_username or settings.username or "",
                password.get_secret_value() if password is not None else "",
                settings.mailbox,
                cursor.get("uid_validity"),
                int(cursor.get("uid", "0")),
            )
        )
        read = [mail.uid for mail in found.mails] + list(found.skipped)
        last = max(read) if read else int(cursor.get("uid", "0"))
        if cursor.get("uid_validity") not in (None, found.uid_validity) and not read:
            last = 0
        records = [
            RawPage(mail.body, resource, f"{found.uid_validity}/{mail.uid}", {"content-type": "message/rfc822"})
            for mail in found.mails
        ]
        return Page(records, {"uid_validity": found.uid_validity, "uid": str(last)}, found.more)

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        settings = self.settings
        if not command.address:
            raise Malformed("the supplier has no mail address", field=f"suppliers.{command.supplier}.address")
        now = (yield from moment()).now
        number = f"{command.reference}.{command.version}"
        token = f".{command.reply_token}" if command.reply_token else ""
        message_id = f"<{number}@{settings.own_domain}>"
        message = compose(
            sender=settings.from_,
            recipient=command.address,
            contact=command.contact,
            reply_to=f"po+{command.reference}{token}@{settings.own_domain}",
            subject=f"Purchase order {command.reference}" + (" (copy)" if command.copy_of is not None else ""),
            message_id=message_id,
            at=now,
            text=order_text(command),
            attachments=self._attachments(command),
        )
        reply = yield from send(
            MailRequest(
                settings.smtp,
                f"bounces+{number}@{settings.own_domain}",
                command.address,
                message,
                ("RET=HDRS", f"ENVID={number}"),
                ("NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;{command.address}"),
                settings.username,
                settings.password.get_secret_value() if settings.password is not None else None,
            )
        )
        said = reply.body.decode("utf-8", "replace")[:200]
        return Placed(None, {"message_id": message_id, "server": f"{reply.status} {said}"})

    def _attachments(self, command: ReorderCommand) -> tuple[Attachment, ...]:
        name = command.reference
        if self.settings.document == "ubl":
            document = ubl_order(command, company=self.settings.company)
            return (Attachment(f"{name}.xml", "application/xml", document),)
        return (
            Attachment(f"{name}.csv", "text/csv", order_csv(command)),
            Attachment(f"{name}.pdf", "application/pdf", order_pdf(command, company=self.settings.company)),
        )

    def notify(self, command: NotifyCommand) -> Call[Placed]:
        """A second notice of the same id is a nuisance, no harm; mailboxes that thread by Message-ID show it once."""
        settings = self.settings
        if settings.notify_to is None:
            raise Malformed("is not set; nobody can be told", field=f"accounts.{self.account}.notify_to")
        now = (yield from moment()).now
        message_id = f"<{command.command_id.lower()}@{settings.own_domain}>"
        text = command.text + (f"\n\n{command.link}\n" if command.link else "\n")
        message = compose(
            sender=settings.from_,
            recipient=settings.notify_to,
            contact=None,
            reply_to=None,
            subject=command.subject,
            message_id=message_id,
            at=now,
            text=text,
            automatic=True,
        )
        password = settings.password.get_secret_value() if settings.password is not None else None
        sender = parseaddr(settings.from_)[1]
        yield from send(
            MailRequest(settings.smtp, sender, settings.notify_to, message, (), (), settings.username, password)
        )
        return Placed(None, {"message_id": message_id})


def _document(mail: EmailMessage, sender: str) -> Answer | None:
    """The first attachment that is an answer in a form that machines may believe."""
    for part in mail.iter_attachments():
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if is_ubl_response(content):
            return read_ubl_response(content, sender=sender)
        if is_x12_855(content):
            return read_x12_855(content)
    return None


def _refuse_automatic(mail: EmailMessage) -> None:
    """Raises Ignored for mail that no person and no order system meant as an answer."""
    submitted = str(mail["Auto-Submitted"] or "no").strip().lower()
    precedence = str(mail["Precedence"] or "").strip().lower()
    empty_path = str(mail["Return-Path"] or "-").strip() == "<>"
    if (
        submitted != "no"
        or precedence in ("bulk", "auto_reply", "junk")
        or empty_path
        or any(mail[name] for name in AUTOMATIC)
    ):
        raise Ignored("automatic mail is no confirmation")


def _tag(mail: EmailMessage, prefix: str) -> str | None:
    """What stands behind the plus in the address that the mail was delivered to."""
    for name in ("Delivered-To", "X-Original-To", "To"):
        address = parseaddr(str(mail[name] or ""))[1]
        if address.startswith(prefix):
            return address[len(prefix) :].partition("@")[0]
    return None


def _recipient(mail: EmailMessage) -> str | None:
    return parseaddr(str(mail["Delivered-To"] or mail["To"] or ""))[1] or None


def _one(mail: EmailMessage, name: str) -> str | None:
    return " ".join(str(mail[name]).split()) or None if mail[name] else None


def _date(mail: EmailMessage) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(mail["Date"]))
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None
