"""What the fold `purchasing` would say to a person's decision: asked of the same rules, over the read model's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamer.domain.approval_rules import Demand, may_not, may_not_approve, named_person
from streamer.domain.purchasing_asking import bought_of, changes, document, given_of, needed, open_tiers, worth_in_words
from streamer.domain.purchasing_rows import OrderRow, Row, read_row
from streamer.domain.view import SETTINGS_KEY
from streamer.messages.applied import Channel, SettingsApplied
from streamer.messages.commands import ReorderCommand
from streamer.web.console.read_model import Reader


class ModelRows:
    """The rows of `purchasing` as the read model has them; nothing can be changed."""

    partition = 0
    source = None

    def __init__(self, reader: Reader, now_ms: int) -> None:
        self._reader = reader
        self.now_ms = now_ms
        self._read: dict[str, Any] = {}

    def read(self, key: str) -> Row | SettingsApplied | None:
        if key not in self._read:
            value = self._reader.fold_row("purchasing", key)
            self._read[key] = read_row(key, value) if value else None
        row: Row | SettingsApplied | None = self._read[key]
        return row

    def edit(self, key: str) -> None:
        raise TypeError(f"{key} is not the console's to change")

    def put(self, key: str, row: Any) -> None:  # noqa: ARG002
        raise TypeError(f"{key} is not the console's to change")

    def delete(self, key: str) -> None:
        raise TypeError(f"{key} is not the console's to change")

    def passed(self, source: str, offset: int) -> bool:  # noqa: ARG002
        return False

    @property
    def settings(self) -> SettingsApplied | None:
        found = self.read(SETTINGS_KEY)
        return found if isinstance(found, SettingsApplied) else None


@dataclass(frozen=True)
class Judgement:
    """How an order stands for one person. `order` is the document; None where its supplier is not known here."""

    needs: Demand | None = None
    open_tiers: tuple[int, ...] = ()
    changes: tuple[str, ...] = ()
    worth: str = ""
    order: ReorderCommand | None = None
    may_not_approve: str | None = None
    may_not_decide: str | None = None  # change, reject, cancel


def judge(rows: ModelRows, row: OrderRow, channel: Channel, actor: str) -> Judgement:
    """Without settings the console knows no rules; the fold has the last word in any case."""
    settings = rows.settings
    supplier = settings.supplier(row.supplier) if settings else None
    if settings is None or supplier is None:
        return Judgement()
    needs, bought = needed(rows, row), bought_of(row, settings, rows.now_ms)
    no: str | None
    cannot: str | None
    if (known := named_person(settings, channel, actor)) is None:
        no = cannot = f"nobody in [people] of the settings is known on {channel} as {actor}"
    else:
        name, person = known
        cannot = may_not(person, bought, settings, amount=False)
        no = (
            may_not_approve(name, person, settings, bought, needs, given_of(row), row.changed_by)
            if needs is not None
            else may_not(person, bought, settings)
        )
    return Judgement(
        needs=needs,
        open_tiers=open_tiers(row, needs) if needs else (),
        changes=tuple(changes(row)),
        worth=worth_in_words(row, settings, rows.now_ms),
        order=document(row, supplier),
        may_not_approve=no,
        may_not_decide=cannot,
    )
