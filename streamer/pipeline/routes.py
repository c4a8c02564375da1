"""The routes of the settings as the folds know them, checked against what the platforms can do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from streamer.errors import Misconfigured
from streamer.messages.records import FieldRule, RouteFacts
from streamer.platforms.base import Platform
from streamer.settings import Settings
from streamer.settings.routes import MapRule, Route

RECONCILE_MINUTES = 60.0  # unless the route says otherwise, where the platform can read records again


def route_facts(settings: Settings, accounts: Mapping[str, Platform[Any]]) -> tuple[RouteFacts, ...]:
    """Raises Misconfigured for what a platform cannot do."""
    return tuple(_facts(route, settings, accounts) for route in settings.routes)


def _facts(route: Route, settings: Settings, accounts: Mapping[str, Platform[Any]]) -> RouteFacts:
    source, target = accounts[route.source], accounts[route.target]
    place = f"routes.{route.name}"
    if not target.can("record"):
        reason = target.unsupported.get("record", "takes no records")
        raise Misconfigured(f"{place}.to", f"{target.title}: {reason}")
    for kind in route.kinds:
        entity = route.becomes.get(kind, kind)
        if target.record_kinds and entity not in target.record_kinds:
            raise Misconfigured(
                f"{place}.kinds", f"{target.title} takes {', '.join(sorted(target.record_kinds))} records, no {entity}"
            )
    can = source.can("backfill") and any(kind in source.backfills for kind in route.kinds)
    if route.reconcile_minutes and not can:
        reason = source.unsupported.get("backfill", "its records cannot be read again")
        raise Misconfigured(f"{place}.reconcile_minutes", f"{source.title}: {reason}")
    minutes = route.reconcile_minutes if route.reconcile_minutes is not None else RECONCILE_MINUTES
    since = route.since if route.since.tzinfo else route.since.replace(tzinfo=ZoneInfo(settings.company.time_zone))
    return RouteFacts(
        name=route.name,
        source=route.source,
        target=route.target,
        kinds=route.kinds,
        becomes=route.becomes,
        mode=route.mode,
        batch_seconds=route.batch_minutes * 60,
        since=since.astimezone(UTC),
        dry_run=route.dry_run,
        match=route.match,
        match_items=route.match_items,
        reference_prefix=route.reference_prefix,
        guest=route.guest,
        fields=route.fields,
        rules={
            kind: {target_field: _rule(rule) for target_field, rule in rules.items()}
            for kind, rules in route.map.items()
        },
        reconcile_seconds=minutes * 60 if can else 0.0,
        overlap_seconds=route.overlap_minutes * 60,
    )


def _rule(rule: MapRule) -> FieldRule:
    return FieldRule(**rule.model_dump())
