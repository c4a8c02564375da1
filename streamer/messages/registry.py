"""All messages, by their CloudEvents type."""

from __future__ import annotations

from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import (
    AskApprovalCommand,
    AttemptOutcome,
    CancelOrderCommand,
    ChangeOrderCommand,
    CommandStatus,
    FetchCommand,
    NotifyCommand,
    OperatorAct,
    PollAct,
    PollMoved,
    RecallReplacementCommand,
    RecordCommand,
    ReorderCommand,
    SecretKept,
    StockCommand,
    WriteBackCommand,
)
from streamer.messages.orders import (
    AddLine,
    CustomerRecord,
    ItemResolved,
    LineDecision,
    ObjectKnown,
    Order,
    VehicleKnown,
    WriteBackDone,
)
from streamer.messages.purchasing import Approval, GoodsReceipt, Need, PurchaseOrderOutcome, SupplierStatus
from streamer.messages.recalls import (
    CampaignEnded,
    PartHolding,
    Recall,
    ResolveVehicle,
    VehicleAppointment,
    VehicleDecoded,
)
from streamer.messages.records import Backfill, RecordAct
from streamer.messages.status import AuditEntry, OrderLineStatus, PurchaseOrderStatus
from streamer.messages.stock import (
    CarriedDemand,
    Hold,
    Incoming,
    Item,
    ItemFacts,
    ItemPolicy,
    LineRelease,
    LineRequest,
    LineShipped,
    ReorderAct,
    ResolveItem,
    RowRelease,
    StockLevel,
    StockMovement,
    SupplierOffer,
)

TOPICS: dict[str, tuple[type[Message], ...]] = {
    "catalogue": (Item, StockLevel, ResolveItem, RowRelease, SettingsApplied),
    "orders": (
        Order,
        CustomerRecord,
        LineDecision,
        ItemResolved,
        AddLine,
        VehicleKnown,
        ObjectKnown,
        WriteBackDone,
        RecordAct,
        RowRelease,
        SettingsApplied,
    ),
    "stock": (
        StockLevel,
        StockMovement,
        LineRequest,
        LineRelease,
        LineShipped,
        ItemFacts,
        ItemPolicy,
        SupplierOffer,
        Incoming,
        Hold,
        CarriedDemand,
        ReorderAct,
        RowRelease,
        SettingsApplied,
    ),
    "recalls": (
        Recall,
        CampaignEnded,
        VehicleAppointment,
        VehicleDecoded,
        ResolveVehicle,
        PartHolding,
        RowRelease,
        SettingsApplied,
    ),
    "purchasing": (Need, Approval, GoodsReceipt, SupplierStatus, PurchaseOrderOutcome, RowRelease, SettingsApplied),
    "commands": (
        ReorderCommand,
        CancelOrderCommand,
        ChangeOrderCommand,
        AskApprovalCommand,
        RecallReplacementCommand,
        WriteBackCommand,
        RecordCommand,
        FetchCommand,
        NotifyCommand,
        AskApprovalCommand,
        StockCommand,
        AttemptOutcome,
        CommandStatus,
        OperatorAct,
        PollAct,
        PollMoved,
        SecretKept,
        Backfill,
        SupplierStatus,
        RowRelease,
        SettingsApplied,
    ),
    "order-status": (OrderLineStatus, PurchaseOrderStatus),
    "audit": (AuditEntry,),
    "settings": (SettingsApplied,),
}
"""Which messages each topic carries."""

MESSAGES: dict[str, type[Message]] = {message.ce_type: message for carried in TOPICS.values() for message in carried}
"""Every message by `ce_type`."""
