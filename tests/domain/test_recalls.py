"""Recalls: which vehicles with an appointment get which part, and what must not be handed out any more."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streamer.domain import recalls
from streamer.domain.partitions import partition_of
from streamer.errors import Refused
from streamer.messages.applied import AccountFacts, SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand, NotifyCommand, RecallReplacementCommand
from streamer.messages.orders import AddLine
from streamer.messages.people import Vehicle
from streamer.messages.recalls import PartHolding, Recall, RemedyPart, VehicleAppointment, VehicleClass, VehicleDecoded
from streamer.messages.stock import Hold, RowRelease
from tests.domain.memory import START, Partition, of, settings

VIN = "1M8GDM9AXKP042788"
OTHER_VIN = "11111111111111111"
CIVIC = Vehicle(vin=VIN, make="Honda", model="Civic", year=2020)


def company(**changes: Any) -> SettingsApplied:
    accounts = {name: AccountFacts(platform="http") for name in ("garage", "nhtsa", "slack")}
    fields = {"accounts": accounts, "notify_account": "slack", "decode_account": "nhtsa"}
    return settings(**(fields | changes))


def garage(**changes: Any) -> Partition:
    partition = Partition(recalls)
    partition.send(company(**changes))
    return partition


def recall(**changes: Any) -> Recall:
    fields: dict[str, Any] = {
        "account": "nhtsa",
        "platform": "nhtsa_recalls",
        "campaign": "26V251000",
        "version": "h1",
        "remedy": "Replace the hose",
        "vehicles": (VehicleClass(make="HONDA", model="CIVIC", year=2020),),
        "remedy_parts": ("BRK-HOSE-F22",),
    }
    return Recall(**(fields | changes))


def appointment(revision: int = 1, order_id: str = "RO-1", **changes: Any) -> VehicleAppointment:
    fields: dict[str, Any] = {
        "account": "garage",
        "order_id": order_id,
        "revision": revision,
        "vehicle": CIVIC if order_id == "RO-1" else CIVIC.model_copy(update={"vin": OTHER_VIN}),
        "location": "main",
        "scheduled_at": START + timedelta(days=7),
        "state": "booked",
    }
    return VehicleAppointment(**(fields | changes))


def named(outcome: list[Any]) -> set[tuple[str, str]]:
    return {(item.ce_type, item.message_id()) for item in outcome if isinstance(item, Message)}


def test_a_vehicle_with_an_appointment_gets_its_remedy_part() -> None:
    partition = garage()
    partition.send(appointment())
    made = partition.send(recall())
    (line,) = of(AddLine, made)
    assert (line.account, line.order_id, line.line_id, line.sku, line.quantity, line.cause) == (
        "garage",
        "RO-1",
        "recall-26V251000-BRK-HOSE-F22",
        "BRK-HOSE-F22",
        1,
        "26V251000",
    )
    (command,) = of(RecallReplacementCommand, made)
    assert (command.account, command.order_id, command.location, command.sku) == ("garage", "RO-1", "main", line.sku)
    assert command.vehicle == CIVIC
    assert command.scheduled_at == START + timedelta(days=7)


def test_it_does_not_matter_which_comes_first() -> None:
    first, second = garage(), garage()
    one = first.send(appointment(), recall())
    other = second.send(recall(), appointment())
    assert named(one) == named(other) != set()


def test_how_many_parts_a_vehicle_needs_is_said_by_the_recall_or_the_settings() -> None:
    partition = garage(remedy_quantities={"BRK-HOSE-F22": "2"})
    assert [line.quantity for line in of(AddLine, partition.send(appointment(), recall()))] == [2]
    partition = garage()
    four = recall(remedy_quantities=(RemedyPart(sku="BOLT-8", quantity=Decimal(4)),))
    lines = of(AddLine, partition.send(appointment(), four))
    assert [(line.sku, line.quantity) for line in lines] == [("BRK-HOSE-F22", 1), ("BOLT-8", 4)]


def test_another_model_or_year_is_not_concerned() -> None:
    partition = garage()
    other = CIVIC.model_copy(update={"year": 2019})
    assert partition.send(recall(), appointment(vehicle=other)) == []


def test_a_range_of_vins_narrows_the_campaign() -> None:
    outside = (VehicleClass(make="HONDA", model="CIVIC", year=2020, vin_from="2", vin_to="3"),)
    inside = (*outside, VehicleClass(make="HONDA", model="CIVIC", year=2020, vin_from="1M8", vin_to="1M9"))
    assert garage().send(appointment(), recall(vehicles=outside)) == []
    assert len(of(AddLine, garage().send(appointment(), recall(vehicles=inside)))) == 1


def test_without_the_vin_a_range_cannot_tell_so_a_person_is_asked() -> None:
    narrowed = (VehicleClass(make="HONDA", model="CIVIC", year=2020, vin_from="1M8", vin_to="1M9"),)
    unknown = CIVIC.model_copy(update={"vin": None})
    made = garage().send(appointment(vehicle=unknown), recall(vehicles=narrowed))
    assert [type(item) for item in made] == [NotifyCommand]


def test_without_a_remedy_part_nothing_is_ordered_and_a_person_is_told_once() -> None:
    partition = garage()
    made = partition.send(appointment(), recall(remedy_parts=(), do_not_drive=True))
    drive, told = of(NotifyCommand, made)
    assert len(made) == 2
    assert told.severity == drive.severity == "urgent"
    assert "NOT TO DRIVE" in drive.text
    assert "remedy_parts.26V251000" in told.text
    assert VIN not in told.text + drive.text
    assert partition.send(recall(remedy_parts=(), version="h2"), appointment(2)) == []
    assert len(of(AddLine, partition.send(recall(version="h3")))) == 1


def test_an_amended_campaign_adds_only_what_is_new() -> None:
    partition = garage()
    partition.send(appointment(), recall())
    made = partition.send(recall(version="h2", remedy_parts=("BRK-HOSE-F22", "CLAMP-3")))
    assert [line.sku for line in of(AddLine, made)] == ["CLAMP-3"]
    assert [command.sku for command in of(RecallReplacementCommand, made)] == ["CLAMP-3"]


def test_a_new_date_changes_nothing_and_a_cancellation_withdraws_the_line() -> None:
    partition = garage()
    partition.send(appointment(), recall())
    assert partition.send(appointment(2, scheduled_at=START + timedelta(days=9))) == []
    (line,) = partition.send(appointment(3, state="cancelled"))
    assert isinstance(line, AddLine)
    assert line.withdrawn
    assert partition.send(appointment(2)) == []
    (again,) = partition.send(appointment(4))
    assert isinstance(again, AddLine)
    assert (again.withdrawn, again.revision) == (False, 4)


def test_an_appointment_that_its_shop_still_has_open_counts_though_its_day_is_past() -> None:
    partition = garage()
    late = appointment(scheduled_at=START - timedelta(days=30))
    assert len(of(RecallReplacementCommand, partition.send(recall(), late))) == 1


def test_a_past_appointment_is_forgotten_two_days_after_it_was_last_told() -> None:
    partition = garage()
    partition.send(recall(), appointment(scheduled_at=START - timedelta(days=3)), appointment(order_id="RO-2"))
    key = "vehicle/HONDA/CIVIC/2020"
    assert list(partition.row(key).visits) == ["garage/RO-1", "garage/RO-2"]
    partition.tick(days=3)
    assert list(partition.row(key).visits) == ["garage/RO-2"]
    partition.tick(days=10)
    assert partition.row(key).visits == {}


def test_a_vehicle_known_by_its_vin_alone_is_decoded_once() -> None:
    partition = garage()
    unknown = Vehicle(vin=VIN.lower())
    (fetch,) = partition.send(appointment(vehicle=unknown))
    assert isinstance(fetch, FetchCommand)
    assert (fetch.account, fetch.resource, fetch.ids) == ("nhtsa", "vin", (VIN,))
    assert partition.send(appointment(order_id="RO-2", vehicle=unknown)) == []
    decoded = VehicleDecoded(account="nhtsa", vin=VIN, make="HONDA", model="Civic", year=2020)
    passed_on = partition.send(decoded)
    assert [item.places() for item in passed_on] == [(("recalls", "vehicle/HONDA/CIVIC/2020"),)] * 2
    assert len(of(AddLine, partition.send(recall(), *passed_on))) == 1  # one vehicle is mended once
    (later,) = partition.send(appointment(2, vehicle=unknown, state="cancelled"))
    assert isinstance(later, VehicleAppointment)
    assert later.vehicle.make == "HONDA"


def test_a_vin_that_cannot_be_decoded_is_told_to_people() -> None:
    unknown = Vehicle(vin=VIN)
    without = garage(decode_account=None)
    assert [type(item) for item in without.send(appointment(vehicle=unknown))] == [NotifyCommand]
    mistyped = garage()
    assert [type(item) for item in mistyped.send(appointment(vehicle=Vehicle(vin="1M8GDM9A1KP042788")))] == [
        NotifyCommand
    ]
    partition = garage()
    partition.send(appointment(vehicle=unknown))
    made = partition.send(VehicleDecoded(account="nhtsa", vin=VIN, error="6 - Incomplete VIN"))
    assert [type(item) for item in made] == [NotifyCommand]
    with pytest.raises(Refused, match="names no vehicle"):
        partition.send(appointment(vehicle=Vehicle()))


def test_a_recalled_part_is_held_wherever_it_lies() -> None:
    north = PartHolding(part_number="45022-TBA", sku="HOSE-OLD", location="north")
    main = PartHolding(part_number="45022-tba", sku="HOSE-OLD", location="main")
    partition = garage()
    assert partition.send(north) == []
    made = partition.send(recall(vehicles=(), parts=("45022-TBA",)))
    made += partition.send(main)
    assert [(hold.location, hold.sku, hold.held) for hold in of(Hold, made)] == [
        ("north", "HOSE-OLD", True),
        ("main", "HOSE-OLD", True),
    ]
    assert partition.send(recall(version="h2", vehicles=(), parts=("45022-TBA",))) == []


def test_a_partition_takes_of_a_campaign_only_what_is_its_own() -> None:
    classes = tuple(VehicleClass(make="HONDA", model="CIVIC", year=year) for year in range(2000, 2020))
    keys = {f"vehicle/HONDA/CIVIC/{year}" for year in range(2000, 2020)}
    kept: list[str] = []
    for number in range(4):
        partition = Partition(recalls, number=number)
        partition.send(company(partitions=4), recall(vehicles=classes))
        mine = [key for key in partition.rows if key.startswith("vehicle/")]
        assert all(partition_of(key, 4) == number for key in mine)
        kept += mine
    assert sorted(kept) == sorted(keys)


def test_a_quarantined_class_of_vehicles_orders_nothing_until_it_is_released() -> None:
    partition = garage()
    partition.send(appointment())
    key = "vehicle/HONDA/CIVIC/2020"
    partition.quarantine(key)
    with pytest.raises(Refused, match="quarantine"):
        partition.send(recall())
    partition.send(RowRelease(topic="recalls", row_key=key, log_key=key, actor="kim", act_id="r1"))
    assert len(of(AddLine, partition.send(recall()))) == 1


EVENTS: list[Message] = [
    recall(),
    recall(campaign="26V300000", version="x", remedy_parts=("CLAMP-3",)),
    appointment(),
    appointment(order_id="RO-2"),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(EVENTS)))))
def test_the_same_events_in_any_order_give_the_same_commands(order: tuple[int, ...]) -> None:
    partition = garage()
    made = partition.send(*(EVENTS[number] for number in order))
    assert len(of(RecallReplacementCommand, made)) == 4
    assert named(made) == named(garage().send(*EVENTS))


@examples(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["RO-1", "RO-2"]), st.integers(1, 6), st.booleans(), st.booleans()), max_size=12)
)
def test_a_line_is_on_an_order_exactly_while_it_is_booked(history: list[tuple[str, int, bool, bool]]) -> None:
    partition = garage()
    newest: dict[str, tuple[int, bool]] = {}
    lines: dict[str, bool] = {}
    told = False
    for order_id, revision, booked, with_recall in history:
        made = partition.send(appointment(revision, order_id, state="booked" if booked else "cancelled"))
        if revision > newest.get(order_id, (0, False))[0]:
            newest[order_id] = (revision, booked)
        if with_recall:
            made += partition.send(recall())
            told = True
        for line in of(AddLine, made):
            assert lines.get(line.order_id, False) is line.withdrawn
            lines[line.order_id] = not line.withdrawn
    if told:
        assert {order for order, there in lines.items() if there} == {o for o, (_, booked) in newest.items() if booked}
