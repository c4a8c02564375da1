"""What every canonical message shares: strict frozen models, their place on Kafka, and the types of their fields."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


class Place(NamedTuple):
    """Where a message goes: a topic and the record key there."""

    topic: str
    key: str


class Value(BaseModel):
    """A part of a message. Unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class Message(Value):
    """A canonical event or command. `ce_type` tells it apart on its topic (CloudEvents attribute `type`)."""

    ce_type: ClassVar[str]

    def places(self) -> tuple[Place, ...]:
        """Where the message goes; several places when several folds, or several keys of one, must know it."""
        raise NotImplementedError

    def message_id(self) -> str:
        """The CloudEvents id: made from the meaning, so that a replay gives the same."""
        raise NotImplementedError

    def to_json(self) -> bytes:
        """One line of UTF-8 JSON; empty optional fields are left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    @classmethod
    def from_json(cls, value: bytes | str) -> Self:
        """Raises pydantic's ValidationError."""
        model: Self = cls.__pydantic_validator__.validate_json(value)
        return model


def _as_utc(time: datetime) -> datetime:
    return time if time.tzinfo is UTC else time.astimezone(UTC)


PERSONAL: dict[str, Any] = {"x-personal": True}
"""The one mark of personal data; `schemas/` shows it and `messages.personal` finds it."""

LARGEST_QUANTITY = Decimal(10_000_000)

Utc = Annotated[AwareDatetime, AfterValidator(_as_utc)]
Text = Annotated[str, StringConstraints(max_length=4000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
AccountId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Sku = Annotated[str, StringConstraints(min_length=1, max_length=100)]
LocationId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^/~\s][^/\s]*$")]
SupplierCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,8}$")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=21)]
CommandId = Annotated[str, StringConstraints(min_length=26, max_length=26)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Quantity = Annotated[Decimal, Field(ge=0, le=LARGEST_QUANTITY, max_digits=18, decimal_places=6)]
SignedQuantity = Annotated[Decimal, Field(ge=-LARGEST_QUANTITY, le=LARGEST_QUANTITY, max_digits=18, decimal_places=6)]
Amount = Annotated[Decimal, Field(max_digits=24, decimal_places=8)]
Extra = dict[str, Text]
"""Facts that only some platforms know; names are dotted paths such as `vehicle.id` or `lines.0.brand`."""
PersonalText = Annotated[Text, Field(json_schema_extra=PERSONAL)]


class Money(Value):
    """An amount in one currency (ISO 4217)."""

    amount: Amount
    currency: Currency


def plain(number: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
