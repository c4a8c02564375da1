"""From raw records to canonical events: each ends as events, as a dead letter, or as ignored with a counted reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter

from streamer.engine.fold import LogRecord, Output
from streamer.errors import Ignored, Malformed, StreamerError
from streamer.pipeline.dead_letters import dead_letter
from streamer.pipeline.message_fold import outputs_of
from streamer.pipeline.raw_records import as_asked, asked_of
from streamer.platforms.base import Platform
from streamer.platforms.raw_record import account_of, raw_of

IGNORED = Counter("streamer_raw_ignored_total", "Raw events that mean nothing to us, by reason", ["platform", "reason"])
READ = Counter("streamer_raw_read_total", "Raw events that became canonical events", ["platform"])
DEAD = Counter("streamer_raw_dead_total", "Raw events that became dead letters", ["platform"])


class Normaliser:
    """Reads the raw records of one platform with the adapters of its accounts."""

    def __init__(self, platform: str, accounts: Mapping[str, Platform[Any]], *, topic_id: str) -> None:
        self.topic = f"raw.{platform}"
        self._platform = platform
        self._accounts = accounts
        self._topic_id = topic_id

    def __call__(self, record: LogRecord) -> list[Output]:
        """The events of a raw record; raises StreamerError for one that cannot be used."""
        account = account_of(record.key, record.headers, self._accounts)
        if account is None:
            raise Malformed(
                f"names none of the accounts of {self._platform}: {', '.join(self._accounts)}", field="account"
            )
        raw = raw_of(record.value or b"", record.headers, account=account, timestamp_ms=record.timestamp)
        try:
            messages = self._accounts[account].read(raw)
        except Ignored as ignored:
            IGNORED.labels(self._platform, ignored.reason).inc()
            return []
        if not messages:
            IGNORED.labels(self._platform, "nothing in it for us").inc()
            return []
        asked = asked_of(record.headers)
        if asked is not None:
            messages = [as_asked(message, asked) for message in messages]
        READ.labels(self._platform).inc()
        return outputs_of(messages)

    def dead_letter(self, record: LogRecord, error: Exception) -> Output:
        """For a raw record whose reading raised."""
        DEAD.labels(self._platform).inc()
        return dead_letter(
            record,
            error
            if isinstance(error, StreamerError)
            else Malformed("the adapter could not read it", field=type(error).__name__),
            topic=self.topic,
            topic_id=self._topic_id,
            partition=getattr(record, "partition", -1),
            stage="normalise",
            account=account_of(record.key, record.headers, self._accounts),
        )
