"""Recalls from end to end: vehicles with and without an appointment, parts held back, done is done."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streamer.domain.recalls_rows import CampaignRow, VehicleRow
from streamer.messages.commands import NotifyCommand, RecallReplacementCommand
from streamer.messages.orders import AddLine, OrderLine
from streamer.messages.people import Vehicle
from streamer.messages.recalls import Recall, VehicleClass, VehicleDecoded
from streamer.messages.stock import Hold, ItemFacts, LineRequest
from tests.domain.garage import ACCORD, VIN, Garage, appointment, company, shelf
from tests.domain.memory import START, of

NAME = "26V251000"
KEY = "vehicle/HONDA/ACCORD/2003"
OTHER = Vehicle(vin="11111111111111111", make="Honda", model="Accord", year=2003)


def recall(version: str = "v1", **changes: Any) -> Recall:
    fields: dict[str, Any] = {
        "account": "nhtsa",
        "platform": "nhtsa_recalls",
        "campaign": NAME,
        "version": version,
        "component": "BRAKE HOSES",
        "vehicles": (VehicleClass(make="HONDA", model="ACCORD", year=2003),),
        "remedy_parts": ("HOSE",),
    }
    return Recall(**(fields | changes))


def texts(made: list[Any]) -> list[str]:
    return [f"{told.severity}: {told.text}" for told in of(NotifyCommand, made)]


def vehicles(garage: Garage) -> VehicleRow:
    row = garage.partitions["recalls"].row(KEY)
    assert isinstance(row, VehicleRow)
    return row


def test_the_remedy_part_is_asked_for_by_the_appointments_day_and_moves_with_it() -> None:
    garage = Garage()
    garage.send(*shelf("HOSE", 1), appointment(service="inspection"))
    made = garage.send(recall())
    assert [(one.sku, one.purpose, one.needed_by, one.because) for one in of(LineRequest, made)] == [
        ("HOSE", "recall", "2026-03-13", f"recall {NAME}")
    ]
    moved = garage.send(appointment(2, service="inspection", day="2026-03-20"))
    assert [(one.sku, one.needed_by) for one in of(LineRequest, moved)] == [("HOSE", "2026-03-19")]
    garage.send(appointment(3, service="inspection", state="cancelled"))
    assert garage.reserved() == {}


def test_a_vehicle_whose_service_is_not_in_the_set_gets_its_recall_all_the_same() -> None:
    garage = Garage()
    garage.send(*shelf("HOSE", 1), appointment(service="Windscreen"))
    garage.send(recall())
    assert garage.reserved() == {"HOSE": 1}


def test_the_owner_of_a_vehicle_that_must_not_be_driven_is_called_before_the_appointment() -> None:
    garage = Garage()
    garage.send(*shelf("HOSE", 1), appointment(service="inspection"))
    (told,) = [text for text in texts(garage.send(recall(do_not_drive=True))) if "NOT TO DRIVE" in text]
    assert told.startswith("urgent: Order dms/RO-1: recall 26V251000 (BRAKE HOSES)")
    assert texts(garage.send(recall("v2", do_not_drive=True, summary="other words"))) == []


def test_known_vehicles_without_an_appointment_are_told_of_and_wait_for_the_remedy() -> None:
    garage = Garage()
    garage.send(appointment(service="inspection"), appointment(2, service="inspection", state="closed"))
    (told,) = texts(garage.send(recall(remedy_parts=())))
    assert "may concern 1 vehicle (HONDA ACCORD 2003) that were here before" in told
    assert "waiting list" in told
    assert VIN not in told
    (now,) = texts(garage.send(recall("v2")))
    assert "they can be called" in now
    assert texts(garage.send(recall("v3", summary="other words"))) == []


def test_a_vehicle_on_which_it_was_done_is_not_called_again() -> None:
    garage = Garage()
    garage.send(*shelf("HOSE", 3), appointment(service="inspection"), recall())
    garage.tick(days=1)
    garage.send(appointment(2, service="inspection", state="closed", occurred_at=START + timedelta(days=1)))
    assert vehicles(garage).seen[VIN].done == [NAME]
    assert garage.stock("HOSE").lines == {}
    assert garage.stock("HOSE").on_hand == 2  # it has gone into the vehicle
    made = garage.send(recall("v2", remedy_parts=("HOSE", "CLAMP")), appointment(order_id="RO-2", service="inspection"))
    assert of(AddLine, made) == of(RecallReplacementCommand, made) == []
    assert texts(made) == []


def test_a_job_for_the_campaign_itself_counts_as_done_by_its_number_as_people_write_it() -> None:
    garage = Garage()
    garage.send(appointment(service="inspection", campaign="26V-251"))
    garage.send(appointment(2, service="inspection", campaign="26V-251", state="closed"))
    assert vehicles(garage).seen[VIN].done == [NAME]


def test_a_job_that_was_closed_before_its_part_came_is_not_done() -> None:
    garage = Garage()
    garage.send(*shelf("HOSE", 0), appointment(service="inspection"), recall())
    garage.send(appointment(2, service="inspection", state="closed"))
    assert vehicles(garage).seen[VIN].done == []
    assert garage.reserved() == {}
    made = garage.send(appointment(order_id="RO-2", service="inspection"))
    assert [line.sku for line in of(AddLine, made)] == ["HOSE"]


def test_a_part_that_the_workshop_puts_on_the_order_itself_is_asked_for_once() -> None:
    garage = Garage()
    own = OrderLine(line_id="7", sku="HOSE", quantity=Decimal(1))
    garage.send(*shelf("HOSE", 5), appointment(service=None), recall())
    assert garage.reserved() == {"HOSE": 1}
    garage.send(appointment(2, service=None, lines=(own,)))
    assert garage.reserved() == {"HOSE": 1}
    garage.send(appointment(3, service=None))
    assert garage.reserved() == {"HOSE": 1}
    garage.send(appointment(4, service=None, state="cancelled"))
    assert garage.reserved() == {}


def test_a_second_visit_of_the_vehicle_takes_over_when_the_first_is_called_off() -> None:
    garage = Garage()
    garage.send(
        *shelf("HOSE", 5), appointment(service="inspection"), appointment(order_id="RO-2", service="inspection")
    )
    made = garage.send(recall())
    assert [line.order_id for line in of(AddLine, made)] == ["RO-1"]
    after = garage.send(appointment(2, service="inspection", state="cancelled"))
    assert [(line.order_id, line.withdrawn) for line in of(AddLine, after)] == [("RO-1", True), ("RO-2", False)]
    assert garage.reserved() == {"HOSE": 1}


def test_several_campaigns_for_one_vehicle_are_several_parts_and_one_command_each() -> None:
    garage = Garage()
    garage.send(appointment(service="inspection"), recall(remedy_parts=("HOSE", "CLAMP")))
    garage.send(recall(campaign="26V300000", remedy_parts=("FUSE",)))
    commands = of(RecallReplacementCommand, garage.out)
    assert [(command.campaign, [part.sku for part in command.parts]) for command in commands] == [
        (NAME, ["HOSE", "CLAMP"]),
        ("26V300000", ["FUSE"]),
    ]


def test_a_campaign_that_names_another_remedy_swaps_the_part_and_a_larger_quantity_is_asked_for() -> None:
    garage = Garage()
    garage.send(*shelf("HOSE", 5), *shelf("HOSE-2", 5), appointment(service="inspection"), recall())
    garage.send(recall("v2", remedy_parts=("HOSE-2",)))
    assert garage.reserved() == {"HOSE-2": 1}
    again = Garage(remedy_quantities={"HOSE-2": "2"})
    again.send(*shelf("HOSE-2", 5), appointment(service="inspection"), recall("v2", remedy_parts=("HOSE-2",)))
    assert again.reserved() == {"HOSE-2": 2}


@pytest.mark.parametrize("again", [False, True])
def test_a_withdrawn_campaign_takes_its_lines_and_holds_back_and_may_come_again(*, again: bool) -> None:
    garage = Garage(recalled_parts={"45022-TBA": ("HOSE-OLD",)})
    garage.send(*shelf("HOSE", 5), appointment(service="inspection"))
    garage.send(recall(parts=("45022 TBA",), as_of=START))
    assert (garage.reserved(), garage.stock("HOSE-OLD").holds) == ({"HOSE": 1}, [f"recall {NAME}"])
    gone = recall("v2", vehicles=(), parts=(), withdrawn=True, as_of=START + timedelta(days=1))
    garage.send(gone, recall(parts=("45022 TBA",), as_of=START))  # the old word comes once more
    assert (garage.reserved(), garage.stock("HOSE-OLD").holds) == ({}, [])
    if again:
        garage.send(recall("v3", as_of=START + timedelta(days=2)))
        assert garage.reserved() == {"HOSE": 1}


def test_a_whole_campaign_that_leaves_a_class_out_lets_it_go_and_a_part_of_one_does_not() -> None:
    both = (*recall().vehicles, VehicleClass(make="HONDA", model="CIVIC", year=2003))
    garage = Garage()
    garage.send(*shelf("HOSE", 5), appointment(service="inspection"), recall(vehicles=both, whole=True))
    garage.send(recall("civic", vehicles=both[1:]))
    assert garage.reserved() == {"HOSE": 1}
    garage.send(recall("civic only", vehicles=both[1:], whole=True))
    assert garage.reserved() == {}
    row = garage.partitions["recalls"].row(f"campaign/{NAME}")
    assert isinstance(row, CampaignRow)
    assert row.keys == ["vehicle/HONDA/CIVIC/2003"]


def test_recalled_parts_are_held_by_their_number_with_or_without_dashes() -> None:
    garage = Garage()
    facts = ItemFacts(location="main", sku="HOSE-OLD", version="1", source="settings", part_number="45022-TBA-A01")
    garage.send(*shelf("HOSE-OLD", 3), facts)
    made = garage.send(recall(vehicles=(), parts=("45022TBAA01",)))
    assert [(hold.sku, hold.held) for hold in of(Hold, made)] == [("HOSE-OLD", True)]
    assert "3 of main/HOSE-OLD are held back" in " ".join(texts(made))


def test_new_settings_say_what_a_recalled_part_is_called_here() -> None:
    garage = Garage()
    garage.send(recall(vehicles=(), parts=("45022-TBA",)))
    made = garage.partitions["recalls"].send(company(revision=2, recalled_parts={"45022-tba": ("HOSE-OLD",)}))
    assert [(hold.sku, hold.held) for hold in of(Hold, made)] == [("HOSE-OLD", True)]
    freed = garage.partitions["recalls"].send(company(revision=3))
    assert [(hold.sku, hold.held) for hold in of(Hold, freed)] == [("HOSE-OLD", False)]


def test_a_vehicle_of_which_the_appointment_brings_nothing_but_the_vin_gets_its_remedy_once_decoded() -> None:
    garage = Garage()
    garage.send(*shelf("HOSE", 1), recall(), appointment(service="inspection", vehicle=Vehicle(vin=VIN)))
    assert garage.reserved() == {}
    garage.send(VehicleDecoded(account="nhtsa", vin=VIN, make="HONDA", model="ACCORD", year=2003))
    assert garage.reserved() == {"HOSE": 1}


def test_a_vehicle_that_was_not_here_for_years_is_forgotten() -> None:
    garage = Garage(vehicles_kept_days=30)
    garage.send(appointment(service="inspection"))
    assert VIN in vehicles(garage).seen
    garage.tick(days=120)
    assert garage.partitions["recalls"].row(KEY) is None


# -- any history

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["recall", "other recall", "swap", "RO-1", "RO-2", "RO-3"]),
        st.sampled_from(["open", "open", "cancelled"]),
    ),
    min_size=1,
    max_size=9,
)
EVENTS = {
    "recall": recall(),
    "swap": recall("v2", remedy_parts=("HOSE-2",)),
    "other recall": recall(campaign="26V300000", remedy_parts=("FUSE",)),
}


@examples(max_examples=80, deadline=None)
@given(STEPS)
def test_each_vehicle_has_each_remedy_once_while_it_is_expected_and_what_was_taken_is_given_back(
    steps: list[tuple[str, Any]],
) -> None:
    garage = Garage()
    for sku in ("HOSE", "HOSE-2", "FUSE"):
        garage.send(*shelf(sku, 10))
    booked: dict[str, bool] = {}
    seen: list[str] = []
    for number, (what, state) in enumerate(steps, 1):
        if what in EVENTS:
            garage.send(EVENTS[what])
            seen.append(what)
            continue
        vehicle = OTHER if what == "RO-3" else ACCORD  # two orders are of one vehicle
        garage.send(appointment(number, order_id=what, service="inspection", vehicle=vehicle, state=state))
        booked[what] = state == "open"
    expected = len({"RO-3" if name == "RO-3" else "both" for name, there in booked.items() if there})
    hoses = [what for what in seen if what != "other recall"]
    wanted = {"HOSE" if hoses[-1] == "recall" else "HOSE-2": expected} if hoses else {}
    if "other recall" in seen:
        wanted["FUSE"] = expected
    assert garage.reserved() == ({sku: quantity for sku, quantity in wanted.items() if quantity})
    commands = of(RecallReplacementCommand, garage.out)
    assert len({(one.order_id, one.campaign, one.sku) for one in commands}) == len(commands)
    for number, name in enumerate(booked, 100):
        garage.send(appointment(number, order_id=name, service="inspection", state="cancelled"))
    assert garage.reserved() == {}
    assert all(garage.stock(sku).on_hand == 10 for sku in ("HOSE", "HOSE-2", "FUSE"))


@examples(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_campaign_and_appointments_in_any_order_and_twice_end_in_the_same_commands(chance: Any) -> None:
    events = [
        recall(),
        EVENTS["other recall"],
        appointment(1, service="inspection"),
        appointment(2, service="inspection", day="2026-03-20"),
        appointment(1, order_id="RO-3", service="inspection", vehicle=OTHER),
        VehicleDecoded(account="nhtsa", vin=VIN, make="HONDA", model="ACCORD", year=2003),
    ]
    shuffled = [*events, *events]
    chance.shuffle(shuffled)
    garage = Garage()
    garage.send(*shelf("HOSE", 10), *shelf("FUSE", 10), *shuffled)
    commands = sorted((one.order_id, one.campaign, one.sku) for one in of(RecallReplacementCommand, garage.out))
    assert commands == [
        ("RO-1", NAME, "HOSE"),
        ("RO-1", "26V300000", "FUSE"),
        ("RO-3", NAME, "HOSE"),
        ("RO-3", "26V300000", "FUSE"),
    ]
    assert garage.reserved() == {"HOSE": 2, "FUSE": 2}
