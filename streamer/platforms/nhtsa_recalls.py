"""NHTSA: recalls of vehicles sold in the United States, polled; and the decoder for vehicle numbers.

Good to know:
- Nothing is pushed. Recalls come by class of vehicle (make, model, year) as JSON, or all of them in one file of tabs.
- Dates are DD/MM/YYYY in the JSON answers and YYYYMMDD in the file; 19010101 there means "unknown".
- The JSON has no part numbers. The file has those of recalled parts, which are never ordered.
- What mends a vehicle is a setting: `remedy_parts`, from campaign to SKU.
- The file is made anew each day: RECORD_ID changes, rows repeat, so a campaign's version is a hash of what it says.
- No campaign names single vehicles here: make, model and year mean "possibly affected".
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, NamedTuple
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from streamer.errors import Ignored, Malformed
from streamer.messages.base import Message, Sku
from streamer.messages.commands import FetchCommand
from streamer.messages.recalls import Recall, RemedyPart, VehicleClass, VehicleDecoded
from streamer.platforms.base import (
    AccountSettings,
    Call,
    Page,
    Platform,
    Raw,
    RawPage,
    Role,
    content_hash,
    get,
    send,
)
from streamer.platforms.nhtsa_file import changed_campaigns

CAMPAIGN = re.compile(r"^\d{2}[VETCI]\d{3}(\d{3})?$")
UNKNOWN_DAY = "19010101"
UNKNOWN_YEAR = 9999
NO_PART = frozenset({"", "N/A", "NA", "NONE", "VARIOUS", "UNKNOWN", "TBD", "SEE NOTES", "NOT APPLICABLE"})
COLUMNS = (27, 29)  # before and since May 2025
UNKNOWN_VEHICLE = frozenset({400, 404})  # what the service answers to a make or model that it spells otherwise


def campaign_number(text: str) -> str:
    """`24V-930` and `24V930` are `24V930000`. Raises ValueError."""
    plain = text.strip().upper().replace("-", "")
    if not CAMPAIGN.match(plain):
        raise ValueError(f"{text!r} is no campaign number such as 24V930000")
    return plain.ljust(9, "0")


Campaign = Annotated[str, AfterValidator(campaign_number)]


class VehicleSetting(BaseModel):
    """A class of vehicles to ask about; spelt as NHTSA does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    make: str
    model: str
    year: int = Field(ge=1949, le=2100)


class NhtsaSettings(AccountSettings):
    """Nothing here is secret."""

    vehicles: tuple[VehicleSetting, ...] = ()
    flat_file: bool = False  # read the file of all recalls once a day
    makes: tuple[str, ...] = ()  # of the file only these; empty: all
    back_fill_days: float = 90.0  # of the file, at the first look
    # campaign -> its remedy part, several, or how many of each
    remedy_parts: dict[Campaign, Sku | tuple[Sku, ...] | dict[Sku, Decimal]] = {}


class Told(NamedTuple):
    """What one row says of its campaign, whichever feed it came from."""

    campaign: str
    announced_at: datetime | None
    vehicle: VehicleClass | None
    component: str | None
    manufacturer: str | None
    summary: str | None
    consequence: str | None
    remedy: str | None
    notes: str | None
    do_not_drive: bool | None
    park_outside: bool | None
    over_the_air: bool | None = None
    manufacturer_campaign: str | None = None
    owners_notified: str | None = None
    units_affected: int | None = None
    parts: tuple[str, ...] = ()


class RawRecall(BaseModel):
    """One row of `recallsByVehicle`; third-party mirrors begin names with a small letter."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    campaign: str = Field(alias="nhtsacampaignnumber")
    manufacturer: str | None = None
    day: str | None = Field(default=None, alias="reportreceiveddate")
    component: str | None = None
    summary: str | None = None
    consequence: str | None = None
    remedy: str | None = None
    notes: str | None = None
    make: str
    model: str
    year: int = Field(alias="modelyear")
    park_it: bool | None = Field(default=None, alias="parkit")
    park_outside: bool | None = Field(default=None, alias="parkoutside")
    over_the_air: bool | None = Field(default=None, alias="overtheairupdate")


class RawDecoded(BaseModel):
    """One row of `DecodeVinValues`; what is unknown is an empty text."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    vin: str = Field(alias="VIN", min_length=1)
    make: str = Field(default="", alias="Make")
    model: str = Field(default="", alias="Model")
    year: str = Field(default="", alias="ModelYear")
    displacement_litres: str = Field(default="", alias="DisplacementL")
    engine_model: str = Field(default="", alias="EngineModel")
    fuel: str = Field(default="", alias="FuelTypePrimary")
    error_code: str = Field(default="", alias="ErrorCode")
    error_text: str = Field(default="", alias="ErrorText")


class NhtsaRecalls(Platform[NhtsaSettings]):
    title = "NHTSA recalls"
    docs = "https://www.nhtsa.gov/nhtsa-datasets-and-apis"
    hosts = ("api.nhtsa.gov", "static.nhtsa.gov", "vpic.nhtsa.dot.gov")
    roles = frozenset({Role.SOURCE})
    settings_type = NhtsaSettings
    unsigned_because = "recalls are fetched from NHTSA, nothing is pushed"
    polls: ClassVar[Mapping[str, float]] = {"recalls_by_vehicle": 3600.0, "flat_file": 86_400.0}
    fetches = frozenset({"vin"})
    limits = "none published; a few questions a second"
    resources = {
        "recalls_by_vehicle": r"^GET .*/recalls/(recallsByVehicle|campaignNumber)$",
        "flat_file": r"^GET .*/rcl/FLAT_RCL\w*\.(zip|txt)$",
        "vin": r"^GET .*/vehicles/DecodeVinValues/",
    }

    def normalise(self, raw: Raw) -> Iterable[Message]:
        if raw.body.lstrip()[:1] != b"{":
            return list(self._recalls(_flat_rows(raw.body)))
        body = raw.json()
        if "Results" in body:
            return [self._decoded(row) for row in body["Results"]]
        rows = body.get("results")
        if not isinstance(rows, list):
            raise Malformed("neither recalls nor a decoded vehicle", field="results")
        return list(self._recalls(_json_rows(rows)))

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        """The recalls of each class of vehicles in the settings; what has not changed since is left out."""
        if resource == "flat_file":
            return (yield from self._file(cursor))
        told = dict(cursor)
        records = []
        for vehicle in self.settings.vehicles:
            query = {"make": vehicle.make, "model": vehicle.model, "modelYear": str(vehicle.year)}
            url = f"{self.base('https://api.nhtsa.gov')}/recalls/recallsByVehicle"
            reply = yield from send(get(url, query, accept=UNKNOWN_VEHICLE))
            if reply.status in UNKNOWN_VEHICLE:
                continue
            key = f"{vehicle.make}/{vehicle.model}/{vehicle.year}".lower()
            content = content_hash(reply.body)
            if told.get(key) != content:
                told[key] = content
                records.append(RawPage(reply.body, resource, key, {"content-type": "application/json"}))
        return Page(records, told)

    def _file(self, cursor: Mapping[str, str]) -> Call[Page]:
        """All recalls, where the account wants them."""
        if not self.settings.flat_file:
            return Page((), cursor)
        base, days = self.base("https://static.nhtsa.gov"), self.settings.back_fill_days
        return (yield from changed_campaigns(base, cursor, self.settings.makes, days))

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        """What one VIN stands for."""
        (vin,) = command.ids
        url = f"{self.base('https://vpic.nhtsa.dot.gov')}/api/vehicles/DecodeVinValues/{quote(vin, safe='')}"
        reply = yield from send(get(url, {"format": "json"}))
        return RawPage(reply.body, command.resource, vin, {"content-type": "application/json"})

    def _recalls(self, rows: Iterable[Told]) -> Iterator[Recall]:
        """One recall for each campaign, with all vehicles and parts that its rows name."""
        campaigns: dict[str, list[Told]] = {}
        for row in rows:
            campaigns.setdefault(row.campaign, []).append(row)
        if not campaigns:
            raise Ignored("no recall of these vehicles")
        for name, told in campaigns.items():
            yield self._recall(name, told)

    def _recall(self, name: str, told: list[Told]) -> Recall:
        first = told[0]
        # The order of rows changes from day to day; sorted, the same campaign keeps its version.
        vehicles = sorted({row.vehicle for row in told if row.vehicle}, key=lambda one: (one.make, one.model, one.year))
        components = " | ".join(sorted({row.component for row in told if row.component}))
        remedy_parts, quantities = self._remedy(name)
        facts: dict[str, Any] = {
            **first._asdict(),
            "vehicles": tuple(vehicles),
            "parts": tuple(sorted({part for row in told for part in row.parts})),
            "do_not_drive": _any(row.do_not_drive for row in told),
            "park_outside": _any(row.park_outside for row in told),
            "component": components[:4000] or None,
            "remedy_parts": remedy_parts,
            "remedy_quantities": quantities,
        }
        del facts["vehicle"]
        return Recall(account=self.account, platform=self.name, version=content_hash(*facts.values()), **facts)

    def _remedy(self, campaign: str) -> tuple[tuple[Sku, ...], tuple[RemedyPart, ...]]:
        match self.settings.remedy_parts.get(campaign, ()):
            case str() as sku:
                return (sku,), ()
            case dict() as counted:
                return tuple(counted), tuple(RemedyPart(sku=sku, quantity=many) for sku, many in counted.items())
            case skus:
                return skus, ()

    def _decoded(self, row: Any) -> VehicleDecoded:
        found = RawDecoded.model_validate(row)
        known = bool(found.make and found.model and found.year.isdigit())
        clean = found.error_code.split(",")[0].strip() in ("", "0")
        return VehicleDecoded(
            account=self.account,
            vin=found.vin.upper(),
            make=found.make or None,
            model=found.model or None,
            year=int(found.year) if found.year.isdigit() else None,
            engine=_engine(found),
            error=None if clean and known else found.error_text or "the decoder does not know this vehicle",
        )


def _engine(found: RawDecoded) -> str | None:
    """`2.4 K24A4 Gasoline`: the words by which the variants of a service may name an engine."""
    try:
        litres = f"{float(found.displacement_litres):.1f}"
    except ValueError:
        litres = ""
    return " ".join(part for part in (litres, found.engine_model.strip(), found.fuel.strip()) if part) or None


def _json_rows(rows: list[Any]) -> Iterator[Told]:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise Malformed("is no object", field=f"results.{number}")
        found = RawRecall.model_validate({str(name).lower(): value for name, value in row.items()})
        yield Told(
            campaign=_campaign(found.campaign, f"results.{number}.NHTSACampaignNumber"),
            announced_at=_day(found.day, "%d/%m/%Y", f"results.{number}.ReportReceivedDate"),
            vehicle=_vehicle(found.make, found.model, found.year),
            component=_plain(found.component),
            manufacturer=_plain(found.manufacturer),
            summary=_plain(found.summary),
            consequence=_plain(found.consequence),
            remedy=_plain(found.remedy),
            notes=_plain(found.notes),
            do_not_drive=found.park_it,
            park_outside=found.park_outside,
            over_the_air=found.over_the_air,
        )


def _flat_rows(body: bytes) -> Iterator[Told]:
    """Rows of the flat file, in the order of columns that its RCL.txt gives (first RECORD_ID, second CAMPNO …)."""
    for number, line in enumerate(_text(body).split("\n"), 1):
        cells = line.rstrip("\r").split("\t")
        if cells == [""]:
            continue
        if len(cells) not in COLUMNS:
            raise Malformed(f"has {len(cells)} columns, not 29 (or 27)", field=f"row {number}")
        cells += [""] * (29 - len(cells))
        year = int(cells[4]) if cells[4].strip().isdecimal() else UNKNOWN_YEAR
        owners = _day(cells[12], "%Y%m%d", f"row {number} ODATE")
        yield Told(
            campaign=_campaign(cells[1], f"row {number} CAMPNO"),
            announced_at=_day(cells[15], "%Y%m%d", f"row {number} RCDATE"),
            vehicle=_vehicle(cells[2], cells[3], year) if cells[10] == "V" else None,
            component=_plain(cells[6]),
            manufacturer=_plain(cells[7]),
            summary=_plain(cells[19]),
            consequence=_plain(cells[20]),
            remedy=_plain(cells[21]),
            notes=_plain(cells[22]),
            do_not_drive=_yes(cells[27]),
            park_outside=_yes(cells[28]),
            manufacturer_campaign=_plain(cells[5]),
            owners_notified=owners.date().isoformat() if owners else None,
            units_affected=int(cells[11]) if cells[11].isdigit() else None,
            parts=_parts(cells[26]),
        )


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _campaign(text: str, field: str) -> str:
    try:
        return campaign_number(text)
    except ValueError as error:
        raise Malformed("is no campaign number", field=field) from error


def _day(text: str | None, form: str, field: str) -> datetime | None:
    """Midnight UTC of a day; the feeds give no zone."""
    text = (text or "").strip()
    if not text or text == UNKNOWN_DAY:
        return None
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("is no date", field=field) from error


def _vehicle(make: str, model: str, year: int) -> VehicleClass | None:
    if year == UNKNOWN_YEAR or not make.strip() or not model.strip():
        return None
    return VehicleClass(make=make.strip().upper(), model=model.strip().upper(), year=year)


def _plain(text: str | None) -> str | None:
    """Without the anchors that narrative fields hold."""
    return html.unescape(re.sub(r"<[^>]{0,300}>", "", text)).strip()[:4000] or None if text else None


def _yes(text: str) -> bool | None:
    return {"YES": True, "NO": False}.get(text.strip().upper())


def _any(flags: Iterable[bool | None]) -> bool | None:
    """True if one is; None if nobody says."""
    known = [flag for flag in flags if flag is not None]
    return any(known) if known else None


def _parts(cell: str) -> tuple[str, ...]:
    """The numbers of a cell, which may list several."""
    found = re.split(r"[,;/]|\bAND\b|\s{2,}", cell, flags=re.IGNORECASE)
    return tuple(dict.fromkeys(part for text in found if (part := text.strip()[:100]).upper() not in NO_PART))


__all__ = ["NhtsaRecalls", "NhtsaSettings", "RawPage", "campaign_number"]
