"""Whether a lead may be dialled now, why not, and when at the earliest. Selection and explanation alike."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from dialler.domain.calling_window import CallingWindow
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.lead import Lead, PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition, as it stood."""

    name: str
    """campaign, list, state, number, do_not_call, expiry, window, rest, attempts, attempts_per_day."""

    passed: bool
    value: str
    """What was found, for people: "21:04 in America/New_York"."""

    rule: str
    """What it was held against: "sat 08:00-21:00"."""

    earliest: datetime | None = None
    """When this gate opens by itself (UTC); now or earlier if passed; None: only somebody's doing opens it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What has to be known beside the lead itself."""

    campaign: Campaign
    lead_list: LeadList
    window: CallingWindow
    """Of the lead's window key, under the campaign's hours."""

    dnc: Set[str] = frozenset()
    """Those of the lead's numbers that are on a do-not-call list in force for the campaign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Every gate with its value; never only the first that fails."""

    gates: tuple[Gate, ...]
    number: PhoneNumber | None
    """The number to dial; None where none can be."""

    dialable: bool
    earliest: datetime | None
    """The earliest instant at which all gates that open by themselves are open: `now` if dialable; None if never
    without somebody's doing."""


def dialable(lead: Lead, facts: Facts, now: datetime) -> Verdict:
    """Return the verdict on `lead` at `now`."""
    raise NotImplementedError
