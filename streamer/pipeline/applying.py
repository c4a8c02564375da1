"""`streamer apply`: tells every partition of every log the settings, and keeps what was told on the topic `settings`.

The act may be repeated at any time: the same settings have the same revision, and what was told already changes
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streamer.domain.calendars import calendar_of
from streamer.domain.checks import Invalid
from streamer.domain.exchange import Rate, Rates
from streamer.errors import Misconfigured
from streamer.messages.applied import (
    AccountFacts,
    ApprovalRule,
    CalendarFacts,
    PersonFacts,
    RateFacts,
    SettingsApplied,
    SupplierFacts,
)
from streamer.messages.base import Message, plain
from streamer.messages.envelope import headers_of
from streamer.messages.ids import stock_key
from streamer.messages.stock import ItemPolicy, SupplierOffer
from streamer.pipeline.item_messages import item_messages, places_of
from streamer.pipeline.routes import route_facts
from streamer.platforms.base import Platform
from streamer.settings import RULES, Settings, Supplier, SupplierCalendar, digest
from streamer.settings.items import Item, Replenishing, check_days, policies_by_pattern, policy_for

TOPIC = "settings"
APPLIED = "applied"
LOGS = ("catalogue", "orders", "stock", "recalls", "purchasing", "commands")


@dataclass(slots=True)
class Told:
    """What the topic `settings` says was applied: the whole, and for each item at a location its hash and suppliers."""

    applied: SettingsApplied | None = None
    items: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What one `apply` did."""

    revision: int
    hash: str
    changed_items: int
    withdrawn_items: int
    unchanged: bool


async def read_told(bootstrap_servers: str) -> Told:
    """What was applied last; empty when nothing ever was."""
    told = Told()
    partition = TopicPartition(TOPIC, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.seek_to_beginning(partition)
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    key = (record.key or b"").decode()
                    if key == APPLIED and record.value is not None:
                        told.applied = SettingsApplied.from_json(record.value)
                    elif record.value is None:
                        told.items.pop(key, None)
                    else:
                        told.items[key] = orjson.loads(record.value)
    finally:
        await consumer.stop()
    return told


def settings_event(settings: Settings, accounts: Mapping[str, Platform[Any]], revision: int) -> SettingsApplied:
    """What the folds must know. Raises Misconfigured for accounts that contradict each other."""
    facts = {name: platform.facts() for name, platform in accounts.items()}
    _one_authority(facts)
    for name, fact in facts.items():
        for location in fact.authority:
            if location not in settings.locations:
                raise Misconfigured(f"accounts.{name}.authority", f"{location!r} is not in [locations]")
    return SettingsApplied(
        revision=revision,
        hash=digest(settings),
        rules=RULES,
        partitions=settings.kafka.partitions,
        company=settings.company.name,
        currency=settings.company.currency,
        time_zone=settings.company.time_zone,
        accounts=facts,
        suppliers={code: _supplier(code, supplier) for code, supplier in settings.suppliers.items()},
        locations=tuple(settings.locations),
        remedy_quantities={sku: plain(quantity) for sku, quantity in settings.remedy_quantities.items()},
        kits=tuple(item.sku for item in settings.items if item.kit),
        routes=route_facts(settings, accounts),
        decode_account=settings.decode_account,
        notify_account=settings.notify_account,
        allocation=settings.allocation.rules(),
        remember_days=settings.remember_days,
        item_wait_seconds=settings.item_wait_seconds,
        people={
            name: PersonFacts(**person.model_dump(exclude={"roles", "name", "email"}), email=person.email is not None)
            for name, person in settings.people.items()
        },
        approval_rules=tuple(ApprovalRule(**rule.model_dump()) for rule in settings.approval.rules),
        approval_accounts=_askers(settings, facts),
        approval_deadline_seconds=settings.approval.deadline_seconds,
        approval_link_seconds=settings.approval.link_seconds,
        exchange_rates=_rates(settings),
        receiving_calendars={
            location: _calendar(f"receiving_calendars.{location}", calendar)
            for location, calendar in settings.receiving_calendars.items()
        },
        lead_time_days=settings.replenishment.lead_time_days,
        enough_receipts=settings.replenishment.enough_receipts,
        reconcile=settings.replenishment.reconcile,
        sku_classes=settings.sku_classes,
        services=tuple(service.message() for service in settings.services),
        workshops={location: workshop.message() for location, workshop in settings.workshops.items()},
        recalled_parts=settings.recalled_parts,
        vehicles_kept_days=settings.vehicles_kept_days,
    )


def _supplier(code: str, supplier: Supplier) -> SupplierFacts:
    told = supplier.model_dump(exclude={"calendar"})
    if supplier.calendar is not None:
        told["calendar"] = _calendar(f"suppliers.{code}.calendar", supplier.calendar)
    return SupplierFacts(**told)


def _calendar(setting: str, calendar: SupplierCalendar) -> CalendarFacts:
    """Raises Misconfigured for a calendar on which nothing could ever happen."""
    days = calendar.model_dump(mode="json")
    days["cut_off"] = calendar.cut_off.strftime("%H:%M") if calendar.cut_off else None
    facts = CalendarFacts.model_validate_json(orjson.dumps(days))
    try:
        calendar_of(facts)
    except Invalid as error:
        raise Misconfigured(f"{setting}.{error.field}", error.reason) from error
    return facts


def _askers(settings: Settings, facts: Mapping[str, AccountFacts]) -> tuple[str, ...]:
    for index, account in enumerate(settings.approval.accounts):
        if facts[account].asks_by is None:
            raise Misconfigured(f"approval.accounts.{index}", f"{facts[account].platform} cannot ask people")
    return settings.approval.accounts


def _rates(settings: Settings) -> tuple[RateFacts, ...]:
    """Raises Misconfigured for a currency that nobody knows, and for two rates of one day."""
    try:
        Rates(
            settings.company.currency,
            [Rate(currency=rate.currency, day=rate.day, rate=rate.rate) for rate in settings.exchange_rates],
        )
    except Invalid as error:
        raise Misconfigured(f"exchange_rates.{error.field}", error.reason) from error
    return tuple(
        RateFacts(currency=rate.currency, day=rate.day.isoformat(), rate=rate.rate) for rate in settings.exchange_rates
    )


def _one_authority(accounts: Mapping[str, AccountFacts]) -> None:
    owner: dict[str, str] = {}
    for name, facts in accounts.items():
        for location in facts.authority:
            if location in owner:
                raise Misconfigured(
                    f"accounts.{name}.authority",
                    f"{location} already belongs to accounts.{owner[location]}: two would fight",
                )
            owner[location] = name


async def apply(settings: Settings, accounts: Mapping[str, Platform[Any]], bootstrap_servers: str) -> Result:
    """Tells everybody. Returns when Kafka has acknowledged all of it."""
    told = await read_told(bootstrap_servers)
    before = told.applied
    same = before is not None and before.hash == digest(settings)
    revision = (before.revision if before else 0) + (0 if same else 1)
    event = settings_event(settings, accounts, revision)
    wanted = {
        stock_key(location, item.sku): (item, location)
        for item in settings.items
        for location in places_of(settings, item)
    }
    policies = policies_by_pattern(settings.policies)
    today = datetime.now(ZoneInfo(settings.company.time_zone)).date()
    changes: dict[str, tuple[list[Message], str]] = {}
    for key, (item, location) in wanted.items():
        messages = list(item_messages(settings, item, location, revision, policies))
        content = _content(messages)
        if told.items.get(key, {}).get("hash") != content:
            _not_in_the_past(item, policy_for(item, location, policies), today)
            changes[key] = messages, content
    withdrawn = 0
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        await producer.send_and_wait(TOPIC, event.to_json(), APPLIED.encode(), headers=list(headers_of(event)))
        for log in LOGS:
            for partition in sorted(await producer.partitions_for(log)):
                await producer.send(log, event.to_json(), b"", partition=partition, headers=list(headers_of(event)))
        for key, (messages, content) in changes.items():
            item, location = wanted[key]
            had = told.items.get(key, {})
            has = {message.supplier for message in messages if isinstance(message, SupplierOffer)}
            policy = any(isinstance(message, ItemPolicy) for message in messages)
            gone = _withdrawals(had, location, item.sku, revision, keep=has, policy=policy)
            await _send_all(producer, [*messages, *gone])
            record = {
                "hash": content,
                "location": location,
                "sku": item.sku,
                "suppliers": sorted(has),
                "policy": policy,
            }
            await producer.send(TOPIC, orjson.dumps(record), key.encode())
        for key in told.items.keys() - wanted.keys():
            withdrawn += 1
            had = told.items[key]
            await _send_all(
                producer, _withdrawals(had, had["location"], had["sku"], revision, keep=set(), policy=False)
            )
            await producer.send(TOPIC, None, key.encode())
        await producer.flush()
    finally:
        await producer.stop()
    return Result(revision, event.hash, len(changes), withdrawn, same)


def _not_in_the_past(item: Item, policy: Replenishing | None, today: date) -> None:
    """What is new must not be over already; what was told once may grow old."""
    try:
        check_days(item, policy, today)
    except Invalid as error:
        raise Misconfigured(f"items.{item.sku}.{error.field}", error.reason) from error


def _content(messages: list[Message]) -> str:
    """Hash of what the messages say, whatever their revision."""
    said = [message.model_dump(mode="json", exclude={"version"}) for message in messages]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _withdrawals(
    had: Mapping[str, Any], location: str, sku: str, revision: int, *, keep: set[str], policy: bool
) -> list[Message]:
    """Offers and a policy that the settings had and have no more."""
    gone: list[Message] = [
        SupplierOffer(
            location=location,
            sku=sku,
            version=revision,
            supplier=supplier,
            unit_price=Decimal(0),
            currency="XXX",
            withdrawn=True,
        )
        for supplier in had.get("suppliers", ())
        if supplier not in keep
    ]
    if had.get("policy") and not policy:
        nothing = Decimal(0)
        gone.append(
            ItemPolicy(
                location=location, sku=sku, version=revision, reorder_point=nothing, order_up_to=nothing, withdrawn=True
            )
        )
    return gone


async def _send_all(producer: AIOKafkaProducer, messages: list[Message]) -> None:
    for message in messages:
        for topic, key in message.places():
            await producer.send(topic, message.to_json(), key.encode(), headers=list(headers_of(message)))
