"""From which shelves would this order come, and what is decided about each line?"""

from __future__ import annotations

from datetime import date

import msgspec

from streamer.domain.checks import Invalid
from streamer.domain.scenarios.answers import Answer, as_json
from streamer.domain.shelves import OrderedLine, Site
from streamer.domain.sourcing import Terms, allocate
from streamer.domain.supersession import Chains, Supersession
from streamer.messages.applied import SourcingRule


class Allocation(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="allocation"
):
    """An order, and the locations with what is there, reserved, and waited for. `on` is needed beside supersessions."""

    lines: tuple[OrderedLine, ...]
    locations: tuple[Site, ...]
    rule: SourcingRule = "rank"
    all_or_nothing: bool = False
    supersessions: tuple[Supersession, ...] = ()
    on: date | None = None

    def answer(self) -> Answer:
        """Raises Invalid, naming the field."""
        if self.supersessions and self.on is None:
            raise Invalid("is needed beside supersessions: the day of the order", field="on")
        chains = Chains(self.supersessions)
        terms = Terms(self.rule, self.all_or_nothing, chains, self.on or date.min)
        sourced = allocate(self.lines, self.locations, terms)
        asked = {line.line: line for line in self.lines}
        return {
            "kind": "allocation",
            "order": _overall([line.decision for line in sourced.lines]),
            "lines": [
                {
                    "line": line.line,
                    "sku": asked[line.line].sku,
                    "decision": line.decision,
                    "ordered": as_json(asked[line.line].quantity),
                    "approved": as_json(line.approved),
                    "waitlisted": as_json(line.waitlisted),
                    "picks": [
                        {
                            "location": pick.location,
                            "sku": pick.sku,
                            "quantity": as_json(pick.quantity),
                            "hops": list(pick.hops),
                        }
                        for pick in line.picks
                    ],
                    "why": line.reason,
                }
                for line in sourced.lines
            ],
            "locations_used": list(sourced.used),
            "why": {"rule": self.rule, "asked_in_turn": list(sourced.locations)},
        }


def _overall(decisions: list[str]) -> str:
    """One word for the order: that of all its lines, or partly approved where they differ and something is given."""
    if len(set(decisions)) == 1:
        return decisions[0]
    return "partly_approved" if {"approved", "partly_approved"} & set(decisions) else "waitlisted"
