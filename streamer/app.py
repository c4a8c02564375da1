"""Puts a worker together: settings, accounts, folds, callers and the engine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import structlog

from streamer.domain import catalogue, dispatch, orders, purchasing, recalls, stock
from streamer.domain.dispatch_rows import LedgerRow, PollRow
from streamer.engine.app import Engine
from streamer.engine.exits import die
from streamer.engine.rows import RowStore
from streamer.engine.sending import partition_of
from streamer.engine.shell import FoldShell, Permit, StreamShell
from streamer.errors import Misconfigured, NotSent
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.pipeline import folds as agents
from streamer.pipeline.asking import approver_of
from streamer.pipeline.callers import Callers, ended_with_owner, poll_ended_with_owner
from streamer.pipeline.connection_view import ConnectionView
from streamer.pipeline.keeper import LedgerKeeper, Sealer
from streamer.pipeline.message_fold import MessageFold, outputs_of
from streamer.pipeline.normalise import Normaliser
from streamer.pipeline.row_view import RowView
from streamer.platforms.base import Platform, build
from streamer.platforms.http import Runner
from streamer.settings import RULES, Settings, digest
from streamer.topics import FOLDS, changelog

log = structlog.get_logger()

MODULES: dict[str, ModuleType] = {
    "catalogue": catalogue,
    "orders": orders,
    "stock": stock,
    "recalls": recalls,
    "purchasing": purchasing,
    "dispatch": dispatch,
}
EXIT_SETTINGS = 76  # start again: other settings were applied meanwhile


def build_accounts(settings: Settings) -> dict[str, Platform[Any]]:
    """Every account with its adapter. Raises Misconfigured with the name of the setting."""
    return {name: build(name, table, os.environ) for name, table in settings.accounts.items()}


def by_platform(accounts: Mapping[str, Platform[Any]]) -> dict[str, dict[str, Platform[Any]]]:
    """The accounts of each platform."""
    found: dict[str, dict[str, Platform[Any]]] = {}
    for name, platform in accounts.items():
        found.setdefault(platform.name, {})[name] = platform
    return found


class WorkerApp:
    """One worker process: the engine with seven kinds of agents, and callers that carry out the ledger's commands."""

    def __init__(
        self,
        settings: Settings,
        accounts: Mapping[str, Platform[Any]],
        *,
        bootstrap_servers: str,
        topic_ids: Mapping[str, str],
        state_dir: Path,
        view_port: int,
        token: str,
        revision: int,
    ) -> None:
        self._settings = settings
        self._hash = digest(settings)
        self._revision = revision
        self.engine = Engine(
            settings.kafka.app_id,
            bootstrap_servers,
            state_dir=state_dir,
            tick_seconds=settings.worker.tick_seconds,
            session_seconds=settings.worker.session_timeout_seconds,
            view_port=view_port,
        )
        self._partitions = settings.kafka.partitions
        self._keeper = LedgerKeeper(Sealer(token), self._send, self._ledger_row)
        self.runner = Runner(self._keeper)
        self._callers = Callers(accounts, self.runner, self._send, approver_of(settings, token))
        self.engine.on_stopping = self._callers.finish
        self.folds = {name: self._fold(name, FOLDS[name], topic_ids) for name in MODULES}
        self.streams = {
            platform: self._stream(platform, own, topic_ids) for platform, own in by_platform(accounts).items()
        }
        agents.declare(self.engine, self.streams, self.folds)
        view = RowView(self.folds, settings.kafka.partitions, token)

        @self.engine.app.page("/rows/{fold}/{key:.*}", name="rows")
        async def rows(_web: Any, request: Any, fold: str, key: str) -> Any:
            return view.answer(fold, key, request.query.get("log_key"), request.headers.get("Authorization", ""))

        connections = ConnectionView(self.runner, token)

        @self.engine.app.page("/connections", name="connections")
        async def standings(_web: Any, request: Any) -> Any:
            return connections.answer(request.headers.get("Authorization", ""))

    async def _send(self, outputs: list[Any]) -> None:
        """What callers bring back. A failure ends the process: an outcome that is not written is an unknown one."""
        try:
            await self.engine.sender.send_plain(outputs)
        except Exception as error:  # noqa: BLE001 - see above
            die("an outcome could not be written", error)

    def _fold(self, name: str, topic: str, topic_ids: Mapping[str, str]) -> FoldShell[Any]:
        ledger = name == "dispatch"
        more: dict[str, Any] = {}
        if ledger:
            more = {
                "on_effects": self._start_effects,
                "on_assigned": self._left_behind,
                "on_revoked": self._revoked,
                "effect_seconds": self._settings.worker.deadline_seconds,
            }
        return FoldShell(
            self.engine,
            fold=MessageFold(MODULES[name], topic=topic, topic_id=topic_ids[topic], on_settings=self._on_settings),
            log=topic,
            log_topic_id=topic_ids[topic],
            changelog=changelog(self._settings.kafka.app_id, name),
            **more,
        )

    def _stream(self, platform: str, accounts: dict[str, Platform[Any]], topic_ids: Mapping[str, str]) -> StreamShell:
        topic = f"raw.{platform}"
        normaliser = Normaliser(platform, accounts, topic_id=topic_ids[topic])
        return StreamShell(
            self.engine,
            topic=topic,
            topic_id=topic_ids[topic],
            handle=normaliser,
            dead_letter=normaliser.dead_letter,
        )

    def _ledger_row(self, account: str, key: str) -> bytes | None:
        """A row of the account's partition. Raises NotSent while another worker has it."""
        found = self.folds["dispatch"].row(partition_of(account.encode(), self._partitions), key)
        if found.state in ("not here", "recovering"):
            raise NotSent(f"the ledger of {account} is not here")
        return found.value

    def _revoked(self, _partition: int) -> None:
        self._keeper.forget()

    def _start_effects(self, _partition: int, effects: list[object], permit: Permit) -> None:
        self._callers.start(effects, permit)

    def _left_behind(self, partition: int, rows: RowStore[Any]) -> None:
        """Calls that another worker, or this one before a crash, had begun: nobody knows what became of them."""
        outcomes: list[Message] = []
        for key in rows.keys():  # noqa: SIM118 - a store of rows, not a dictionary
            row = rows.read(key)
            if isinstance(row, LedgerRow) and row.state in ("sending", "looking_up"):
                account, _, command_id = key.partition("/")
                outcomes.append(ended_with_owner(account, command_id, row.attempt))
            elif isinstance(row, PollRow) and row.started_ms is not None:
                outcomes.append(poll_ended_with_owner(row))
        if outcomes:
            log.warning("calls were under way when their worker ended", partition=partition, calls=len(outcomes))
            asyncio.get_running_loop().create_task(self._send(outputs_of(outcomes)))

    def _on_settings(self, applied: SettingsApplied) -> None:
        if applied.rules > RULES:
            die(f"rules {applied.rules} are in force, this code knows {RULES}: start a newer release", code=78)
        if applied.revision > self._revision and applied.hash != self._hash:
            die(f"settings revision {applied.revision} was applied, this worker runs with others", code=EXIT_SETTINGS)


def require_applied(settings: Settings, told: SettingsApplied | None) -> None:
    """A worker whose settings are not those last applied must not run. Raises Misconfigured."""
    if told is None:
        raise Misconfigured("settings", "were never applied to this Kafka; run `streamer apply`")
    if told.rules > RULES:
        raise Misconfigured("rules", f"{told.rules} are in force, this code knows {RULES}: start a newer release")
    if told.hash != digest(settings):
        raise Misconfigured(
            "settings",
            f"are not those last applied (revision {told.revision}, hash {told.hash}); "
            "run `streamer apply`, or start with that file",
        )
