"""Who must approve a purchase order, and who may: values only.

Every rule that fits an order must be satisfied. A rule asks for somebody of its tier or a higher one, so one person
with enough rights satisfies several at once; with four eyes two people must approve, and neither may be the one who
made the order what it is. What is confirmed for automatic reorder passes by all rules but those that say otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from streamer.domain.checks import Invalid
from streamer.domain.exchange import Rate, Rates
from streamer.errors import Refused
from streamer.messages.applied import ApprovalRule, Channel, PersonFacts, RateFacts, SettingsApplied
from streamer.messages.base import plain
from streamer.messages.purchasing import Approval

HIGHEST_TIER = 9


class Bought(NamedTuple):
    """What of an order the rules look at. `worth` is in the company's currency; None where no rate is known."""

    supplier: str
    skus: tuple[str, ...]
    worth: Decimal | None


class Demand(NamedTuple):
    """What an order needs before it may go out: each tier covered, by so many people."""

    tiers: tuple[int, ...]
    four_eyes: bool
    deadline_seconds: float
    because: str


class Given(NamedTuple):
    """An approval that counts so far."""

    person: str
    tier: int


def worth_of(amount: Decimal, currency: str, settings: SettingsApplied, on: date) -> Decimal | None:
    """`amount` in the company's currency by the last rate not after `on`; None where there is none."""
    try:
        exact = _rates(settings.currency, settings.exchange_rates).convert(amount, currency, on)
    except Invalid:
        return None
    return exact.quantize(Decimal("0.01"))


@lru_cache(maxsize=16)
def _rates(company: str, told: tuple[RateFacts, ...]) -> Rates:
    return Rates(company, [Rate(currency=one.currency, day=date.fromisoformat(one.day), rate=one.rate) for one in told])


def in_class(sku: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(sku, pattern) for pattern in patterns)


def demand(settings: SettingsApplied, bought: Bought, because: Sequence[str]) -> Demand | None:
    """What the order needs, or None where it may go out. `because` says why it is not automatic; empty: it is."""
    rules = [
        rule for rule in settings.approval_rules if (because or rule.even_automatic) and _fits(rule, bought, settings)
    ]
    if not because and not rules:
        return None
    deadlines = [rule.deadline_seconds for rule in rules if rule.deadline_seconds is not None]
    reasons = [*because, *(f"rule {rule.name}" for rule in rules)]
    if bought.worth is None:
        reasons.append(f"no exchange rate to {settings.currency}")
    return Demand(
        tiers=tuple(sorted({rule.tier for rule in rules})) or (1,),
        four_eyes=any(rule.four_eyes for rule in rules),
        deadline_seconds=min(deadlines, default=settings.approval_deadline_seconds),
        because="; ".join(reasons),
    )


def _fits(rule: ApprovalRule, bought: Bought, settings: SettingsApplied) -> bool:
    if rule.suppliers and bought.supplier not in rule.suppliers:
        return False
    if bought.worth is not None and bought.worth <= rule.above and rule.above > 0:
        return False
    if not rule.sku_classes:
        return True
    return any(in_class(sku, settings.sku_classes.get(name, ())) for name in rule.sku_classes for sku in bought.skus)


def person_of(settings: SettingsApplied, event: Approval) -> tuple[str, PersonFacts]:
    """Who decided. Raises Refused for somebody whom the settings do not know."""
    if event.channel == "slack" and event.account not in settings.approval_accounts:
        raise Refused(f"account {event.account} is not in approval.accounts: its answers do not count")
    if not settings.people and event.channel != "console":
        raise Refused("nobody is in [people], so only the console can approve")
    found = named_person(settings, event.channel, event.actor)
    if found is None:
        raise Refused(f"nobody in [people] is known on {event.channel} as {event.actor[:64]}")
    return found


def named_person(settings: SettingsApplied, channel: Channel, actor: str) -> tuple[str, PersonFacts] | None:
    """The person whom a channel knows as `actor`.

    Without any people in the settings every login of the console counts, whose right the console has checked.
    """
    if not settings.people:
        return (actor, PersonFacts(console=actor, tier=HIGHEST_TIER)) if channel == "console" else None
    for name, person in settings.people.items():
        known_as = {"console": person.console, "slack": person.slack, "email": name if person.email else None}
        if known_as[channel] == actor:
            return name, person
    return None


def may_not(person: PersonFacts, bought: Bought, settings: SettingsApplied, *, amount: bool = True) -> str | None:
    """Why this person may not decide about the order, or None. `amount`: whether the limit counts too."""
    if person.suppliers and bought.supplier not in person.suppliers:
        return f"supplier {bought.supplier} is not theirs to decide"
    if person.sku_classes:
        patterns = [pattern for name in person.sku_classes for pattern in settings.sku_classes.get(name, ())]
        other = next((sku for sku in bought.skus if not in_class(sku, patterns)), None)
        if other is not None:
            return f"{other} is in none of their SKU classes"
    if amount and person.limit is not None:
        if bought.worth is None:
            return "its worth is not known, for want of an exchange rate, and they have a limit"
        if bought.worth > person.limit:
            return f"{plain(bought.worth)} {settings.currency} is above their limit of {plain(person.limit)}"
    return None


def uncovered(needs: Demand, given: Collection[Given]) -> tuple[int, ...]:
    """The tiers that still need somebody; a second pair of eyes needs the lowest. Empty: all is there."""
    left = tuple(tier for tier in needs.tiers if all(one.tier < tier for one in given))
    if left:
        return left
    if needs.four_eyes and len({one.person for one in given}) < 2:
        return needs.tiers[:1]
    return ()


def may_not_approve(
    name: str,
    person: PersonFacts,
    settings: SettingsApplied,
    bought: Bought,
    needs: Demand,
    given: Collection[Given],
    changed_by: str | None,
) -> str | None:
    """Why an approval by this person does not count now, or None."""
    if any(one.person == name for one in given):
        return "they approved this version already: another person must"
    if needs.four_eyes and changed_by == name:
        return "they made the order what it is: another person must approve it"
    if (no := may_not(person, bought, settings)) is not None:
        return no
    left = uncovered(needs, given)
    if left and person.tier < left[0]:
        return f"it needs somebody of tier {left[0]}, they have tier {person.tier}"
    return None
