"""What the engine needs of the outside: records, the telephone, pacing, and its own hand to others."""

from dialler.ports.agent_control import AgentControl, AgentReport, AgentTalk, QueueStanding
from dialler.ports.control import (
    Account,
    CallerIdReport,
    CampaignReport,
    EngineControl,
    EngineReport,
    ListHolding,
    ListShare,
    ManualCall,
    Offer,
    ShareReport,
    TrunkReport,
)
from dialler.ports.sharing import TrunkLimits, WakeBus
from dialler.ports.store import Records, Store
from dialler.ports.values import (
    AuditEntry,
    AuditFilter,
    Bucket,
    DncEntry,
    DncFilter,
    Found,
    IndexWork,
    LeadFilter,
    Problem,
    SavedFilter,
    SessionFilter,
)
from strategies.pacing import PacingDecision, PacingFacts, PacingStrategy
from telephony.port import LiveCall, LiveState, Origination, Telephony, Trunk

__all__ = [
    "Account",
    "AgentControl",
    "AgentReport",
    "AgentTalk",
    "AuditEntry",
    "AuditFilter",
    "Bucket",
    "CallerIdReport",
    "CampaignReport",
    "DncEntry",
    "DncFilter",
    "EngineControl",
    "EngineReport",
    "Found",
    "IndexWork",
    "LeadFilter",
    "ListHolding",
    "ListShare",
    "LiveCall",
    "LiveState",
    "ManualCall",
    "Offer",
    "Origination",
    "PacingDecision",
    "PacingFacts",
    "PacingStrategy",
    "Problem",
    "QueueStanding",
    "Records",
    "SavedFilter",
    "SessionFilter",
    "ShareReport",
    "Store",
    "Telephony",
    "Trunk",
    "TrunkLimits",
    "TrunkReport",
    "WakeBus",
]
