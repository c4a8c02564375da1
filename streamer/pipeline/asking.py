"""Whom a question to approve goes to: names and addresses come from the settings, and never pass through Kafka."""

from __future__ import annotations

from collections.abc import Callable

from streamer.approval_links import link_key, path_of
from streamer.errors import Refused
from streamer.messages.commands import AskApprovalCommand
from streamer.platforms.base import Approver
from streamer.settings import Settings


def approver_of(settings: Settings, shared_token: str) -> Callable[[AskApprovalCommand], Approver]:
    """Finds the person of a question and makes the link. What it gives raises Refused for nobody."""
    key = link_key(shared_token)
    origin = settings.web.public_origin or f"http://{settings.web.host}:{settings.web.port}"

    def find(command: AskApprovalCommand) -> Approver:
        person = settings.people.get(command.person)
        if person is None:
            raise Refused(f"people.{command.person} is not in the settings")
        address = {"email": person.email, "slack": person.slack, "console": None}[command.channel]
        if address is None:
            raise Refused(f"people.{command.person}.{command.channel} is not set")
        return Approver(person.name, address, origin.rstrip("/") + path_of(key, command))

    return find
