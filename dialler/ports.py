"""What the engine needs of the outside: records, the telephone, pacing, and its own hand to others."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from dialler.domain.abandon import AbandonCounts, PeriodRate
from dialler.domain.campaign import Campaign, CampaignSettings, Desired, LeadList
from dialler.domain.change_set import CampaignLists, ChangeSet
from dialler.domain.filter import Filter
from dialler.domain.import_block import ImportBlock
from dialler.domain.lead import Lead, LeadState, NewLead, NumberAttempts, WindowKey
from dialler.domain.lead_import import ImportTemplate, LeadImport
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.domain.strategy import Strategy, StrategySettings, StrategyVersion
from strategies.pacing import PacingDecision, PacingFacts, PacingStrategy
from telephony.port import LiveCall, LiveState, Origination, Telephony, Trunk

__all__ = [
    "AuditEntry",
    "AuditFilter",
    "Bucket",
    "DncEntry",
    "DncFilter",
    "EngineControl",
    "EngineReport",
    "Found",
    "IndexWork",
    "LeadFilter",
    "LiveCall",
    "LiveState",
    "Origination",
    "PacingDecision",
    "PacingFacts",
    "PacingStrategy",
    "Problem",
    "Records",
    "SavedFilter",
    "SessionFilter",
    "Store",
    "Telephony",
    "Trunk",
    "TrunkLimits",
    "WakeBus",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The leads of one list that share a window key."""

    list_id: int
    key_id: int
    key: WindowKey
    counts: Mapping[LeadState, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DncEntry:
    """A number that must not be called: in one campaign, in all campaigns of one merchant, or anywhere (neither)."""

    number: str
    """E.164."""

    campaign_id: int | None
    reason: str
    added_at: datetime
    merchant: str | None = None
    added_by: str = ""

    def __post_init__(self) -> None:
        if self.campaign_id is not None and self.merchant is not None:
            raise ValueError(f"an entry is of a campaign or of a merchant, got both for {self.number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DncFilter:
    """Which do-not-call entries; None matches all."""

    digits: str | None = None
    """How the number begins, from its country code on."""

    campaign_id: int | None = None
    merchant: str | None = None
    everywhere: bool = False
    """Only those that hold anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFilter:
    """Which leads; None matches all."""

    campaign_id: int | None = None
    list_id: int | None = None
    state: LeadState | None = None
    number: str | None = None
    customer_key: str | None = None
    external_lead_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions; None matches all."""

    campaign_id: int | None = None
    list_id: int | None = None
    lead_id: int | None = None
    status: SessionStatus | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries of the audit; None matches all."""

    what: str | None = None
    """How the name of what was done begins: "lead." for all that was done to leads."""

    who: str | None = None
    """"socket:ann", or without the door by which she came, "ann"."""

    lead_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """The first moment that is not meant any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who changed what, and when."""

    audit_id: int
    at: datetime
    who: str
    what: str
    details: Mapping[str, object]
    """Of what it was, with `before` and `after` where there is one."""

    lead_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Found(Generic[T]):
    """A page of what was found."""

    items: Sequence[T]
    next: int | None
    """To be given back as `after`; None: there is no more."""

    looked_at: int
    """Rows that were looked at, or passed."""

    is_partial: bool
    """Whether the search stopped before the page was full, since it had looked at enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexWork:
    """What a part of the index for searching leads is to hold."""

    rows: Sequence[tuple[str, int, bytes]]
    """Piece of text, block, which leads of the block."""

    upto: int | None = None
    """The id up to which leads are indexed with this; None leaves it as it is."""

    settled: Sequence[tuple[int, int]] = ()
    """Edited leads that are indexed anew with this, and the versions that were read."""

    forgotten: int = 0
    """How often somebody was erased before this was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFilter:
    """A filter that a user keeps: of "leads" or "sessions"."""

    noun: str
    name: str
    text: str
    saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A promise that stored data breaks, found by `dialler db check`."""

    promise: str
    what: str


class Records(Protocol):
    """The records, inside one transaction. Not for keeping: use it only within the work it was given to."""

    # campaigns and lists
    def campaigns(self) -> Sequence[Campaign]:
        """Return all campaigns, by id."""

    def campaign(self, campaign_id: int) -> Campaign:
        """Return one campaign. Raises NotFound."""

    def campaign_named(self, name: str) -> Campaign:
        """Return the campaign of that name. Raises NotFound."""

    def add_campaign(self, name: str, settings: CampaignSettings, now: datetime) -> Campaign:
        """Create a stopped campaign. Raises Conflict if the name is taken."""

    def set_campaign(self, campaign: Campaign) -> None:
        """Write name, desired state, settings and version. With other caps the leads of its lists are to be replanned.
        Raises NotFound, Conflict if the name is taken."""

    def lists(self, campaign_id: int | None = None) -> Sequence[LeadList]:
        """Return lists, by id."""

    def lead_list(self, list_id: int) -> LeadList:
        """Return one list. Raises NotFound."""

    def list_named(self, campaign_id: int, name: str) -> LeadList:
        """Return the campaign's list of that name. Raises NotFound."""

    def add_list(
        self,
        campaign_id: int,
        name: str,
        now: datetime,
        *,
        weight: int = 100,
        to_dial: bool = True,
        strategy_id: int | None = None,
    ) -> LeadList:
        """Create a list; one that is to dial gets the standard strategy where none is given. Raises NotFound
        (campaign), Conflict if the name is taken in the campaign."""

    def set_list(self, lead_list: LeadList) -> None:
        """Write everything that may change of a list, but not how far its leads are replanned: that begins anew with
        another order, other redial rules or caps. Raises NotFound, Conflict if the name is taken in the campaign."""

    def set_lists(self, lists: Sequence[LeadList]) -> None:
        """Do as `set_list` for several different lists, which may swap their names."""

    def delete_list(self, list_id: int) -> None:
        """Delete a list and its leads; sessions stay. Raises Conflict while it is to dial or has a lead in a call."""

    def replan(self, list_id: int, *, limit: int) -> Sequence[int]:
        """Give up to `limit` leads of a list the ranks of its strategy as it is now; return their ids, in order.

        Goes on by id behind the last one that was planned anew; fewer than `limit`: all are. Their turns by redial
        rules are the caller's to plan, in the same transaction.
        """

    # dialler strategies
    def strategies(self) -> Sequence[Strategy]:
        """Return all strategies, by id."""

    def strategy(self, strategy_id: int) -> Strategy:
        """Return one strategy. Raises NotFound."""

    def add_strategy(self, name: str, settings: StrategySettings, now: datetime) -> Strategy:
        """Create a strategy, version 1. Raises Conflict if the name is taken."""

    def set_strategy(self, strategy: Strategy, now: datetime) -> Strategy:
        """Write name and settings; other settings are a new version, and with another order, other redial rules or
        caps the leads of its lists are to be replanned. Returns the strategy as it is now. Raises NotFound, Conflict
        if the name is taken."""

    def delete_strategy(self, strategy_id: int) -> None:
        """Delete a strategy and its versions. Raises NotFound, Conflict while a list refers to it."""

    def strategy_versions(self, strategy_id: int) -> Sequence[StrategyVersion]:
        """Return what a strategy was, from its first version to the present one. Raises NotFound."""

    def add_change_set(
        self, campaign_id: int, *, before: CampaignLists, after: CampaignLists, who: str, now: datetime
    ) -> ChangeSet:
        """Note how some lists of a campaign were before and after they were changed together."""

    def last_change_set(self, campaign_id: int) -> ChangeSet | None:
        """Return the campaign's last change-set, undone or not; None: there was none."""

    def set_undone(self, change_set_id: int, now: datetime) -> None:
        """Note that a change-set was undone. Raises NotFound."""

    def attempts_since(self, list_ids: Sequence[int], since: datetime) -> Mapping[int, int]:
        """Return how many attempts of each list were begun since a moment, to about a second. Costs a walk along an
        index over the attempts counted."""

    def round_state(self, scope: str) -> Mapping[str, int] | None:
        """Return the saved state of a round robin ("campaign:7", "trunk:a"), None if there is none."""

    def save_round_state(self, scope: str, state: Mapping[str, int]) -> None:
        """Keep the state of a round robin."""

    # leads
    def add_leads(self, list_id: int, leads: Iterable[NewLead], now: datetime) -> Sequence[int]:
        """Add leads, ready; return their ids in order. Raises Conflict if a customer key is taken in the list."""

    def lead(self, lead_id: int) -> Lead:
        """Return one lead. Raises NotFound."""

    def leads_with(self, lead_ids: Sequence[int], *, to_change: bool = False) -> Mapping[int, Lead]:
        """Return those of the leads that there are, by id. With `to_change` nobody else can change them before the
        end of the transaction, so that what is written to them rests on what was read."""

    def lead_by_key(self, list_id: int, customer_key: str) -> Lead | None:
        """Return the list's lead with that customer key."""

    def leads_by_key(
        self, list_id: int, customer_keys: Sequence[str], *, to_change: bool = False
    ) -> Mapping[str, Lead]:
        """Return those of the list's leads that have one of the customer keys, by it; `to_change` as in
        `leads_with`."""

    def numbers_known(self, campaign_id: int, numbers: Sequence[str]) -> frozenset[str]:
        """Return those of `numbers` that a lead of the campaign already has."""

    def numbers_in_list(self, list_id: int, numbers: Sequence[str]) -> frozenset[str]:
        """Return those of `numbers` that a lead of the list already has."""

    def set_lead(self, lead: Lead) -> None:
        """Write everything of a lead that may change, and keep the counts of its bucket right. Its list may change to
        another one of the campaign: raises NotFound, Conflict for a list of another campaign, and Conflict if its
        customer key is taken there."""

    def set_leads(self, leads: Sequence[Lead]) -> None:
        """Do as `set_lead` for several different leads. Raises NotFound for any of them."""

    def delete_leads(self, lead_ids: Sequence[int]) -> None:
        """Delete leads; their sessions stay. Raises NotFound, and Conflict for one in a call: then none is deleted."""

    def erase_lead(self, lead_id: int) -> int:
        """Forget a person for good; return how many sessions were wiped.

        Name, keys, data and notes go from the lead, its sessions, its audit and the index of texts; numbers become
        keyed hashes, under which attempts on them and do-not-call entries are found as before. The lead is completed.
        Raises NotFound, and Conflict for one in a call.
        """

    def forget_numbers(self, numbers: Collection[str], *, after: int = 0) -> int | None:
        """Wipe numbers, however written, from entries of the audit that are of no lead, in a bounded part of it behind
        the id `after`; return where to go on, None at the end. For those of a person who is erased next."""

    def number_attempts(self, campaign_id: int, numbers: Sequence[str]) -> Mapping[str, NumberAttempts]:
        """Return the counted attempts on those of `numbers` that had any in the campaign, by number: a look-up each.

        They are counted as sessions end, by `set_sessions`.
        """

    def callbacks(
        self,
        campaign_id: int | None = None,
        *,
        agent: str | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> Sequence[Lead]:
        """Return a page of leads with a callback pending, the next due first: all, or an agent's.

        `after` is (callback_at, lead id) of the last one of the page before.
        """

    def wake_callbacks(self, bucket: tuple[int, int], now: datetime, *, limit: int) -> int:
        """Do as `wake_rested` for leads with a callback pending, so that they do not wait behind other rested ones."""

    def next_callback_due_at(self, bucket: tuple[int, int]) -> datetime | None:
        """Return when the next resting lead of a bucket with a callback pending is due."""

    def leads(self, which: LeadFilter, *, after: int = 0, limit: int = 100) -> Sequence[Lead]:
        """Return a page of leads by id, those above `after`."""

    def find_leads(self, wanted: Filter, *, after: int = 0, limit: int = 10) -> Found[Lead]:
        """Return a page of the leads that match, by id, those above `after`; the work is bounded. Raises NotFound for
        a campaign or list that the filter names and that is not there."""

    def search_work(self) -> IndexWork | None:
        """Return what is to be indexed next for finding leads by text, None if nothing is. Changes nothing: give it to
        `keep_search_work`, if need be in portions, the last of which says `upto` and `settled`."""

    def keep_search_work(self, work: IndexWork) -> bool:
        """Write what `search_work` found. Twice is once. False, and nothing is written, if somebody was erased since
        it was read: then it is to be read anew."""

    def buckets(self, list_ids: Sequence[int]) -> Sequence[Bucket]:
        """Return the buckets of lists, with their counts kept up by every transaction: no scan."""

    def ready_ranks(self, bucket: tuple[int, int], *, limit: int) -> Sequence[tuple[int, int, int]]:
        """Return (priority, rank, lead id) of the first ready leads of a bucket (list id, key id): the highest priority
        first, then the lowest rank, then the lowest id. Costs the same however many leads there are: one walk along an
        index.
        """

    def wake_rested(self, bucket: tuple[int, int], now: datetime, *, limit: int) -> int:
        """Make up to `limit` resting leads of a bucket that are due ready, longest due first; return how many."""

    def next_due_at(self, bucket: tuple[int, int]) -> datetime | None:
        """Return when the next resting lead of a bucket is due."""

    # do-not-call
    def add_dnc(self, entries: Iterable[DncEntry]) -> int:
        """Add entries; return how many were new."""

    def remove_dnc(self, number: str, campaign_id: int | None, merchant: str | None = None) -> bool:
        """Remove one entry; False if it was not there."""

    def dnc_hits(self, campaign_id: int, numbers: Sequence[str]) -> frozenset[str]:
        """Return those of `numbers` that must not be called for the campaign: by its own entries, its merchant's, and
        those that hold anywhere. A campaign that there is not has only the last."""

    def dnc_entries(
        self, which: DncFilter, *, after: tuple[str, int, str] | None = None, limit: int = 100
    ) -> Sequence[DncEntry]:
        """Return a page of entries by number, campaign (0 for none) and merchant ("" for none); `after` is these three
        of the last one of the page before. One walk along an index."""

    def dnc_of(self, number: str) -> Sequence[DncEntry]:
        """Return all entries of a number."""

    # sessions
    def add_session(self, session: Session) -> Session:
        """Write a new session; return it with its `seq`. Raises Conflict if the lead has an open one (the schema
        says so)."""

    def add_sessions(self, sessions: Sequence[Session]) -> Sequence[Session]:
        """Write new sessions, numbered in their order; return them with their `seq`. Raises Conflict as
        `add_session` does: then none of them was added."""

    def set_session(self, session: Session) -> None:
        """Write everything of a session that may change. Raises NotFound."""

    def set_sessions(self, sessions: Sequence[Session]) -> None:
        """Do as `set_session` for several different sessions. Raises NotFound for any of them."""

    def session(self, session_id: str) -> Session:
        """Return one session. Raises NotFound."""

    def last_sessions(self, lead_ids: Sequence[int]) -> Mapping[int, Session]:
        """Return the last session of each of these leads that was ever called, by lead: a look-up each."""

    def open_sessions(self) -> Sequence[Session]:
        """Return all sessions whose status is open, by seq."""

    def sessions(
        self,
        which: SessionFilter,
        *,
        after: int | None = None,
        limit: int = 100,
        newest_first: bool = True,
    ) -> Sequence[Session]:
        """Return a page of sessions by seq; `after` is the seq of the last one of the page before."""

    def find_sessions(
        self, wanted: Filter, *, after: int | None = None, limit: int = 10, newest_first: bool = True
    ) -> Found[Session]:
        """As `find_leads`, by seq."""

    def session_counts(self, campaign_id: int | None = None) -> Mapping[tuple[int, SessionStatus, Outcome | None], int]:
        """Return counts by (list id, status, outcome), kept up by every transaction: no scan."""

    # the abandon ledger
    def abandon_counts(self, campaign_id: int, *, since: int) -> Mapping[int, AbandonCounts]:
        """Return what a campaign's calls counted as, by slot (`domain.abandon`), from slot `since` on; slots without
        any are not there. Kept up by every transaction that ends a session or changes its wrap code: no scan."""

    # totals
    def session_totals(self) -> Mapping[tuple[int, int, SessionStatus], int]:
        """Return counts of sessions by (campaign id, list id, status), also of lists that are gone: no scan."""

    def open_session_ids(self) -> frozenset[str]:
        """Return the ids of all sessions whose status is open: one walk along an index that holds no others."""

    def lead_totals(self) -> Mapping[tuple[int, LeadState], int]:
        """Return counts of leads by (list id, state): no scan."""

    def ready_keys(self, list_ids: Sequence[int]) -> Mapping[int, WindowKey]:
        """Return the window keys of the ready leads of these lists, by id: no scan."""

    def ready_totals(self, list_ids: Sequence[int], key_ids: Sequence[int]) -> Mapping[int, int]:
        """Return how many leads of each list are ready and have one of these window keys: no scan."""

    # imports
    def add_import(self, new: LeadImport) -> LeadImport:
        """Write a new import; return it with its id."""

    def lead_import(self, import_id: int, *, to_change: bool = False) -> LeadImport:
        """Return one import; `to_change` as in `leads_with`. Raises NotFound."""

    def imports(self, *, campaign_id: int | None = None, before: int | None = None, limit: int) -> Sequence[LeadImport]:
        """Return a page of imports, newest first, those below the id `before`."""

    def imports_of(self, sha256: str) -> Sequence[LeadImport]:
        """Return the imports of a file, by id."""

    def set_import(self, changed: LeadImport) -> None:
        """Write everything of an import that may change. Raises NotFound."""

    def add_import_blocks(self, import_id: int, blocks: Sequence[ImportBlock]) -> None:
        """Add rows of a file. Raises Conflict for a block that is there already."""

    def import_blocks(
        self,
        import_id: int,
        *,
        after: int = 0,
        limit: int = 1,
        marked: bool = False,
        cells: bool = True,
        leads: bool = True,
    ) -> Sequence[ImportBlock]:
        """Return the next blocks with rows above `after`; `marked`: only those with rows that are.

        Without `cells` or `leads` these are left out of the blocks.
        """

    def set_import_block(self, import_id: int, block: ImportBlock) -> None:
        """Write everything of a block that may change; leads only if it has some. One that is gone stays gone."""

    def delete_import_blocks(self, import_id: int, *, after: int = 0, limit: int = 1) -> int:
        """Delete the next blocks with rows above `after`; return how many."""

    def add_import_template(self, new: ImportTemplate) -> ImportTemplate:
        """Save a mapping; return it with its version, one above the last of its name."""

    def import_templates(self, header_sha256: str | None = None) -> Sequence[ImportTemplate]:
        """Return the latest version of each template, those for one header if it is given, by name."""

    def import_template(self, name: str, version: int | None = None) -> ImportTemplate:
        """Return a template, its latest version where none is given. Raises NotFound."""

    # what users keep
    def save_filter(self, who: str, noun: str, name: str, text: str, now: datetime) -> bool:
        """Keep a filter under a name, in place of what had the name; return whether it is new."""

    def saved_filters(self, who: str, noun: str | None = None) -> Sequence[SavedFilter]:
        """Return a user's filters, by noun and name."""

    def delete_filter(self, who: str, noun: str, name: str) -> None:
        """Forget a filter. Raises NotFound."""

    def view_columns(self, who: str, view: str) -> Sequence[str] | None:
        """Return the columns that a user wants to see in a view, None if nothing was said."""

    def set_view_columns(self, who: str, view: str, columns: Sequence[str] | None) -> None:
        """Keep a user's columns of a view; None forgets them."""

    # audit
    def add_audit(
        self, at: datetime, who: str, what: str, details: Mapping[str, object], *, lead_id: int | None = None
    ) -> None:
        """Note who changed what; with `lead_id` of whom, so that it goes when the person is erased."""

    def add_audits(self, at: datetime, who: str, what: str, details: Mapping[int, Mapping[str, object]]) -> None:
        """Note the same of several leads, each with its own details, by lead id."""

    def audit(
        self, which: AuditFilter, *, after: int | None = None, limit: int = 10, newest_first: bool = True
    ) -> Found[AuditEntry]:
        """Return a page of the entries that match, in the order in which they were written; `after` is the id of the
        last one of the page before. The work is bounded: along the index of a lead, else along a bounded part of the
        audit, which moments narrow down."""

    def check(self) -> Sequence[Problem]:
        """Verify the promises on the stored data: counts against rows, one open session a lead, an `in_call` lead
        for each open session and the other way round, seq without repeats. Scans."""


class Store(Protocol):
    """The records, from outside a transaction."""

    async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
        """Run `work` in a transaction; return once what it did is durable.

        Works run one at a time, in the order of their calls; several may share one commit. One that raises is
        undone alone and its error propagates. With `urgent` false it may wait, up to the store's group delay, for
        others to share its commit. Raises StoreError (StoreFull, ...): then nothing of it was kept. Once handed
        over, cancelling the caller does not stop the work.
        """

    async def read(self, work: Callable[[Records], T]) -> T:
        """Run `work` on a consistent, read-only view of what is durable."""

    async def aclose(self) -> None:
        """Finish what was handed over, then close."""


class TrunkLimits(Protocol):
    """How many calls a second, and how many channels, of each trunk this engine may use.

    Other engines may share the trunks. What is told at once is the best knowledge there is, for snapshots; only
    `reserve` binds. A trunk that is not known has nothing free and holds nothing.
    """

    @property
    def shared(self) -> bool | None:
        """Whether the caps are shared with others now; False where they should be and can't, None where nobody asks."""

    def said(self) -> Sequence[str]:
        """Return why less than the caps may be used, in words; empty where nothing is wrong."""

    def set_caps(self, caps: Mapping[str, Trunk]) -> None:
        """Change rates and channels while running; calls under way are not touched."""

    def tokens(self, name: str) -> int:
        """Return how many calls the rate allows now."""

    def token_due_s(self, name: str) -> float:
        """Return in how many seconds the rate allows the next call; 0 if now."""

    def channels_free(self, name: str) -> int:
        """Return how many more calls the trunk can hold."""

    def channels_used(self, name: str) -> int:
        """Return how many channels this engine's calls hold, with those reserved for calls to come."""

    async def reserve(self, wanted: Mapping[str, int]) -> Mapping[str, int]:
        """Take for each trunk up to so many tokens and as many channels; return how many were there.

        Each is then for one call, by `hold`, or is given back. Never raises for want of others, never takes long.
        """

    def give_back(self, unused: Mapping[str, int]) -> None:
        """Give back what was reserved and no call was placed with."""

    def hold(self, name: str, call_id: str, *, reserved: bool) -> None:
        """Give a call a channel: one of those reserved, or one more, whatever the cap. Twice is once."""

    def release(self, name: str, call_id: str) -> None:
        """Give a call's channel back; twice is once."""

    async def run(self, changed: Callable[[], None], *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Keep in touch with the others, if there are any, until cancelled; started once that was tried.

        Call `changed` when more may be free than was known.
        """

    async def leave(self) -> None:
        """Take leave of the others: calls that are still up keep their channels, nothing else does."""


class WakeBus(Protocol):
    """Tells other engines that something is worth a look. What is said while they are away is lost.

    Topics: "follow" (what supervisors want has changed), "trunk:NAME" (a channel that others want came free).
    """

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        """Call `listener` when another one publishes `topic`, and whenever something may have been missed."""

    def publish(self, topic: str) -> None:
        """Tell the others, not ourselves; at once or soon."""

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Keep in touch until cancelled; started once that was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkReport:
    """A trunk as the engine sees it."""

    name: str
    server: str
    up: bool
    channels_used: int
    channels: int
    calls_per_second: float
    tokens: int = 0
    """Calls that the rate allows now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShare:
    """A list's part of its campaign's calls."""

    list: str
    weight: int
    calls: int
    """Intents since the count began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareReport:
    """The shares of the lists that have somebody to call, counted since one of them last came, went or changed."""

    lists: Sequence[ListShare]
    after_change: bool
    """Whether the count began with a change: then the bound is 1/max(w) wider than from a fresh start."""

    worst: float
    """The largest error since this process began, over all counts, as a part of its bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """What a campaign's dialler is doing, and why it is not doing more."""

    campaign_id: int
    name: str
    desired: Desired
    actual: Literal["stopped", "running", "paused", "draining", "blocked"]
    calls_unanswered: int
    calls_waiting: int
    calls_talking: int
    agents_ready: int
    agents_busy: int
    hopper: Mapping[str, int]
    """Leads ready in the hopper, by the list's name."""

    pacing: PacingDecision | None
    """The last decision."""

    limits: Sequence[str]
    """Why it is not doing more, in words, the most binding first."""

    next_at: datetime | None
    """The next instant at which something changes by itself: a window opens, a rest ends."""

    shares: ShareReport | None = None
    """None: no call was placed yet."""

    runways_s: Mapping[str, float] = field(default_factory=dict)
    """How long the leads that can be dialled now last at the present pace, in seconds, by the list's name; without
    lists that nobody was called of within the last hour. Up to some minutes old."""

    runway_min_s: float = 0.0
    """A list whose leads last less long is told of."""

    abandon_rates: Sequence[PeriodRate] = ()
    """What part of the persons who answered got no agent in time, by period; none for a campaign without agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """The engine at one moment."""

    at: datetime
    started_at: datetime
    campaigns: Sequence[CampaignReport]
    trunks: Sequence[TrunkReport]
    agents: Mapping[str, str] = field(default_factory=dict)
    """State by agent."""

    shared_limits: bool | None = None
    """Whether the trunks' caps are shared with other engines now; None where they are not to be."""

    events_dropped: int = 0
    """Events of the exchange lost so far because nobody read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHolding:
    """What the records hold of one list."""

    campaign: str
    list: str
    leads: Mapping[LeadState, int]
    dialable: int
    """Ready leads whose calling window is open, between the list's start and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the records hold at one moment, by their counts, and what of it nobody can account for."""

    at: datetime
    sessions: Mapping[str, Mapping[SessionStatus, int]]
    """By campaign."""

    lists: Sequence[ListHolding]
    unaccounted: Mapping[str, int]
    """Differences by what they are of; all 0 in sound health.

    "leads": leads in a call, without an open session or the other way round, list by list. "sessions": sessions that
    the records hold open and the engine neither follows, nor waits for their wrap code, nor has their end on the way
    into the records; calls followed whose session is not open; and open sessions that the counts do not know.
    "slots": channels held on trunks less channels of calls followed, trunk by trunk. "numbers": calls followed whose
    number another call followed has too.
    """


class EngineControl(Protocol):
    """The running engine, as the API sees it."""

    async def follow(self) -> None:
        """Read the desired state again; return once the engine obeys it.

        After a stop is followed no further Originate leaves.
        """

    def report(self) -> EngineReport:
        """Return what the engine is doing."""

    async def account(self) -> Account:
        """Return what the records hold, as of some seconds ago at most. Raises StoreError."""
