"""One process of the engine: a Faust app with our transport, and what the shells share."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import faust
from faust.types import TP

from streamer.engine.clock import send_ticks
from streamer.engine.exits import EXIT_INFRASTRUCTURE, die
from streamer.engine.lease import Lease
from streamer.engine.memory import settle_memory
from streamer.engine.selfcheck import check_installation
from streamer.engine.sending import Sender
from streamer.engine.shell import FoldShell, StreamShell
from streamer.engine.transport import BatchSchema, Transport
from streamer.engine.watchdog import NO_GROUP_SECONDS, RECOVERY_STALLED_SECONDS, Watchdog, Watched

log = logging.getLogger("streamer.engine")

MAX_BATCH_BYTES = 1_048_576  # above the rows of a chunk (512 KiB) and above the largest dead letter's usual size
RUNNING_MARK = "running"
GARBAGE_THRESHOLDS = (20_000, 20, 20)
"""Of Python's collector: what a chunk holds until it is durable is no garbage, and looking at it cost a fifth."""
END_SECONDS = 45.0  # Faust's own stop has no time limit


class Engine:
    """Holds the app, the lease and the shells. `state_dir` is this worker's own folder (killer file, running mark)."""

    def __init__(
        self,
        app_id: str,
        bootstrap_servers: str,
        *,
        state_dir: Path,
        tick_seconds: float = 1.0,
        session_seconds: float = 10.0,
        view_port: int = 0,
        max_batch_bytes: int = MAX_BATCH_BYTES,
    ) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.state_dir = state_dir
        self.after_crash = (state_dir / RUNNING_MARK).exists()
        self.tick_seconds = tick_seconds
        self.lease = Lease(session_seconds)
        self.shells: list[FoldShell[Any]] = []
        self.streams: list[StreamShell] = []
        self.on_ready: Callable[[], None] = lambda: None
        self.on_stopping: Callable[[], Awaitable[None]] | None = None
        """Awaited at an orderly end, when nothing is folded any more and the producer still sends."""
        self._sender: Sender | None = None
        self._ready = False
        self._assigned: set[TP] | None = None
        self._end_timer: threading.Timer | None = None
        state_dir.mkdir(parents=True, exist_ok=True)
        self.app = self._new_app(app_id, session_seconds, view_port, max_batch_bytes)

    def _new_app(self, app_id: str, session_seconds: float, view_port: int, max_batch_bytes: int) -> faust.App:
        app = faust.App(
            app_id,
            broker=[f"kafka://{server}" for server in self.bootstrap_servers.split(",")],
            store="memory://",
            datadir=str(self.state_dir),
            processing_guarantee="at_least_once",
            stream_wait_empty=False,  # we drain ourselves, and revocation must not wait for a recovery
            stream_publish_on_commit=False,
            stream_buffer_maxsize=512,
            stream_recovery_delay=0.0,
            broker_commit_interval=1.0,
            broker_max_poll_records=2_000,
            broker_session_timeout=session_seconds,
            broker_heartbeat_interval=max(0.5, min(3.0, session_seconds / 3)),
            broker_rebalance_timeout=60.0,
            broker_request_timeout=30.0,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=4 * 1024 * 1024,
            producer_acks=-1,
            producer_request_timeout=30.0,
            producer_linger_ms=0,
            producer_max_batch_size=max_batch_bytes,
            producer_max_request_size=16 * 1024 * 1024,
            table_standby_replicas=0,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=view_port != 0,
            web_bind="127.0.0.1",
            web_host="127.0.0.1",
            web_port=view_port or 6066,
            web_tables_enabled=False,
            web_router_enabled=False,
            autodiscover=False,
        )
        app.transport = Transport(app.conf.broker_consumer, app, self.lease)
        app.producer_transport = Transport(app.conf.broker_producer, app, self.lease)
        heard: Any = app  # Faust's types of signals fit no method
        heard.on_partitions_assigned.connect(self._on_assigned, weak=False)
        heard.on_partitions_revoked.connect(self._on_revoked, weak=False)
        heard.on_before_shutdown.connect(self._on_shutdown, weak=False)
        app.task()(self._serve)
        return app

    def batches(self, topic: str) -> Any:
        """A channel of Faust whose events are batches of Kafka records."""
        transport: Any = self.app.transport
        transport.batched.add(topic)
        return self.app.topic(topic, schema=BatchSchema())

    def run(self) -> int:
        """Works until SIGTERM or SIGINT, then makes durable what was begun, commits and leaves the group.

        Logging is the caller's; nothing is written on standard output. Returns the exit code of the process.

        Raises:
            Misconfigured: this installation was never tried.
        """
        check_installation()
        worker = faust.Worker(
            self.app, loglevel="WARNING", override_logging=False, redirect_stdouts=False, quiet=True, debug=False
        )
        worker.spinner = None
        with contextlib.suppress(SystemExit):
            worker.execute_from_commandline()
        if self._end_timer is not None:
            self._end_timer.cancel()
        return EXIT_INFRASTRUCTURE if self.app.crashed else 0

    @property
    def sender(self) -> Sender:
        """Sends with the app's own producer, which is there once the app has started."""
        if self._sender is None:
            producer: Any = self.app.producer
            self._sender = Sender(producer._ensure_producer())
        return self._sender

    @property
    def ready(self) -> bool:
        """All assigned rows are recovered and the lease holds."""
        return self._assigned is not None and self.lease.holds() and not any(shell.recovering for shell in self.shells)

    def mark_running(self) -> None:
        """From now on, a next start that finds the mark knows that this process did not end in order."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        (self.state_dir / RUNNING_MARK).touch()

    def mark_ended(self) -> None:
        """This process ends in order."""
        with contextlib.suppress(FileNotFoundError):
            (self.state_dir / RUNNING_MARK).unlink()

    # ---- Faust's signals

    async def _on_assigned(self, _app: Any, assigned: set[TP], **_more: Any) -> None:
        try:
            self._assigned = set(assigned)
            for shell in self.shells:
                shell.assign(tp.partition for tp in assigned if tp.topic == shell.log)
            for stream in self.streams:
                stream.assign(tp.partition for tp in assigned if tp.topic == stream.topic)
        except Exception as error:  # noqa: BLE001 - Faust would log it and go on
            die("partitions could not be taken over", error)

    async def _on_revoked(self, _app: Any, _revoked: set[TP], **_more: Any) -> None:
        try:
            await self._give_back()
        except Exception as error:  # noqa: BLE001 - see above
            die("partitions could not be given back", error)

    async def _on_shutdown(self, _app: Any, **_more: Any) -> None:
        """The consumer has stopped reading; once we have drained, it commits and leaves the group."""
        self._end_timer = threading.Timer(END_SECONDS, die, [f"the end took longer than {END_SECONDS:.0f} s"])
        self._end_timer.daemon = True
        self._end_timer.start()
        try:
            await self._give_back()
            if self.on_stopping is not None:
                await self.on_stopping()
        except Exception as error:  # noqa: BLE001 - see above
            die("what was on its way at the end did not become durable", error)
        if not self.app.crashed:
            self.mark_ended()

    async def _give_back(self) -> None:
        self._assigned = None
        await asyncio.gather(*(shell.revoke() for shell in self.shells), *(stream.revoke() for stream in self.streams))

    # ---- what runs beside the agents

    async def _serve(self) -> None:
        watchdog = Watchdog(self._watched())
        watchdog.start()
        beating = asyncio.get_running_loop().create_task(self._beat(watchdog))  # not below: Kafka may be slow
        self.mark_running()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        logs = {shell.log for shell in self.shells}
        loop = asyncio.get_running_loop()
        next_tick = loop.time()
        try:
            while not self.app.should_stop:
                if self._assigned is not None:
                    if not self._ready and self.ready:
                        self._ready = True
                        settle_memory()
                        log.info("ready")
                        self.on_ready()
                    if loop.time() >= next_tick and self.lease.holds():
                        next_tick = max(next_tick + self.tick_seconds, loop.time())
                        await send_ticks(self.sender, [tp for tp in self._assigned if tp.topic in logs])
                await asyncio.sleep(min(0.2, max(0.01, next_tick - loop.time())))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - without ticks nothing would ever expire
            die("the clock failed", error)
        finally:
            beating.cancel()
            watchdog.stop()

    @staticmethod
    async def _beat(watchdog: Watchdog) -> None:
        while True:
            watchdog.beat()
            await asyncio.sleep(1.0)

    def _watched(self) -> list[Watched]:  # read by the watchdog's thread
        watched = [
            Watched(
                "membership of the consumer group",
                busy=lambda: not self.lease.holds(),
                progress=lambda: None,
                within_seconds=NO_GROUP_SECONDS,
            )
        ]
        for shell in self.shells:
            watched.append(
                Watched(f"fold {shell.fold.name}", busy=partial(_is_folding, shell), progress=partial(_folded, shell))
            )
            watched.append(
                Watched(
                    f"recovery of fold {shell.fold.name}",
                    busy=partial(getattr, shell, "recovering"),
                    progress=partial(getattr, shell, "recovered_records"),
                    within_seconds=RECOVERY_STALLED_SECONDS,
                )
            )
        for stream in self.streams:
            watched.append(
                Watched(
                    f"stream {stream.topic}",
                    busy=partial(getattr, stream, "waiting"),
                    progress=partial(getattr, stream, "handled"),
                )
            )
        return watched


def _is_folding(shell: FoldShell[Any]) -> bool:
    return any(owner.heart is not None and owner.waiting for owner in list(shell.owners.values()))


def _folded(shell: FoldShell[Any]) -> int:
    return sum(owner.folded for owner in list(shell.owners.values()))
