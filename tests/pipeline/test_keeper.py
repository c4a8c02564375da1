"""What accounts keep for their calls: sealed, found again by the next owner, and never older than what was written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streamer.domain import dispatch
from streamer.domain.dispatch_rows import secret_key
from streamer.engine.fold import Output
from streamer.errors import NotSent
from streamer.messages.commands import SecretKept
from streamer.messages.registry import MESSAGES
from streamer.pipeline import keeper as module
from streamer.pipeline.keeper import LedgerKeeper, Sealer
from tests.domain.memory import START, Partition, settings


class Ledger:
    """The partition of the account, and the log before it: `held` messages are written and not folded yet."""

    def __init__(self) -> None:
        self.partition = Partition(dispatch)
        self.partition.send(settings())
        self.held: list[Output] = []
        self.holding = False
        self.now = START

    async def send(self, outputs: list[Output]) -> None:
        self.held += outputs
        if not self.holding:
            self.fold()

    def fold(self) -> None:
        for output in self.held:
            kind = dict(output.headers)["ce_type"].decode()
            self.partition.send(MESSAGES[kind].from_json(output.value))
        self.held = []

    def read(self, account: str, key: str) -> bytes | None:
        return self.partition.rows.get(key)

    def keeper(self, secret: str = "shared-by-the-processes") -> LedgerKeeper:
        """A worker that has just become the owner."""
        return LedgerKeeper(Sealer(secret), self.send, self.read, lambda: self.now)


async def test_what_was_kept_is_there_for_the_next_owner_and_stands_nowhere_in_plain_text() -> None:
    ledger = Ledger()
    await ledger.keeper().keep("books", "refresh_token", "very-secret-token", None)
    assert await ledger.keeper().recall("books", "refresh_token") == "very-secret-token"
    assert b"very-secret" not in b"".join(ledger.partition.rows.values())


async def test_the_last_value_stands_and_one_that_was_forgotten_is_gone() -> None:
    ledger = Ledger()
    first = ledger.keeper()
    for number in range(3):
        ledger.now += timedelta(seconds=1)
        await first.keep("books", "refresh_token", f"token-{number}", None)
    assert await ledger.keeper().recall("books", "refresh_token") == "token-2"
    ledger.now += timedelta(seconds=1)
    await first.keep("books", "refresh_token", None, None)
    assert await ledger.keeper().recall("books", "refresh_token") is None
    assert await first.recall("books", "refresh_token") is None


async def test_a_token_whose_time_is_over_is_none() -> None:
    ledger = Ledger()
    keeper = ledger.keeper()
    await keeper.keep("books", "token", "t", 60.0)
    assert await keeper.recall("books", "token") == "t"
    ledger.now += timedelta(seconds=61)
    assert await keeper.recall("books", "token") is None
    assert await ledger.keeper().recall("books", "token") is None


async def test_a_new_owner_waits_until_it_has_folded_what_the_one_before_wrote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = Ledger()
    await ledger.keeper().keep("books", "refresh_token", "old", None)
    ledger.holding = True
    ledger.now += timedelta(seconds=1)
    await ledger.keeper().keep("books", "refresh_token", "rotated", None)  # and died before it was folded
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.05)
    keeper = ledger.keeper()
    with pytest.raises(NotSent, match="not up to date"):
        await keeper.recall("books", "refresh_token")
    ledger.holding = False
    ledger.now += timedelta(seconds=1)
    assert await keeper.recall("books", "refresh_token") == "rotated"


async def test_a_worker_that_lost_its_partitions_believes_rows_only() -> None:
    ledger = Ledger()
    old = ledger.keeper()
    await old.keep("books", "refresh_token", "old", None)
    ledger.now += timedelta(seconds=1)
    await ledger.keeper().keep("books", "refresh_token", "new", None)
    old.forget()
    assert await old.recall("books", "refresh_token") == "new"


async def test_with_another_shared_secret_nothing_can_be_opened() -> None:
    ledger = Ledger()
    await ledger.keeper().keep("books", "refresh_token", "t", None)
    assert await ledger.keeper("another").recall("books", "refresh_token") is None


def test_what_is_sealed_for_one_account_opens_for_no_other() -> None:
    sealer = Sealer("shared")
    sealed = sealer.seal("books", "token", "t")
    assert sealer.open("books", "token", sealed) == "t"
    assert sealer.open("other", "token", sealed) is None
    assert sealer.open("books", "token", "zz") is None
    assert sealer.seal("books", "token", "t") != sealed


def test_an_older_message_that_comes_again_changes_nothing() -> None:
    partition = Partition(dispatch)
    partition.send(settings())
    older = SecretKept(account="books", name="token", sealed="aa", at=START)
    forgotten = SecretKept(account="books", name="token", at=START + timedelta(seconds=5))
    partition.send(older)
    partition.send(forgotten)
    partition.send(older)
    row = partition.rows[secret_key("books", "token")]
    assert b"aa" not in row
    partition.tick(days=2)
    assert secret_key("books", "token") not in partition.rows


def test_a_secret_that_expired_goes_a_day_later() -> None:
    partition = Partition(dispatch)
    partition.send(settings())
    ends = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    partition.send(SecretKept(account="books", name="token", sealed="aa", expires_at=ends, at=START))
    partition.tick(seconds=20 * 3600)
    assert secret_key("books", "token") in partition.rows
    partition.tick(seconds=6 * 3600)
    assert secret_key("books", "token") not in partition.rows
