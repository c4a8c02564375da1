"""E-mail: purchase orders by SMTP, answers by IMAP.

Good to know:
- SMTP has no idempotency: a connection lost after the final dot leaves the outcome unknown for good (class C). A repeat
  of the same order has the same Message-ID and is marked as a copy.
- The order is found by the tag in the recipient (`po+NW-7.k7q2@…`), then by In-Reply-To and References, then by the
  number in the document. The quoted text of a reply repeats our own numbers and is never read.
- Authentication-Results counts only where its first word is our own receiving server (`receiving_server`), which must
  take away foreign headers of that name (RFC 8601, 5).
- Free text and PDFs are never read as an answer: a person is told.
- Automatic mail (Auto-Submitted, lists, empty Return-Path) is no confirmation, and is never answered.
- A question to approve carries a link of its reader alone. What is written back decides nothing and is not read: a
  sender's address proves nobody, and mail scanners open links, so the link's page asks once more.
- A letter that asks to change or cancel is no change and no cancellation: the supplier's answer is, or a person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.applied import Channel, SinkClass
from streamer.messages.base import Message, SupplierCode
from streamer.messages.commands import (
    AskApprovalCommand,
    CancelOrderCommand,
    ChangeOrderCommand,
    NotifyCommand,
    ReorderCommand,
)
from streamer.messages.purchasing import SupplierStatus
from streamer.platforms.base import (
    AccountSettings,
    Approver,
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
from streamer.platforms.documents.edi import partner_id
from streamer.platforms.documents.edifact_orders import edifact_orders
from streamer.platforms.documents.incoming_mail import IncomingMail
from streamer.platforms.documents.order_csv import order_csv
from streamer.platforms.documents.order_mail import Attachment, approval_text, compose, order_text
from streamer.platforms.documents.order_pdf import order_pdf
from streamer.platforms.documents.ubl_order import ubl_order
from streamer.platforms.documents.ubl_response import is_ubl_response, read_ubl_response
from streamer.platforms.documents.x12_850 import x12_850
from streamer.platforms.documents.x12_855 import is_x12_855, read_x12_855

REFERENCE = re.compile(r"(?<![\w-])[A-Z0-9]{1,8}-[1-9][0-9]{0,11}(?![\w-])")
MESSAGE_ID = re.compile(r"<([A-Z0-9]{1,8}-[1-9][0-9]{0,11})\.\d+@([^>]+)>")
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}")  # RFC 5321, ASCII
QUESTION_ID = re.compile(r"<ask\.[a-z2-7]{26}@([^>]+)>")
ASKED = "asked+"  # of addresses to which answers to our questions go
LONGEST_SOURCE_ID = 500
MAILS_AT_ONCE = 20
LARGEST_MAIL_BYTES = 7_500_000  # what the topic of raw events takes, with its headers


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(parseaddr(text)[1]) or not text.isprintable():
        raise ValueError("is no mail address; write name@example.com or Name <name@example.com>")
    return text


Address = Annotated[str, AfterValidator(_address)]
Domain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]
Partner = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,15}$")]


class EmailSettings(AccountSettings):
    """Servers are written smtp://host:587 (STARTTLS), smtps://host:465 and imaps://host:993.

    `smtp+plain` and `imap+plain`, without encryption, need `allow_private_addresses`.
    """

    smtp: Annotated[str, StringConstraints(pattern=r"^(smtp|smtps|smtp\+plain)://[^/@\s]+$")] = "smtp://localhost:587"
    imap: Annotated[str, StringConstraints(pattern=r"^(imaps|imap\+plain)://[^/@\s]+$")] | None = None
    username: str | None = None
    password: SecretStr | None = None
    imap_username: str | None = None
    imap_password: SecretStr | None = None
    from_: Address = Field(default="Purchasing <purchasing@example.com>", alias="from")
    company: str = "Purchasing"
    own_domain: Domain = "example.com"
    receiving_server: str | None = None  # the first word of its Authentication-Results; none: every reply is in doubt
    document: Literal["csv_pdf", "ubl", "x12", "edifact"] = "csv_pdf"
    edi_id: Partner | None = None  # who we are in X12 and EDIFACT; else made of `company`
    edi_partners: dict[SupplierCode, Partner] = {}  # who the suppliers are; else made of their names
    edi_test: bool = False  # marks X12 and EDIFACT as tests
    mailbox: str = "INBOX"
    notify_to: Address | None = None
    purchase_orders: Literal["demand", "supply"] = "supply"

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        plain = [name for name in ("smtp", "imap") if "+plain:" in (getattr(self, name) or "")]
        if plain and not self.allow_private_addresses:
            raise ValueError(f"{plain[0]} without encryption is for servers beside us (allow_private_addresses)")
        return self


class Email(Platform[EmailSettings]):
    title = "E-mail"
    docs = "https://www.rfc-editor.org/rfc/rfc5321"
    roles = frozenset({Role.ORDER_SINK, Role.REPLY_READER, Role.NOTIFIER, Role.APPROVER})
    asks_by: ClassVar[Channel | None] = "email"
    settings_type = EmailSettings
    unsigned_because = "mails are fetched by IMAP; who sent one is checked in the mail itself"
    sink_class: ClassVar[SinkClass | None] = "C"
    polls: ClassVar[Mapping[str, float]] = {"mailbox": 20.0}
    limits = "the provider's; mails under 10 MB"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def normalise(self, raw: Raw) -> Iterable[Message]:
        kind = raw.header("content-type").partition(";")[0].strip().lower()
        if kind != "message/rfc822":  # a file from a VAN, by AS2 or SFTP; whoever put it there has checked the sender
            if is_x12_855(raw.body):
                return [self._told(read_x12_855(raw.body))]
            if is_ubl_response(raw.body) and raw.body.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
                return [self._told(read_ubl_response(raw.body, sender=self.account))]
        mail = IncomingMail(raw.body, receiving_server=self.settings.receiving_server)
        if mail.header("From") is None:
            raise Malformed("is missing; this is no mail", field="From")
        if (bounce := read_bounce(mail.message)) is not None:
            return [self._bounced(mail, bounce, raw)]
        if mail.automatic:
            raise Ignored("automatic mail is no confirmation")
        if self._answers_a_question(mail):
            raise Ignored("a reply approves nothing: the link in the question does")
        return self._replies(mail, raw)

    def _answers_a_question(self, mail: IncomingMail) -> bool:
        """Whether somebody wrote back to a question whether an order may go out."""
        if mail.tag(ASKED) is not None:
            return True
        threads = " ".join(mail.header(name) or "" for name in ("In-Reply-To", "References"))
        return any(domain == self.settings.own_domain for domain in QUESTION_ID.findall(threads))

    def _replies(self, mail: IncomingMail, raw: Raw) -> Iterable[SupplierStatus]:
        """What the documents in a mail say; a mail without any is for people."""
        sender = mail.senders[0] if mail.senders else ""
        answers = _answers(mail, sender)
        tag = mail.tag("po+")
        reference = self._reference(mail, tag, answers)
        if reference is None:
            raise Malformed("the mail names no order of ours: no tag, no Message-ID, no number", field="recipient")
        more: dict[str, Any] = {
            "sender": sender or None,
            "authentication": mail.authentication,
            "in_reply_to": mail.header("In-Reply-To"),
            "recipient": mail.recipient,
            "recipient_token": tag,
        }
        doubt = mail.doubt()
        source = _source_id(mail, raw)
        if not answers:
            yield SupplierStatus(
                account=self.account, platform=self.name, source_id=source, reference=reference, state="replied",
                occurred_at=mail.date, verified=doubt is None, unverified_reason=doubt, **more,
            )  # fmt: skip
        for number, answer in enumerate(answers):
            other = f"the document is about {answer.reference[:40]}" if answer.reference != reference else None
            doubts = "; ".join(filter(None, (doubt, other)))
            more |= {"reference": reference, "verified": not doubts, "unverified_reason": doubts or None}
            yield self._told(answer, source_id=f"{source}#{number + 1}" if number else source, **more)

    def _told(self, answer: Answer, **more: Any) -> SupplierStatus:
        known: dict[str, Any] = {"source_id": answer.document_id, "reference": answer.reference}
        return SupplierStatus(
            **known | more,
            account=self.account,
            platform=self.name,
            external_reference=answer.external_reference,
            state=answer.state,
            status=answer.status,
            occurred_at=answer.occurred_at,
            occurred_date=answer.occurred_date,
            currency=answer.currency,
            lines=answer.lines,
        )

    def _bounced(self, mail: IncomingMail, bounce: Bounce, raw: Raw) -> SupplierStatus:
        """A failed delivery is no answer of the supplier; a delayed one is no failure."""
        if bounce.action not in ("failed", "delayed"):
            raise Ignored("a delivery report of success")
        ours = MESSAGE_ID.match(bounce.original_message_id or "")
        original = ours.group(1) if ours is not None and ours.group(2) == self.settings.own_domain else None
        found = next(filter(None, (_number(mail.tag("bounces+")), _number(bounce.envelope_id), original)), None)
        if found is None:
            raise Malformed("the delivery report names no order of ours", field="Original-Envelope-Id")
        state: Literal["bounced", "delayed"] = "bounced" if bounce.action == "failed" else "delayed"
        return SupplierStatus(
            account=self.account,
            platform=self.name,
            source_id=_source_id(mail, raw),
            reference=found,
            state=state,
            status=f"mail_{state}",
            occurred_at=mail.date,
            permanent=bounce.permanent,
            smtp_status=bounce.status,
            recipient=bounce.recipient,
            original_message_id=bounce.original_message_id,
            envelope_id=bounce.envelope_id,
        )

    def _reference(self, mail: IncomingMail, tag: str | None, answers: list[Answer]) -> str | None:
        if number := _number(tag):
            return number
        for name in ("In-Reply-To", "References"):
            for reference, domain in MESSAGE_ID.findall(mail.header(name) or ""):
                if domain == self.settings.own_domain:
                    return str(reference)
        for answer in answers:
            if REFERENCE.fullmatch(answer.reference):
                return answer.reference
        found = REFERENCE.search(mail.subject)
        return found.group() if found else None

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
                limit=MAILS_AT_ONCE,
                largest_mail_bytes=LARGEST_MAIL_BYTES,
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
        if not command.address:
            raise Refused(f"suppliers.{command.supplier}.address is missing")
        if not ADDRESS.fullmatch(command.address):
            raise Refused(f"suppliers.{command.supplier}.address is no mail address, or not one in ASCII letters")
        now = (yield from moment()).now
        subject = f"Purchase order {command.reference}" + (" (copy)" if command.copy_of is not None else "")
        number = f"{command.reference}.{command.version}"
        return (
            yield from self._letter(command, number, subject, order_text(command), self._attachments(command, now), now)
        )

    def change_order(self, command: ChangeOrderCommand) -> Call[Placed]:
        """Asks the supplier to take the new order for the old one; his answer says whether he does."""
        order = command.order
        if not order.address or not ADDRESS.fullmatch(order.address):
            raise Refused(f"suppliers.{command.supplier}.address is no mail address, or not one in ASCII letters")
        now = (yield from moment()).now
        text = (
            f"CHANGE of purchase order {command.reference}, in place of what we sent before: please confirm it.\n"
            f"{command.reason}\n\n{order_text(order)}"
        )
        number = f"{command.reference}.{order.version}"
        subject = f"Change of purchase order {command.reference}"
        return (yield from self._letter(order, number, subject, text, self._attachments(order, now), now))

    def cancel_order(self, command: CancelOrderCommand) -> Call[Placed]:
        """Asks the supplier to cancel; his answer says whether he does."""
        if not command.address or not ADDRESS.fullmatch(command.address):
            raise Refused(f"suppliers.{command.supplier}.address is no mail address, or not one in ASCII letters")
        now = (yield from moment()).now
        settings = self.settings
        message_id = f"<cancel.{command.command_id.lower()}@{settings.own_domain}>"
        token = f".{command.reply_token}" if command.reply_token else ""
        message = compose(
            sender=settings.from_,
            recipient=command.address,
            contact=None,
            reply_to=f"po+{command.reference}{token}@{settings.own_domain}",
            subject=f"Cancellation of purchase order {command.reference}",
            message_id=message_id,
            at=now,
            text=(
                f"Please cancel our purchase order {command.reference} and confirm that you have done so.\n"
                f"{command.reason}\n"
            ),
        )
        return (yield from self._post(message, command.address, f"{command.reference}.0", message_id))

    def _letter(
        self,
        order: ReorderCommand,
        number: str,
        subject: str,
        text: str,
        attachments: tuple[Attachment, ...],
        now: datetime,
    ) -> Call[Placed]:
        """A mail to the supplier about his order, whose answers come back with its tag."""
        settings = self.settings
        token = f".{order.reply_token}" if order.reply_token else ""
        message_id = f"<{number}@{settings.own_domain}>"
        message = compose(
            sender=settings.from_,
            recipient=order.address or "",
            contact=order.contact,
            reply_to=f"po+{order.reference}{token}@{settings.own_domain}",
            subject=subject,
            message_id=message_id,
            at=now,
            text=text,
            attachments=attachments,
        )
        return (yield from self._post(message, order.address or "", number, message_id))

    def _post(self, message: bytes, address: str, number: str, message_id: str) -> Call[Placed]:
        """Gives a letter to a supplier to the server; a failure to deliver it comes back to `number`."""
        settings = self.settings
        reply = yield from send(
            MailRequest(
                settings.smtp,
                f"bounces+{number}@{settings.own_domain}",
                address,
                message,
                ("RET=HDRS", f"ENVID={number}"),
                ("NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;{address}"),
                settings.username,
                settings.password.get_secret_value() if settings.password is not None else None,
            )
        )
        said = reply.body.decode("utf-8", "replace")[:200]
        return Placed(None, {"message_id": message_id, "server": f"{reply.status} {said}"})

    def _attachments(self, command: ReorderCommand, now: datetime) -> tuple[Attachment, ...]:
        """The order in the form of the setting `document`. Raises Refused for what that form cannot hold."""
        name, settings = command.reference, self.settings
        ours = settings.edi_id or partner_id(settings.company)
        theirs = settings.edi_partners.get(command.supplier) or partner_id(command.supplier_name)
        match settings.document:
            case "ubl":
                return (Attachment(f"{name}.xml", "application/xml", ubl_order(command, company=settings.company)),)
            case "x12":
                content = x12_850(command, sender=ours, receiver=theirs, at=now, test=settings.edi_test)
                return (Attachment(f"{name}.x12", "application/edi-x12", content),)
            case "edifact":
                content = edifact_orders(command, sender=ours, receiver=theirs, at=now, test=settings.edi_test)
                return (Attachment(f"{name}.edi", "application/edifact", content),)
        return (
            Attachment(f"{name}.csv", "text/csv", order_csv(command)),
            Attachment(f"{name}.pdf", "application/pdf", order_pdf(command, company=settings.company)),
        )

    def ask_approval(self, command: AskApprovalCommand, to: Approver) -> Call[Placed]:
        """The document as it will be sent, and the link by which this person decides."""
        settings = self.settings
        if not ADDRESS.fullmatch(to.address):
            raise Refused(f"people.{command.person}.email is no mail address, or not one in ASCII letters")
        now = (yield from moment()).now
        message_id = f"<ask.{command.command_id.lower()}@{settings.own_domain}>"
        message = compose(
            sender=settings.from_,
            recipient=to.address,
            contact=to.name,
            reply_to=f"{ASKED}{command.reference}@{settings.own_domain}",
            subject=("Urgent: " if command.urgent else "") + f"May {command.reference} go out? {command.worth}",
            message_id=message_id,
            at=now,
            text=approval_text(command, to.link),
            attachments=self._attachments(command.order, now),
            automatic=True,
        )
        password = settings.password.get_secret_value() if settings.password is not None else None
        sender = parseaddr(settings.from_)[1]
        yield from send(MailRequest(settings.smtp, sender, to.address, message, (), (), settings.username, password))
        return Placed(None, {"message_id": message_id})

    def notify(self, command: NotifyCommand) -> Call[Placed]:
        """A second notice of the same id is a nuisance, no harm; mailboxes that thread by Message-ID show it once."""
        settings = self.settings
        if settings.notify_to is None:
            raise Refused(f"accounts.{self.account}.notify_to is not set; nobody can be told")
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
            MailRequest(
                settings.smtp, sender, parseaddr(settings.notify_to)[1], message, (), (), settings.username, password
            )
        )
        return Placed(None, {"message_id": message_id})


def _answers(mail: IncomingMail, sender: str) -> list[Answer]:
    """Attachments that are an answer in a form that machines may believe. Raises Malformed for one that is broken."""
    found: list[Answer] = []
    for content in mail.documents():
        if is_ubl_response(content):
            found.append(read_ubl_response(content, sender=sender))
        elif is_x12_855(content):
            found.append(read_x12_855(content))
    return found


def _number(tag: str | None) -> str | None:
    """The order number at the beginning of a tag or envelope id such as `NW-7.k7q2`."""
    text = (tag or "").partition(".")[0].upper()
    return text if REFERENCE.fullmatch(text) else None


def _source_id(mail: IncomingMail, raw: Raw) -> str:
    """The Message-ID; for a mail without a usable one a hash of the mail."""
    given = mail.header("Message-ID") or ""
    return given if 0 < len(given) <= LONGEST_SOURCE_ID else f"mail:{hashlib.sha256(raw.body).hexdigest()[:32]}"
