"""Ids that are made from the meaning of a thing, never from an offset, a clock or chance."""

from __future__ import annotations

import base64
import hashlib
import re

_NO_SIGNS = re.compile(r"[^0-9A-Za-z]+")
_SHORT_CAMPAIGN = re.compile(r"^\d{2}[VETCI]\d{3}$")
_REFERENCE = re.compile(r"^([A-Z0-9]{1,8})-([1-9][0-9]{0,11})$")


def command_id(kind: str, *cause: str) -> str:
    """26 characters for a business reason: the same reason gives the same id on every replay."""
    digest = hashlib.sha256("|".join((kind, *cause)).encode()).digest()
    return base64.b32encode(digest).decode()[:26]


def reference(supplier: str, counter: int) -> str:
    """What people and ERPs see on a purchase order; its first part says whose row a reply belongs to."""
    return f"{supplier}-{counter}"


def supplier_of(text: str) -> str | None:
    """The supplier code in a reference of ours, or None when `text` has not that form."""
    match = _REFERENCE.match(text)
    return match.group(1) if match else None


def order_key(account: str, order_id: str) -> str:
    """Key of the log `orders`."""
    return f"{account}/{order_id}"


def stock_key(location: str, sku: str) -> str:
    """Key of the log `stock`."""
    return f"{location}/{sku}"


def vehicle_key(make: str, model: str, year: int) -> str:
    """Key of the log `recalls` for a class of vehicles; makes and models are compared without regard to case."""
    return f"vehicle/{make.strip().upper()}/{model.strip().upper()}/{year}"


def vin_key(vin: str) -> str:
    """Key of the log `recalls` for one vehicle of which only the VIN is known."""
    return f"vin/{vin.strip().upper()}"


def part_key(part_number: str) -> str:
    """Key of the log `recalls` for a recalled part number; with or without dashes and spaces it is the same part."""
    return f"part/{_NO_SIGNS.sub('', part_number).upper() or part_number.strip().upper()}"


def campaign_number(text: str) -> str:
    """A campaign as it is compared: `24V-930`, `24V930` and `24V930000` are one (NHTSA's number has nine places)."""
    plain = _NO_SIGNS.sub("", text).upper()
    return plain + "000" if _SHORT_CAMPAIGN.match(plain) else plain


def campaign_key(campaign: str) -> str:
    """Key of the log `recalls` for one campaign as a whole."""
    return f"campaign/{campaign_number(campaign)}"
