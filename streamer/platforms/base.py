"""The form of an adapter: a `Platform` subclass that is data and pure functions. The base runs the sequence around it.

An adapter's file is named like the platform and holds one subclass. It imports what it needs from here:

    class Example(Platform[ExampleSettings]):
        title = "Example"
        docs = "https://example.com/api"
        hosts = ("api.example.com",)
        roles = frozenset({Role.SOURCE})
        settings_type = ExampleSettings
        signature = Hmac(header="X-Example-Signature")

        def normalise(self, raw): ...
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

import streamer.platforms as package
from streamer.errors import BadSignature, Ignored, Malformed, Misconfigured, Refused, Unsupported
from streamer.messages.applied import AccountFacts, Channel, SinkClass
from streamer.messages.base import LocationId, Message
from streamer.messages.commands import (
    AskApprovalCommand,
    CancelOrderCommand,
    ChangeOrderCommand,
    Command,
    FetchCommand,
    NotifyCommand,
    RecallReplacementCommand,
    RecordCommand,
    ReorderCommand,
    StockCommand,
    WriteBackCommand,
)
from streamer.messages.ids import command_id
from streamer.messages.records import RecordKind
from streamer.platforms.auth import (
    Auth,
    BasicAuth,
    Key,
    OAuth1,
    OAuth2,
    OAuthSettings,
    Session,
    ask_as,
    optional,
    plain,
)
from streamer.platforms.settings import AccountSettings, example_settings, load_settings
from streamer.platforms.signatures import Basic, Either, Hmac, Signature, Token
from streamer.platforms.wire import (
    Call,
    HttpRequest,
    MailboxRequest,
    MailRequest,
    Page,
    PauseUnit,
    Placed,
    Raw,
    RawPage,
    RefusedReply,
    Reply,
    Request,
    Response,
    Span,
    Subscribed,
    get,
    keep,
    look_into,
    malformed,
    moment,
    parse,
    patch,
    post,
    put,
    read_json,
    recall,
    send,
)

# fmt: off
__all__ = [
    "AccountSettings", "Approver", "Basic", "BasicAuth", "Call", "Either", "Hmac", "HttpRequest", "Key", "MailRequest",
    "MailboxRequest", "OAuth1", "OAuth2", "OAuthSettings", "Page", "Placed", "Platform", "Rate", "Raw", "RawPage",
    "RefusedReply", "Reply", "Request", "Response", "Role", "Session", "Span", "Subscribed", "Token", "build",
    "content_hash", "example",
    "find", "get", "keep", "look_into", "moment", "parse", "patch", "plain", "platform_names", "post", "put",
    "read_json", "recall", "send", "utc_midnight", "version_of",
]
# fmt: on

SettingsT = TypeVar("SettingsT", bound=AccountSettings)
Act = Literal[
    "place_order",
    "find_order",
    "cancel_order",
    "change_order",
    "ask_approval",
    "write_back",
    "recall_replacement",
    "record",
    "notify",
    "set_stock",
    "fetch",
    "poll",
    "subscribe",
    "backfill",
    "normalise",
]
METHODS: dict[type[Command], Act] = {
    ReorderCommand: "place_order",
    CancelOrderCommand: "cancel_order",
    ChangeOrderCommand: "change_order",
    WriteBackCommand: "write_back",
    RecallReplacementCommand: "recall_replacement",
    RecordCommand: "record",
    NotifyCommand: "notify",
    StockCommand: "set_stock",
    FetchCommand: "fetch",
}
"""The method of a platform that carries out each kind of command."""


UNFORESEEN = "the body is of a form that nobody foresaw"
EXPIRES = "expires_at"  # of a subscription, beside its state
NEVER = "never"
SUBSCRIPTION_CHECK_SECONDS = 900.0


class Role(StrEnum):
    """What a platform can be for the flows."""

    SOURCE = "source"  # orders, appointments, customers or recalls come from it
    STOCK_SOURCE = "stock source"
    PARTS_SOURCE = "parts source"  # prices, availability, supersession, live
    ORDER_SINK = "order sink"
    RECORD_SINK = "record sink"
    STATUS_TARGET = "status target"
    NOTIFIER = "notifier"
    APPROVER = "approver"
    REPLY_READER = "reply reader"


class Rate(NamedTuple):
    """At most `calls` in any `seconds`."""

    calls: float
    seconds: float = 1.0


class Approver(NamedTuple):
    """Who is asked to approve: `address` is what the account knows people by (a mail address, a Slack user id)."""

    name: str
    address: str
    link: str  # a secret of this person


class Platform(Generic[SettingsT]):
    """One platform. An instance stands for one account; it holds its settings and nothing that changes."""

    name: ClassVar[str]  # the module's
    title: ClassVar[str]
    docs: ClassVar[str]
    hosts: ClassVar[tuple[str, ...]] = ()  # where calls may go; "*.example.com" for any name below
    roles: ClassVar[frozenset[Role]]
    settings_type: ClassVar[type[AccountSettings]] = AccountSettings
    reads_headers: ClassVar[tuple[str, ...]] = ()  # request headers that `normalise` and `realm` look at
    signature: ClassVar[Signature | None] = None
    unsigned_because: ClassVar[str | None] = None  # why events are believed without a proof, e.g. they are polled
    auth: ClassVar[Auth | None] = None  # how `ask` proves who we are
    sink_class: ClassVar[SinkClass | None] = None
    asks_by: ClassVar[Channel | None] = None  # approver: what it knows people by
    polls: ClassVar[Mapping[str, float]] = {}  # resource -> seconds between two looks
    subscriptions: ClassVar[Mapping[str, float]] = {}  # webhook subscription -> seconds before its end to renew it
    # resource -> regular expression for "METHOD path", for recorded answers
    resources: ClassVar[Mapping[str, str]] = {}
    fetches: ClassVar[frozenset[str]] = frozenset()  # resources that `fetch` knows
    backfills: ClassVar[Mapping[RecordKind, str]] = {}  # kind of record -> resource that `backfill` reads again
    record_kinds: ClassVar[frozenset[RecordKind]] = frozenset()  # what `record` takes
    record_class: ClassVar[SinkClass] = "B"  # A has an upsert by our key; B finds, then creates; C can do neither
    unsupported: ClassVar[Mapping[Act, str]] = {}  # what it cannot do: the reason and the way round
    counts: ClassVar[Literal["on_hand", "available"]] = "on_hand"
    rate: ClassVar[Rate | tuple[Rate, ...]] = Rate(4.0)  # all of several hold
    at_once: ClassVar[int] = 8  # calls under way at the same time
    pauses: ClassVar[Mapping[str, PauseUnit]] = {}  # headers beside Retry-After that say when to come back
    limits: ClassVar[str] = ""  # the platform's published limits, in words
    key_lifetime_seconds: ClassVar[float] = 86_400.0  # class A: how long an idempotency key is remembered
    visibility_seconds: ClassVar[float] = 5.0  # class B: until a look-up finds what was made

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.name = cls.__module__.rpartition(".")[2]

    @property
    def account(self) -> str:
        """The account's id."""
        return self.settings.name

    # --- what arrives -------------------------------------------------------------------------------------------------

    def verify(self, raw: Raw, at: datetime) -> None:
        """Raises BadSignature when the sender has not proved who it is."""
        if self.signature is None:
            raise BadSignature(
                f"{self.title} sends nothing here: {self.unsigned_because or 'it has no way to prove itself'}"
            )
        self.signature.check(raw, self.settings, at)

    def challenge(self, raw: Raw) -> Response | None:
        """The answer to a handshake, or None when `raw` is none. Called before `verify`; does nothing else."""
        return None

    def respond(self, raw: Raw) -> Response:
        """The acknowledgement of an event that is safely on the raw topic."""
        return Response()

    def realm(self, raw: Raw) -> str | None:
        """Which of several companies behind one address the event is about."""
        return None

    def realms_in(self, raw: Raw) -> frozenset[str]:
        """Every company that a delivery is about, where one body may speak of several."""
        realm = self.realm(raw)
        return frozenset() if realm is None else frozenset({realm})

    def is_ours(self, realm: str) -> bool:
        """Whether this account stands for the company; `normalise` leaves the others out of a body with several."""
        return not self.settings.realms or realm in self.settings.realms

    def object_key(self, raw: Raw) -> str:
        """The id of the event's object, so that records about it keep their order; a hash of the body where there is
        none.
        """
        return hashlib.sha256(raw.body).hexdigest()[:32]

    def read(self, raw: Raw) -> list[Message]:
        """`normalise`, with every way in which foreign data can be wrong turned into Malformed.

        Raises Malformed or Ignored.
        """
        try:
            if self.settings.realms and (realms := self.realms_in(raw)) and not any(map(self.is_ours, realms)):
                raise Ignored("the event is about a company of another account")
            return list(self.normalise(raw))
        except ValidationError as error:
            raise malformed(error) from error
        except (UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"the body cannot be read: {type(error).__name__}") from error
        except ArithmeticError as error:
            raise Malformed(f"a number cannot be reckoned with: {type(error).__name__}") from error
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise Malformed(f"{UNFORESEEN} ({type(error).__name__})") from error

    def normalise(self, raw: Raw) -> Iterable[Message]:
        """What the event means. Pure. Raises Malformed or Ignored."""
        raise self._cannot("normalise")

    def split(self, resource: str, body: bytes) -> Iterable[RawPage]:
        """An answer of a poll or fetch as records for the raw topic: one for each object where answers are long."""
        return (RawPage(body, resource),)

    @classmethod
    def resource_of(cls, method: str, path: str) -> str | None:
        """Which resource an answer to this request belongs to."""
        return next((name for name, pattern in cls.resources.items() if re.search(pattern, f"{method} {path}")), None)

    # --- what we ask and send -----------------------------------------------------------------------------------------

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        """What is new since `cursor` (empty at the first look)."""
        raise self._cannot("poll")

    def backfill(self, resource: str, span: Span, cursor: Mapping[str, str]) -> Call[Page]:
        """What changed within `span`, or has its ids, page by page; `cursor` is empty at the first, and the last page's
        afterwards. The same records as by webhook or poll, so that those we know already change nothing.
        """
        raise self._cannot("backfill")

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        """The object that an event named by its id only. An object that does not exist is an answer, too."""
        raise self._cannot("fetch")

    def place_order(self, command: ReorderCommand) -> Call[Placed]:
        """Place a purchase order. Class A sends `command_id` as the idempotency key."""
        raise self._cannot("place_order")

    def find_order(self, command: ReorderCommand) -> Call[Placed | None]:
        """Look a purchase order up by our reference."""
        raise self._cannot("find_order")

    def cancel_order(self, command: CancelOrderCommand) -> Call[Placed]:
        """Cancel a purchase order that was sent."""
        raise self._cannot("cancel_order")

    def change_order(self, command: ChangeOrderCommand) -> Call[Placed]:
        """Make a purchase order that was sent what `command.order` says. Safe to call twice."""
        raise self._cannot("change_order")

    def ask_approval(self, command: AskApprovalCommand, to: Approver) -> Call[Placed]:
        """Ask one person whether the order may go out. The same question twice does no harm.

        `to.link` leads to the console's page for this person, order and version, and proves who comes: only that person
        may see it, so it belongs in a private message and in no log. A platform with buttons of its own gives them
        reference and version to carry (never the link), and makes of the answer an `Approval` with `channel`, `actor`
        (the platform's own id of who pressed it), `account`, `act_id` and `at`; its signature is the proof.
        """
        raise self._cannot("ask_approval")

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """Tell the platform what became of its order. Safe to call twice."""
        raise self._cannot("write_back")

    def recall_replacement(self, command: RecallReplacementCommand) -> Call[Placed]:
        """Tell the platform that a vehicle's appointment needs a recalled part replaced. Safe to call twice."""
        raise self._cannot("recall_replacement")

    def record(self, command: RecordCommand) -> Call[Placed]:
        """Create or update a record as the command says; `external_reference` of the answer is their id of it.

        Found by `external_reference` where the ledger knows it, else by `match` or `reference`, and created only when
        it is not there: after an unknown outcome the same command comes again. `customer_reference` is their id of the
        order's customer, and is always there when the command names one. An `ensure` or `find` changes nothing that is
        there; a `find` of what is not there is Refused; a `cancel` of what is not there is done.
        """
        raise self._cannot("record")

    def notify(self, command: NotifyCommand) -> Call[Placed]:
        """Tell people."""
        raise self._cannot("notify")

    def set_stock(self, command: StockCommand) -> Call[Placed]:
        """Set or change levels that the platform keeps; `command_id` is the idempotency key where it takes one."""
        raise self._cannot("set_stock")

    def subscribe(self, resource: str, state: Mapping[str, str]) -> Call[Subscribed]:
        """Have events pushed to us, or renew what `state` (of the last answer, empty at first) says. Safe to repeat."""
        raise self._cannot("subscribe")

    def carry_out(self, command: Command) -> Call[Any]:
        """The call of a command; of a question to a person, `ask_approval` is told whom to ask."""
        call: Call[Any] = getattr(self, METHODS[type(command)])(command)
        return call

    def look(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        """A poll, or the renewal of a subscription when its end is near."""
        if resource not in self.subscriptions:
            return (yield from self.poll(resource, cursor))
        now = (yield from moment()).now
        state = {name: text for name, text in cursor.items() if name != EXPIRES}
        if cursor.get(EXPIRES) == NEVER:
            return Page((), cursor)
        if ends := cursor.get(EXPIRES):
            left = datetime.fromisoformat(ends) - now
            if left.total_seconds() > self.subscriptions[resource]:
                return Page((), cursor)
        made = yield from self.subscribe(resource, state)
        expires = NEVER if made.expires_at is None else made.expires_at.astimezone(UTC).isoformat()
        return Page((), {**made.state, EXPIRES: expires})

    def ask(self, request: HttpRequest) -> Call[Reply]:
        """One exchange, with `auth` in it; renewed once when the platform calls it stale."""
        if self.pauses:
            request = replace(request, pauses=self.pauses)
        return (yield from ask_as(self.auth, self.settings, request))

    def slow_down(self, reply: Reply) -> float | None:
        """Seconds for which no further call shall go out, by an answer of success that says how much is left."""
        return None

    @classmethod
    def rates(cls) -> tuple[Rate, ...]:
        """The platform's published limits for one account."""
        return (cls.rate,) if isinstance(cls.rate, Rate) else cls.rate

    def sign_in(self) -> Call[None]:
        """Only the log-in of `auth`, for `streamer show-call`."""
        if self.auth is not None:
            yield from self.auth.sign(self.settings, get(self.base("https://example.com")))

    @classmethod
    def can(cls, act: Act) -> bool:
        """Whether the adapter has a method of its own for this."""
        return getattr(cls, act) is not getattr(Platform, act)

    def _cannot(self, act: Act) -> Unsupported:
        words = act.replace("_", " ")
        return Unsupported(f"{self.title}: {self.unsupported.get(act, f'no {words} here')}")

    # --- what adapters share ------------------------------------------------------------------------------------------

    def base(self, usual: str) -> str:
        """Where the platform is reached: the account's `base_url`, else the usual address; no slash at the end."""
        return (self.settings.base_url or usual).rstrip("/")

    def place(self, theirs: object | None) -> LocationId | None:
        """Our location for a place of theirs; the default one for no place.

        Raises Malformed for a place nobody has mapped.
        """
        if theirs is None or theirs == "":
            return self.settings.default_location
        text = str(theirs)
        known = self.settings.locations
        if text in known:
            return known[text]
        if known:
            raise Malformed(f"the place {text!r} is not in accounts.{self.account}.locations", field="location")
        return text

    def their_place(self, ours: LocationId | None) -> str | None:
        """Their place for a location of ours; ours itself where nothing is mapped.

        Raises Refused for a location that no place of theirs stands for.
        """
        if ours is None:
            return None
        known = self.settings.locations
        if not known:
            return ours
        for theirs, location in known.items():
            if location == ours:
                return theirs
        raise Refused(f"no place of accounts.{self.account}.locations stands for {ours}")

    def level_place(self, theirs: object | None) -> LocationId:
        """Our location of a stock level. Raises Ignored for a place that is not ours, Malformed for none at all."""
        try:
            found = self.place(theirs)
        except Malformed as error:
            raise Ignored("a level at a place that the account does not map") from error
        if found is None:
            raise Malformed("a level without a place, and the account has no default_location", field="location")
        return found

    def fetch_command(
        self, resource: str, ids: Iterable[str], cause: str, told: Mapping[str, object] | None = None
    ) -> FetchCommand:
        """Ask for objects of which only ids are known; `cause` is what made us ask (an event's version or delivery
        id). `told` is what else the event said, no personal data, for people who look at what waits.
        """
        wanted = tuple(ids)
        return FetchCommand(
            command_id=command_id("fetch", self.account, resource, *wanted, cause),
            account=self.account,
            object=f"{resource}:{','.join(wanted)}"[:4000],
            cause=cause,
            resource=resource,
            ids=wanted,
            requested_for=cause,
            told={name: str(text) for name, text in told.items() if text not in (None, "")} if told else None,
        )

    def polls_in_force(self) -> dict[str, float]:
        """Resource -> seconds, after the account's wishes; raises Misconfigured for a resource that nobody knows."""
        known = {**self.polls, **dict.fromkeys(self.subscriptions, SUBSCRIPTION_CHECK_SECONDS)}
        for resource in self.settings.polls:
            if resource not in known:
                raise Misconfigured(f"accounts.{self.account}.polls.{resource}", f"{self.title} has {sorted(known)}")
        chosen = {**known, **self.settings.polls}
        return {resource: seconds for resource, seconds in chosen.items() if seconds > 0}

    def facts(self) -> AccountFacts:
        """What folds must know of this account."""
        settings = self.settings
        return AccountFacts(
            platform=self.name,
            purchase_orders=settings.purchase_orders,
            authority=settings.authority,
            counts=settings.counts or self.counts,
            default_location=settings.default_location,
            write_back=settings.write_back and self.can("write_back"),
            sink_class=self.sink_class,
            polls=self.polls_in_force(),
            request_timeout_seconds=settings.request_timeout_seconds,
            visibility_seconds=self.visibility_seconds,
            key_lifetime_seconds=self.key_lifetime_seconds,
            cancels_orders=self.can("cancel_order"),
            changes_orders=self.can("change_order"),
            asks_by=self.asks_by,
            record_class=self.record_class if self.can("record") else None,
            backfills=dict(self.backfills) if self.can("backfill") else {},
        )

    def allowed_hosts(self) -> tuple[str, ...]:
        """Hosts that calls of this account may reach."""
        settings = self.settings
        named = [optional(settings, field) for field in type(settings).model_fields if field.endswith("url")]
        own = [urlsplit(url).hostname for url in named if url]
        return (*self.hosts, *(host for host in own if host))


def version_of(time: datetime) -> str:
    """A time as a version: fixed width and UTC, so that texts sort as times do."""
    return f"{time.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"


def content_hash(*parts: object) -> str:
    """A version made of content, where the platform has none."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]


def utc_midnight(day: date) -> datetime:
    """A day that a platform gives without a time and without a zone, where an instant is wanted."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@cache
def find(name: str) -> type[Platform[Any]]:
    """The platform of this name; raises Misconfigured. Loads that one module only."""
    found = _in_module(name) if re.fullmatch(r"[a-z0-9_]+", name) else None
    if found is None:
        raise Misconfigured("platform", f"there is no platform {name!r}; `streamer platforms` lists them")
    return found


@cache
def platform_names() -> tuple[str, ...]:
    """All platforms, found by walking the package."""
    modules = (module.name for module in pkgutil.iter_modules(package.__path__) if not module.ispkg)
    return tuple(sorted(name for name in modules if _in_module(name) is not None))


def _in_module(name: str) -> type[Platform[Any]] | None:
    full = f"{package.__name__}.{name}"
    try:
        module = importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        return None
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Platform)
            and value.__module__ == full
            and value is not Platform
        ):
            return value
    return None


def build(name: str, table: Mapping[str, Any], environ: Mapping[str, str]) -> Platform[Any]:
    """The adapter of account `name` from its settings table; raises Misconfigured that names the setting."""
    if "platform" not in table:
        raise Misconfigured(f"accounts.{name}.platform", "is missing")
    kind = find(str(table["platform"]))
    platform = kind(load_settings(kind.settings_type, name, table, environ))
    platform.polls_in_force()
    return platform


def example(name: str, given: Mapping[str, Any] | None = None) -> Platform[Any]:
    """An account of this platform to try with; `given` are settings by their names, secrets too."""
    kind = find(name)
    return kind(example_settings(kind.settings_type, {"platform": name, **(given or {})}))
