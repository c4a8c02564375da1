"""How many periods should each order cover?"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from streamer.domain.lots import TECHNIQUES, LotTechnique, check_demand, costs, plan_lots
from streamer.domain.scenarios.answers import Answer, as_json


class LotSizing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="lots"):
    """Demand by period. `order_cost`, and `holding_cost` of a unit to the next period: one number, or one a period."""

    demand: tuple[Decimal, ...]
    order_cost: Decimal | tuple[Decimal, ...]
    holding_cost: Decimal | tuple[Decimal, ...]
    technique: LotTechnique = "wagner_whitin"
    quantity: Decimal | None = None  # of fixed_quantity
    periods: int | None = None  # of fixed_period

    def answer(self) -> Answer:
        """The plan of the technique, and what each other one would cost. Raises Invalid, naming the field."""
        check_demand(self.demand)
        cost = costs(self.order_cost, self.holding_cost, len(self.demand))
        plan = plan_lots(self.technique, self.demand, cost, quantity=self.quantity, periods=self.periods)
        others = {}
        for technique in TECHNIQUES:
            lacking = (technique == "fixed_quantity" and self.quantity is None) or (
                technique == "fixed_period" and self.periods is None
            )
            if technique != self.technique and not lacking:
                other = plan_lots(technique, self.demand, cost, quantity=self.quantity, periods=self.periods)
                others[technique] = other.total_cost
        starts = [index for index, lot in enumerate(plan.quantities) if lot]
        ends = [*starts[1:], len(self.demand)][: len(starts)]
        return {
            "kind": "lots",
            "technique": self.technique,
            "lots": [
                {"period": start + 1, "quantity": as_json(plan.quantities[start]), "covers_periods": end - start}
                for start, end in zip(starts, ends, strict=True)
            ],
            "quantities": as_json(plan.quantities),
            "orders": plan.orders,
            "order_cost": as_json(plan.order_cost),
            "holding_cost": as_json(plan.holding_cost),
            "total_cost": as_json(plan.total_cost),
            "why": {"alternatives": as_json(others)},
        }
