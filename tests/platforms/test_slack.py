"""What is odd about Slack: answers bound to a version, reactions to be read back, a no inside a 200, secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from pydantic import SecretStr

from streamer.errors import Ignored, Malformed, Refused, Unavailable, Unclear
from streamer.messages.commands import AskApprovalCommand, FetchCommand, NotifyCommand, ReorderCommand, ReorderLine
from streamer.messages.purchasing import Approval
from streamer.platforms.base import Approver, Platform, example
from streamer.platforms.judging import play
from streamer.platforms.masking import Mask
from streamer.platforms.wire import HttpRequest, Raw, Reply

KEYS: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "o", "cause": "c"}
ANNA = Approver("Anna", "U1", "https://console.example.com/approve/secret-of-anna")


def slack(**changes: Any) -> Platform[Any]:
    return example("slack", {"bot_token": "t", **changes})


def question(*lines: ReorderLine, version: int = 1, supplier: str = "North & <West>") -> AskApprovalCommand:
    order = ReorderCommand(
        **KEYS, supplier="NW", supplier_name=supplier, reference="NW-7", currency="EUR", order_date="2026-03-02",
        ship_to="main", lines=lines or (ReorderLine(line="1", sku="PAD", quantity=Decimal("4.0"), location="main"),),
    )  # fmt: skip
    return AskApprovalCommand(
        **KEYS, person="anna", channel="slack", supplier="NW", reference="NW-7", version=version, order=order,
        worth="47.96 EUR", because="above 20 EUR", expires_at=datetime(2026, 3, 3, tzinfo=UTC),
    )  # fmt: skip


def click(value: str, action: str = "order_approve") -> Raw:
    told: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "message": {"ts": "1.000002"},
        "channel": {"id": "C1"},
    }
    told |= {"actions": [{"action_id": action, "value": value, "action_ts": "1773137110.552310"}]}
    return Raw(urlencode({"payload": orjson.dumps(told).decode()}).encode())


def reaction(**changes: Any) -> Raw:
    event: dict[str, Any] = {
        "type": "reaction_added",
        "user": "U1",
        "reaction": "+1::skin-tone-4",
        "event_ts": "1773136803.000400",
    }
    event |= {"item": {"type": "message", "channel": "C1", "ts": "1.000002"}}
    return Raw(orjson.dumps({"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": event | changes}))


class Posts:
    """Answers every call and keeps what was asked."""

    def __init__(self, told: Any) -> None:
        self.asked: list[HttpRequest] = []
        self._told = told

    def __call__(self, request: Any) -> Any:
        self.asked.append(request)
        return Reply(200, {}, orjson.dumps(self._told), safe=request.safe)


def test_a_click_approves_the_version_that_its_button_showed() -> None:
    [first] = slack().read(click("NW-7"))
    [third] = slack().read(click("NW-7#3", "order_reject"))
    assert isinstance(first, Approval)
    assert isinstance(third, Approval)
    assert (first.reference, first.version, first.decision, first.actor) == ("NW-7", 1, "approve", "U1")
    assert (third.version, third.decision) == (3, "reject")
    assert first.at == datetime(2026, 3, 10, 10, 5, 10, 552310, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "hello", "NW-7#x", "#2"])
def test_a_button_with_anything_else_in_it_approves_nothing(value: str) -> None:
    with pytest.raises(Malformed):
        slack().read(click(value))


def test_other_buttons_and_withdrawn_reactions_mean_nothing() -> None:
    for raw in (click("NW-7", "open_menu"), reaction(type="reaction_removed"), reaction(reaction="tada")):
        with pytest.raises(Ignored):
            slack().read(raw)
    with pytest.raises(Ignored, match="waits"):
        slack().read(reaction(reaction="eyes"))
    with pytest.raises(Ignored, match="channel"):
        slack(channel="C9").read(reaction())


def test_events_that_slack_dropped_are_told_to_people() -> None:
    with pytest.raises(Malformed, match="dropped"):
        slack().read(Raw(orjson.dumps({"type": "app_rate_limited", "minute_rate_limited": 1})))


def answered(message: dict[str, Any], account: Platform[Any]) -> list[Any]:
    [asked] = account.read(reaction())
    assert isinstance(asked, FetchCommand)
    page = play(account.fetch(asked), Posts({"ok": True, "messages": [message]}))
    return account.read(Raw(page.body, resource=page.resource))


def test_a_reaction_is_about_the_order_and_version_of_its_message() -> None:
    payload = {"proposal_id": "NW-7", "version": 2}
    message = {"ts": "1.000002", "metadata": {"event_type": "purchase_order_approval", "event_payload": payload}}
    [approval] = answered(message, slack())
    assert isinstance(approval, Approval)
    assert (approval.reference, approval.version, approval.decision, approval.actor) == ("NW-7", 2, "approve", "U1")
    assert approval.act_id == "Ev1"


def test_a_reaction_to_another_message_decides_nothing() -> None:
    plain = {"ts": "1.000002", "text": "lunch?"}
    with pytest.raises(Ignored, match="asks nothing"):
        answered(plain, slack())
    foreign = plain | {"app_id": "A9", "metadata": {"event_type": "purchase_order_approval"}}
    with pytest.raises(Ignored, match="another app"):
        answered(foreign, slack(app_id="A1"))
    with pytest.raises(Refused, match="no message"):
        answered(plain | {"ts": "1.000001"}, slack())


def test_nobody_can_send_a_message_as_if_it_had_been_read_back() -> None:
    forged = {"type": "message", "message": {"metadata": {}}, "reaction": {"decision": "approve", "actor": "U1"}}
    with pytest.raises(Ignored):
        slack().read(Raw(orjson.dumps(forged)))


def test_the_link_of_a_person_is_in_a_message_of_their_own_and_never_in_a_channel() -> None:
    private, public = (Posts({"ok": True, "channel": "C", "ts": "1.2"}) for _ in range(2))
    play(slack().ask_approval(question(), ANNA), private)
    play(slack(channel="C1").ask_approval(question(), ANNA), public)
    assert private.asked[0].json["channel"] == "U1"
    assert ANNA.link in orjson.dumps(private.asked[0].json).decode()
    assert ANNA.link not in orjson.dumps(public.asked[0].json).decode()


def test_a_question_carries_its_version_and_escapes_what_others_wrote() -> None:
    posts = Posts({"ok": True, "channel": "C1", "ts": "1.2"})
    lines = [ReorderLine(line=str(n), sku=f"S{n}", quantity=Decimal(n), location="main") for n in range(1, 31)]
    placed = play(slack(channel="C1").ask_approval(question(*lines, version=2), ANNA), posts)
    body = posts.asked[0].json
    assert placed.external_reference == "C1/1.2"
    assert {button["value"] for button in body["blocks"][1]["elements"]} == {"NW-7#2"}
    assert body["metadata"]["event_payload"] == {"proposal_id": "NW-7", "version": 2}
    assert "North &amp; &lt;West&gt;" in body["text"]
    assert "and 10 more" in body["text"]


@pytest.mark.parametrize(
    ("error", "raised"),
    [("not_in_channel", Refused), ("ratelimited", Unavailable), ("fatal_error", Unclear), ("internal_error", Unclear)],
)
def test_a_no_inside_a_success_is_understood(error: str, raised: type[Exception]) -> None:
    with pytest.raises(raised, match=error):
        play(slack(channel="C1").ask_approval(question(), ANNA), Posts({"ok": False, "error": error}))


def test_a_notice_goes_to_the_webhook_and_its_address_is_masked() -> None:
    address = "https://hooks.slack.com/services/T1/B1/verysecret"
    account = slack(webhook_url=SecretStr(address))
    posts = Posts("ok")
    notice = NotifyCommand(**KEYS, subject="Late", text="NW-7 is late", severity="warning")
    play(account.notify(notice), posts)
    assert posts.asked[0].url == address
    assert posts.asked[0].json["text"] == "Late: NW-7 is late"
    masked = Mask(account.settings.secrets())(f"POST {address.removeprefix('https://')} answered 500")
    assert "verysecret" not in masked
    with pytest.raises(Refused, match="channel or webhook_url"):
        play(slack().notify(notice), posts)
