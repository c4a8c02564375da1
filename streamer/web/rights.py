"""Who may do what: four roles, and the rights that they give."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What a person is in the shop; one person may have several."""

    VIEWER = "viewer"
    BUYER = "buyer"  # looks after orders at suppliers
    MANAGER = "manager"  # answers for the money
    OPERATOR = "operator"  # keeps the machine going


class Right(StrEnum):
    """What a page or an act asks for."""

    SEE = "see"
    APPROVE = "approve"  # let a purchase order go out, change it, reject it
    SETTLE = "settle"  # say what became of a call that no machine can decide
    MEND = "mend"  # replay dead letters, release quarantined rows
    REVEAL = "reveal"  # see people's data in a dead letter


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.SEE}),
    Role.BUYER: frozenset({Right.SEE, Right.SETTLE}),
    Role.MANAGER: frozenset({Right.SEE, Right.APPROVE, Right.SETTLE}),
    Role.OPERATOR: frozenset({Right.SEE, Right.SETTLE, Right.MEND, Right.REVEAL}),
}


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    """All that these roles allow together."""
    return frozenset().union(*(RIGHTS[role] for role in roles))
