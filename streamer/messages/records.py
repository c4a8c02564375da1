"""Copying records between accounts: the routes that say what goes where, and what people ask for."""

from __future__ import annotations

import hashlib
import re
from typing import ClassVar, Literal

from streamer.messages.base import AccountId, Message, PersonalText, Place, Text, Utc, Value

RecordKind = Literal["customer", "order", "address", "lead", "deal"]
RouteMode = Literal["real_time", "batch", "manual"]
MatchBy = Literal[
    "email",
    "tax_id",
    "number",  # their own number for the customer, where the source knows it
]
"""What tells that two records are the same customer. Never the name: two people may share one."""
ItemMatch = Literal["sku", "supplier_sku", "item_id"]
"""By what the other system's product is found."""
Operation = Literal[
    "upsert",  # find, then create or update
    "create",  # create; that it is not there is known
    "ensure",  # find, else create; what is there stays as it is
    "find",  # find, never create
    "cancel",  # cancel or close what was copied
]


class FieldRule(Value):
    """Where the value of one field comes from."""

    source: Text | None = None  # dotted path in the source record
    constant: Text | None = None
    default: Text | None = None  # where the source has no value
    values: dict[str, Text] = {}  # theirs for ours; what is not in it passes as it is
    required: bool = False  # a record without a value is refused, alone


class RouteFacts(Value):
    """One way of records from an account to another."""

    name: Text
    source: AccountId
    target: AccountId
    kinds: tuple[RecordKind, ...]
    becomes: dict[RecordKind, RecordKind] = {}  # a lead may become a customer there, a deal an order
    mode: RouteMode = "real_time"
    batch_seconds: float = 600.0
    since: Utc  # older records are history, and stay where they are unless a person asks for them
    dry_run: bool = False
    match: tuple[MatchBy, ...] = ("email",)
    match_items: ItemMatch = "sku"
    reference_prefix: Text | None = None  # our reference there is this and the order's number
    guest: Text | None = None  # their id of the customer that stands for buyers whom nothing identifies
    fields: dict[RecordKind, tuple[Text, ...]] = {}  # which go over; none named: the usual ones
    rules: dict[RecordKind, dict[str, FieldRule]] = {}  # target field -> where its value comes from
    reconcile_seconds: float = 0.0  # between two looks for what no notice told of; 0: never
    overlap_seconds: float = 0.0  # how far a look goes back behind the one before


class Match(Value):
    """One value by which the other system may know the customer."""

    by: MatchBy
    value: PersonalText


class Asked(Value):
    """A person or a reconciliation asked for this record: the cut-off of the routes does not hold for it."""

    act_id: Text
    route: Text | None = None  # None: every route of the account
    dry_run: bool = False


class RecordAct(Message):
    """An operator wants a record copied now: one that waits for the button, failed, or was tried as a dry run."""

    ce_type: ClassVar[str] = "record-act"

    order_key: Text  # of the record: account/its id there
    route: Text
    act: Literal["copy_now"] = "copy_now"
    reason: Text | None = None
    actor: Text
    act_id: Text
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", self.order_key),)

    def message_id(self) -> str:
        return f"{self.route}:{self.order_key}:{self.act_id}"


class Backfill(Message):
    """Read records of an account again, by dates or by ids, so that what is missing is copied."""

    ce_type: ClassVar[str] = "backfill"

    account: AccountId
    kinds: tuple[RecordKind, ...]
    route: Text | None = None
    since: Utc | None = None
    until: Utc | None = None
    ids: tuple[Text, ...] = ()
    dry_run: bool = False
    actor: Text
    act_id: Text
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("commands", self.account),)

    def message_id(self) -> str:
        return f"{self.account}:{self.act_id}"


def identity(by: str, value: str) -> str:
    """A match key as rows and queues keep it: a hash, since the value is personal. 24 hexadecimal digits."""
    return hashlib.blake2b(f"{by}|{normal(by, value)}".encode(), digest_size=12).hexdigest()


def normal(by: str, value: str) -> str:
    """How two spellings of one match key become the same."""
    text = value.strip()
    if by == "email":
        return text.casefold()
    return re.sub(r"[\W_]", "", text).upper() if by == "tax_id" else text


_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 32 without letters that look like digits
_FORM = re.compile(rf"^R[{_DIGITS}]{{16}}$")


def record_reference(source: str) -> str:
    """Our reference of a copied record, made from where it came from: `R`, twelve characters and four to check them."""
    body = _spelled(source, 12)
    return f"R{body}{_spelled(body, 4)}"


def is_record_reference(text: str) -> bool:
    """Whether a text is a reference that `record_reference` made; one in 10^6 other texts of that form passes."""
    return _FORM.match(text) is not None and text[13:] == _spelled(text[1:13], 4)


def _spelled(text: str, length: int) -> str:
    return "".join(_DIGITS[byte & 31] for byte in hashlib.blake2b(text.encode(), digest_size=length).digest())
