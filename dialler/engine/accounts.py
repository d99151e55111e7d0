"""Compares what the records hold with what the engine knows: nothing may be unaccounted for.

The two are never at rest at the same time, so a difference of two counts would be of no use: an intent may be
durable and not be followed yet, an end may be known and not be durable yet. So sessions are compared one by one, and
those on their way are left out, exactly:

* A session that a view of the records holds open is accounted for if the engine followed it, had it as an offer, or
  waited for its wrap code, before the view was taken or does so afterwards, or if its end was on its way at any time
  between. Afterwards means between two passes of the dial loop: then every intent that the view can show has been
  handed over.
* A call that was followed before and is followed still has an open session in the view: its end would have been put
  into the outbox only when it was let go.

Everything that is compared is bounded by the channels; the rest are counts that every transaction keeps up.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio

from dialler.clock import Clock
from dialler.domain.lead import LeadState
from dialler.domain.session import SessionStatus
from dialler.engine.floor import Floor
from dialler.engine.outlook import dialable_counts
from dialler.engine.windows import Windows
from dialler.engine.wrapping import Wrapping
from dialler.ports import Account, ListHolding, Records
from telephony.events import AgentState

KEPT_S: Final = 5.0
"""Who asks again within so many seconds gets the same answer."""

SHOWN_MAX: Final = 20
"""Sessions that one line of the log names."""

_log = logging.getLogger("dialler.accounts")


class Accounts:
    """Takes accounts of one engine, when somebody asks."""

    def __init__(self, floor: Floor, wrapping: Wrapping, at_work: anyio.Lock) -> None:
        """`at_work` is held during a pass of the dial loop: who has it knows that no intent is half way."""
        self._floor = floor
        self._wrapping = wrapping
        self._at_work = at_work
        self._one_at_a_time = anyio.Lock()
        self._last: Account | None = None
        self._taken_at_s = 0.0
        self._told: Set[str] = frozenset()
        self.ready = anyio.Event()
        """Set once the open sessions of an earlier process are taken up."""

    async def latest(self) -> Account:
        """Return an account that is not older than `KEPT_S`. Raises StoreError."""
        await self.ready.wait()
        async with self._one_at_a_time:
            now_s = self._floor.clock.monotonic()
            if self._last is None or now_s - self._taken_at_s >= KEPT_S:
                self._last = await self.take()
                self._taken_at_s = now_s
            return self._last

    async def take(self) -> Account:
        """Take an account now. Raises StoreError."""
        floor = self._floor
        with floor.outbox.ends() as ending:
            followed = set(floor.board.calls)
            known = followed | self._wrapping.waiting | floor.board.offers.keys()
            held = await floor.store.read(partial(_held, windows=floor.windows, clock=floor.clock))
            async with self._at_work:
                now_known = floor.board.calls.keys() | floor.board.offers.keys() | self._wrapping.waiting
                unknown = held.open - known - now_known - ending
                missing = (followed & floor.board.calls.keys()) - held.open
                differences = self._own_differences()
        self._tell(unknown | missing)
        return Account(
            at=floor.clock.now(),
            sessions=held.sessions,
            lists=held.lists,
            unaccounted={
                "leads": held.leads_amiss,
                "sessions": len(unknown) + len(missing) + held.sessions_amiss,
                **differences,
            },
        )

    def _tell(self, amiss: Set[str]) -> None:
        """Log which sessions do not add up, once for the same ones."""
        if amiss and amiss != self._told:
            shown = sorted(amiss)[:SHOWN_MAX]
            _log.error("sessions unaccounted for", extra={"count": len(amiss), "session_ids": shown})
        self._told = amiss

    def _own_differences(self) -> Mapping[str, int]:
        """Compare what the engine itself holds twice."""
        floor = self._floor
        calls = floor.board.calls
        followed = Counter(tracked.session.trunk for tracked in calls.values())
        return {
            "slots": sum(abs(floor.trunks.channels_used(name) - followed[name]) for name in floor.trunks),
            "numbers": len(calls) + len(floor.board.offers) - len(floor.board.numbers()),
            "agents": floor.agent_shares.unaccounted(
                sum(state is not AgentState.AWAY for state in floor.board.agents(None).values())
            ),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    sessions: Mapping[str, Mapping[SessionStatus, int]]
    lists: list[ListHolding]
    open: Set[str]
    sessions_amiss: int
    """By how much the counts of open sessions differ from their rows."""

    leads_amiss: int
    """By how much leads in a call differ from open sessions, list by list."""


def _held(records: Records, *, windows: Windows, clock: Clock) -> _Held:
    """Read what the records hold."""
    open_ids = records.open_session_ids()
    leads = records.lead_totals()
    campaigns = {each.campaign_id: each for each in records.campaigns()}
    lists = records.lists()
    sessions = {each.name: dict.fromkeys(SessionStatus, 0) for each in campaigns.values()}
    open_by_list: Counter[int] = Counter()
    for (campaign_id, list_id, status), n in records.session_totals().items():
        sessions[campaigns[campaign_id].name][status] += n
        open_by_list[list_id] += n if status.is_open else 0
    in_call = Counter({list_id: n for (list_id, state), n in leads.items() if state is LeadState.IN_CALL})
    dialable = dialable_counts(records, lists, campaigns, clock.now(), windows=windows)
    return _Held(
        sessions=sessions,
        lists=[
            ListHolding(
                campaign=campaigns[each.campaign_id].name,
                list=each.name,
                leads={state: leads.get((each.list_id, state), 0) for state in LeadState},
                dialable=dialable[each.list_id],
            )
            for each in lists
        ],
        open=open_ids,
        sessions_amiss=abs(len(open_ids) - open_by_list.total()),
        leads_amiss=sum(abs(in_call[each] - open_by_list[each]) for each in in_call.keys() | open_by_list.keys()),
    )
