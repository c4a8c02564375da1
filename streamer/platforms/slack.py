"""Slack: a person is asked by a message with buttons, and a click or a reaction is the answer; people are told.

Good to know:
- `ts` of a message is its id, a text with a point in it; as a number it loses digits.
- A click carries the order and its version in the button. A reaction names only the message, whose metadata is read
  back: it says which order and version were shown.
- Who pressed is the only proof of who decides: anybody in the channel may, so the map of people says who counts.
- Posting answers 200 also where it refuses; `fatal_error` and `internal_error` leave open whether it was done.
- An incoming webhook takes notices only: its messages have no id, so nobody can answer them. Its address is a secret.
- Retries are told by nothing but the same `event_id`, which makes the same act.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, SecretStr

from streamer.errors import BadSignature, Ignored, Malformed, Refused, Unavailable, Unclear
from streamer.messages.base import Message, plain
from streamer.messages.commands import AskApprovalCommand, FetchCommand, NotifyCommand
from streamer.messages.ids import supplier_of
from streamer.messages.purchasing import Approval
from streamer.platforms.base import (
    AccountSettings,
    Approver,
    Call,
    Hmac,
    Key,
    Placed,
    Platform,
    Raw,
    RawPage,
    Reply,
    Response,
    Role,
    get,
    post,
    send,
)
from streamer.platforms.settings import spellings

Answer = Literal["approve", "reject", "waitlist"]
MESSAGE = "message"
VERSION = "#"  # between reference and version in a button, from the second version on
POSTED_AS = "application/json; charset=utf-8"
AGAIN = frozenset({"ratelimited", "rate_limited", "service_unavailable", "request_timeout"})
UNKNOWN = frozenset({"fatal_error", "internal_error"})
REACTIONS: Mapping[str, Answer] = {
    "white_check_mark": "approve",
    "heavy_check_mark": "approve",
    "+1": "approve",
    "thumbsup": "approve",
    "x": "reject",
    "no_entry": "reject",
    "-1": "reject",
    "hourglass": "waitlist",
    "eyes": "waitlist",
}
TEXTS = {
    "text": "May {reference} go out? {lines} from {supplier}, {worth}",
    "section": "*May {reference} go out?*\n{lines}\nSupplier: {supplier}\nTotal: {worth}\nWhy you are asked: {because}",
}


class Button(BaseModel):
    """One answer: the word after the last underscore of `action_id` is the decision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action_id: str
    text: str
    style: Literal["primary", "danger"] | None = None


class SlackSettings(AccountSettings):
    """`webhook_secret` is the app's Signing Secret."""

    bot_token: SecretStr | None = None
    channel: str | None = None  # where people are asked and told; without it each is asked in a message of their own
    webhook_url: SecretStr | None = None  # notices go there instead
    app_id: str | None = None  # a reaction counts only on a message of this app
    reactions: dict[str, Answer] = dict(REACTIONS)
    buttons: tuple[Button, ...] = (
        Button(action_id="order_approve", text="Approve", style="primary"),
        Button(action_id="order_reject", text="Reject", style="danger"),
    )
    texts: dict[Literal["text", "section"], str] = {}
    block_ids: dict[Literal["section", "actions"], str] = {"section": "order", "actions": "decide:{reference}"}
    metadata_event_type: str = "purchase_order_approval"

    def secrets(self) -> Iterator[str]:
        yield from super().secrets()
        if self.webhook_url is not None:  # errors name host and path without the scheme
            yield from spellings(urlsplit(self.webhook_url.get_secret_value()).path)


def _signed(raw: Raw) -> bytes:
    return b"v0:" + raw.header("x-slack-request-timestamp").encode() + b":" + raw.body


def _sent_at(raw: Raw) -> datetime:
    try:
        return datetime.fromtimestamp(int(raw.header("x-slack-request-timestamp")), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadSignature("X-Slack-Request-Timestamp is no time") from error


class Slack(Platform[SlackSettings]):
    title = "Slack"
    docs = "https://docs.slack.dev/"
    hosts = ("slack.com", "hooks.slack.com")
    roles = frozenset({Role.APPROVER, Role.NOTIFIER})
    settings_type = SlackSettings
    signature = Hmac(header="X-Slack-Signature", prefix="v0=", signed=_signed, timestamp=_sent_at)
    reads_headers = ("x-slack-request-timestamp", "content-type")
    auth = Key("bot_token")
    asks_by = "slack"
    resources: ClassVar[Mapping[str, str]] = {MESSAGE: r"^GET .*/conversations\.history$"}
    fetches = frozenset({MESSAGE})
    unsupported: ClassVar[Mapping[Any, str]] = {
        "place_order": "it carries people's decisions only; the order goes out by its supplier's account",
    }
    limits = "about one message a second for each channel; 429 with Retry-After"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def challenge(self, raw: Raw) -> Response | None:
        if raw.body[:1] != b"{":
            return None
        try:
            told = raw.json()
        except Malformed:
            return None
        if told.get("type") != "url_verification" or not isinstance(told.get("challenge"), str):
            return None
        return Response(200, {"Content-Type": "text/plain"}, told["challenge"].encode())

    def realm(self, raw: Raw) -> str | None:
        told = _payload(raw)
        return str(told.get("team_id") or _part(told, "team").get("id") or "") or None

    def object_key(self, raw: Raw) -> str:
        try:
            told = _payload(raw)
        except Malformed:
            return super().object_key(raw)
        item = _part(_part(told, "event"), "item")
        return str(item.get("ts") or _part(told, "message").get("ts") or super().object_key(raw))

    def normalise(self, raw: Raw) -> Iterable[Message]:
        told = _payload(raw)
        match told.get("type"):
            case "block_actions":
                yield from self._clicks(told)
            case "event_callback":
                yield self._reaction(told)
            case "message" if raw.resource == MESSAGE:  # read back by us; nobody sends it
                yield self._answer_to(told)
            case "app_rate_limited":
                raise Malformed("Slack has dropped events: more than it delivers in an hour", field="type")
            case other:
                raise Ignored(f"a payload that is no answer: {str(other)[:60]}")

    def _clicks(self, told: Mapping[str, Any]) -> Iterator[Approval]:
        message, user = _part(told, "message"), str(_part(told, "user").get("id", ""))
        answered = False
        for action in told.get("actions") or ():
            word = str(action.get("action_id", "")).rpartition("_")[2]
            if word not in ("approve", "reject"):
                continue
            answered = True
            about = {
                "signal": "block_actions",
                "workspace": str(_part(told, "team").get("id", "")),
                "channel": str(_part(told, "channel").get("id", "")),
                "message_ts": str(message.get("ts", "")),
            }
            act = f"{action.get('action_ts')}:{action.get('action_id')}"
            yield self._approval(str(action.get("value", "")), word, user, act, str(action.get("action_ts")), about)
        if not answered:
            raise Ignored("a click on something that is no decision")

    def _reaction(self, told: Mapping[str, Any]) -> FetchCommand:
        """Which order it is about stands in the message's metadata, which must be read."""
        event = _part(told, "event")
        if event.get("type") != "reaction_added":
            raise Ignored(f"an event that is no answer: {str(event.get('type'))[:60]}")
        item = _part(event, "item")
        name = str(event.get("reaction", "")).partition("::")[0]
        decision = self.settings.reactions.get(name)
        if decision is None or decision == "waitlist":
            raise Ignored("a reaction that decides nothing; the order waits anyhow")
        channel, ts = str(item.get("channel", "")), str(item.get("ts", ""))
        if not channel or not ts:
            raise Malformed("is missing", field="event.item.channel" if ts else "event.item.ts")
        if self.settings.channel not in (None, channel):
            raise Ignored("a reaction in another channel than the account's")
        at = _time(str(event.get("event_ts", "")), "event.event_ts")
        return self.fetch_command(
            MESSAGE,
            [channel, ts],
            str(told.get("event_id", "")),
            {
                "signal": "reaction_added",
                "reaction": name,
                "decision": decision,
                "actor": event.get("user"),
                "workspace": told.get("team_id"),
                "at": at.isoformat(),
                "act": told.get("event_id"),
            },
        )

    def _answer_to(self, told: Mapping[str, Any]) -> Approval:
        """The message that a reaction was about, with the reaction, as `fetch` put them together."""
        message, reaction = _part(told, "message"), _part(told, "reaction")
        metadata = _part(message, "metadata")
        if metadata.get("event_type") != self.settings.metadata_event_type:
            raise Ignored("a reaction to a message that asks nothing")
        if self.settings.app_id not in (None, str(message.get("app_id", ""))):
            raise Ignored("a reaction to a message of another app")
        asked = _part(metadata, "event_payload")
        value = str(asked.get("proposal_id", "")) + (f"{VERSION}{asked['version']}" if asked.get("version") else "")
        about = {name: str(reaction.get(name, "")) for name in ("signal", "reaction", "workspace")}
        about |= {"channel": str(told.get("channel", "")), "message_ts": str(message.get("ts", ""))}
        word, actor, act, at = (str(reaction.get(name) or "") for name in ("decision", "actor", "act", "at"))
        return self._approval(value, word, actor, act, at, about)

    def _approval(self, value: str, word: str, actor: str, act: str, at: str, about: Mapping[str, str]) -> Approval:
        reference, _, version = value.partition(VERSION)
        supplier = supplier_of(reference)
        if supplier is None or not (version or "1").isdigit():
            raise Malformed("is no reference of ours with a version", field="actions.value")
        if not actor:
            raise Malformed("is missing", field="user.id")
        return Approval(
            supplier=supplier,
            reference=reference,
            version=int(version or 1),
            decision="approve" if word == "approve" else "reject",
            actor=actor,
            act_id=act,
            at=_time(at, "action_ts"),
            channel="slack",
            account=self.account,
            told=dict(about),
        )

    # --- what we ask and send -----------------------------------------------------------------------------------------

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        """The message that somebody reacted to, with the reaction beside it."""
        channel, ts = command.ids
        query = {"channel": channel, "latest": ts, "inclusive": "true", "limit": "1", "include_all_metadata": "true"}
        reply = yield from self.ask(get(self._url("conversations.history"), query))
        found = _checked(reply).get("messages") or []
        if not found or str(found[0].get("ts")) != ts:
            raise Refused(f"there is no message {ts} in {channel}, or it may not be seen")
        body = {"type": MESSAGE, "channel": channel, "message": found[0], "reaction": command.told or {}}
        return RawPage(orjson.dumps(body), MESSAGE, ts, {"content-type": "application/json"})

    def ask_approval(self, command: AskApprovalCommand, to: Approver) -> Call[Placed]:
        """A message with a button for each answer; in a message of their own it also has the link to the document."""
        settings = self.settings
        channel = settings.channel or to.address
        if not channel:
            raise Refused(f"people.{command.person}.slack is not set, and accounts.{self.account}.channel neither")
        facts = _facts(command)
        value = command.reference + (f"{VERSION}{command.version}" if command.version > 1 else "")
        texts: dict[str, str] = {**TEXTS, **dict(settings.texts.items())}
        section = _fill(texts["section"], facts, marked=True)
        if settings.channel is None:
            section += f"\n<{to.link}|The document as it will be sent>"
        asked: dict[str, object] = {"proposal_id": command.reference}
        if command.version > 1:
            asked["version"] = command.version
        body = {
            "channel": channel,
            "text": _fill(texts["text"], facts, marked=True),
            "blocks": [
                _section(section, _fill(settings.block_ids.get("section", "order"), facts)),
                {
                    "type": "actions",
                    "block_id": _fill(settings.block_ids.get("actions", "decide:{reference}"), facts),
                    "elements": [_button(button, value) for button in settings.buttons],
                },
            ],
            "metadata": {"event_type": settings.metadata_event_type, "event_payload": asked},
            "unfurl_links": False,
        }
        told = yield from self._post(body)
        return Placed(f"{told.get('channel')}/{told.get('ts')}", {"channel": str(told.get("channel", ""))})

    def notify(self, command: NotifyCommand) -> Call[Placed]:
        """By the incoming webhook where there is one, else as a message of the app."""
        settings = self.settings
        facts: dict[str, str] = {**command.notices[0]} if command.notices else {}
        fits = settings.texts and all(_fields(text) <= facts.keys() for text in settings.texts.values())
        text = (
            _fill(settings.texts["text"], facts, marked=True) if fits else _marked(f"{command.subject}: {command.text}")
        )
        wanted = settings.texts.get("section") if fits else None
        section = (
            _fill(wanted, facts, marked=True) if wanted else f"*{_marked(command.subject)}*\n{_marked(command.text)}"
        )
        body: dict[str, object] = {"text": text, "blocks": [_section(section[:3000])]}
        if settings.webhook_url is not None:
            yield from send(post(settings.webhook_url.get_secret_value(), body))
            return Placed()
        if settings.channel is None:
            raise Refused(f"accounts.{self.account}.channel or webhook_url must be set; nobody can be told")
        told = yield from self._post({"channel": settings.channel, **body})
        return Placed(f"{told.get('channel')}/{told.get('ts')}")

    def _post(self, body: Mapping[str, object]) -> Call[Mapping[str, Any]]:
        headers = {"Content-Type": POSTED_AS}
        return _checked((yield from self.ask(post(self._url("chat.postMessage"), body, headers))))

    def _url(self, method: str) -> str:
        return f"{self.base('https://slack.com')}/api/{method}"


def _checked(reply: Reply) -> Mapping[str, Any]:
    """The answer of the Web API. Raises Refused, Unavailable or Unclear for one that is not ok."""
    told = reply.json()
    if not isinstance(told, Mapping):
        raise reply.unreadable("is no object")
    if told.get("ok") is True:
        return told
    error = str(told.get("error", "no reason"))
    if error in AGAIN or (error in UNKNOWN and reply.safe):
        raise Unavailable(f"Slack answered {error}")
    if error in UNKNOWN:
        raise Unclear(f"Slack answered {error}; a part of it may have been done")
    raise Refused(f"Slack answered {error}")


def _payload(raw: Raw) -> Mapping[str, Any]:
    """JSON, or the JSON text in the form field `payload`. Raises Malformed."""
    if raw.body[:1] == b"{":
        told = raw.json()
    else:
        fields = parse_qs(raw.body.decode("utf-8", "replace"))
        if "payload" not in fields:
            raise Malformed("is missing", field="payload")
        told = Raw(fields["payload"][0].encode()).json()
    if not isinstance(told, Mapping):
        raise Malformed("is no object", field="payload")
    return told


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, Mapping) else {}


def _time(told: str, field: str) -> datetime:
    """`seconds.micros`, exactly, or an ISO time. Raises Malformed."""
    seconds, _, micros = told.partition(".")
    try:
        if seconds.isdigit():
            return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(micros.ljust(6, "0")[:6] or 0))
        found = datetime.fromisoformat(told)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed("is no time", field=field) from error
    if found.tzinfo is None:
        raise Malformed("is a time without its offset", field=field)
    return found


def _facts(command: AskApprovalCommand) -> dict[str, str]:
    """What the texts may name. Of several lines `quantity` and `sku` say the first and how many more there are."""
    lines = command.order.lines
    amount, _, currency = command.worth.partition(" ")
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    listed = ", ".join(f"{plain(line.quantity)} x {line.sku}" for line in lines[:20])
    first = lines[0] if lines else None
    return {
        "reference": command.reference,
        "proposal": command.reference,
        "version": str(command.version),
        "supplier": command.order.supplier_name,
        "lines": listed + (f" and {len(lines) - 20} more" if len(lines) > 20 else ""),
        "quantity": plain(first.quantity if first else Decimal(0)),
        "sku": (first.sku if first else "") + more,
        "worth": command.worth,
        "total": amount,
        "currency": currency.partition(" ")[0] or command.order.currency,
        "because": command.because,
        "changes": "; ".join(command.changes),
    }


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def _fill(template: str, facts: Mapping[str, str], *, marked: bool = False) -> str:
    """Names in braces replaced; what is unknown is left out. Nothing but plain names is looked up."""
    pieces = []
    for text, name, _, _ in Formatter().parse(template):
        pieces.append(text)
        if name is not None:
            found = facts.get(name, "")
            pieces.append(_marked(found) if marked else found)
    return "".join(pieces)


def _marked(text: str) -> str:
    """Slack's own characters as text (its escaping rules: these three and no others)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(text: str, block_id: str | None = None) -> dict[str, object]:
    named = {"block_id": block_id} if block_id else {}
    return {"type": "section", **named, "text": {"type": "mrkdwn", "text": text}}


def _button(button: Button, value: str) -> dict[str, object]:
    style = {"style": button.style} if button.style else {}
    label = {"type": "plain_text", "text": button.text[:75]}
    return {"type": "button", "action_id": button.action_id, "text": label, **style, "value": value}
