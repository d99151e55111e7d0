"""Who is called next: leads read ahead, judged one by one, and put aside where a gate stops them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from dialler.domain.by_hand import is_forgotten, without_callback
from dialler.domain.caller_id_choice import CallerIdBook, Choice, region_of
from dialler.domain.campaign import Campaign, LeadList
from dialler.domain.evolve import evolve
from dialler.domain.lead import Lead, LeadState, NumberAttempts, WindowKey
from dialler.domain.verdict import Facts, Verdict, dialable
from dialler.engine.caller_ids import CallerIdWait
from dialler.engine.hopper import Hopper
from dialler.engine.opening import Slot, called
from dialler.engine.put_aside import put_aside
from dialler.engine.replan import replan_leads
from dialler.engine.windows import Windows
from dialler.ports import Records

AGENT_REST = timedelta(minutes=5)
"""A callback whose agent is not ready is looked at again after so long, if he does not become ready before that.

The engine remembers who waits for whom; this is for those whom an engine that has gone remembered.
"""

REFUSED_MAX = 500
"""Leads refused in one transaction, after which it ends: a long do-not-call list must not hold up the records."""

SHORT_WAIT = timedelta(minutes=5)
"""A lead that waits no longer than this for a caller id holds up those behind it, if there are many such."""

WAITING_MAX = 20
"""Leads that wait a little while for a caller id, in one transaction, after which calls on their trunk wait."""

READ_AHEAD = 32
"""Leads read at once where more of a list were refused than was foreseen."""

ALIKE_MIN = 20
"""Leads of one list, bucket and area that wait long for a caller id, after which those behind them are not looked at
one by one."""

REST_AT_ONCE, REST_MAX = 2_000, 4_000
"""Leads that are put aside unseen in one step, and in one transaction: some ten milliseconds of the records' thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """Leads of a list that were put aside in one step."""

    lead_list: LeadList
    leads: int
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCallback:
    """A callback that waits for its agent, and for nothing else."""

    agent: str
    campaign_id: int
    lead_id: int
    due_at: datetime
    """When the lead is looked at again in any case, as it stands in its record."""


class Picking:
    """The leads that one campaign calls next, within one transaction.

    Leads, and which of their numbers must not be called, are read for many at once: a statement for each would cost
    more than all the rest of an intent. They are read in the transaction that writes the intents, so that what the
    gates see is what holds when it commits.
    """

    def __init__(
        self,
        records: Records,
        campaign: Campaign,
        hopper: Hopper,
        windows: Windows,
        in_call: Set[str],
        now: datetime,
        book: CallerIdBook | None = None,
        *,
        agents: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`book` is the campaign's pool of caller ids; None: it has none.

        `agents` are those who can be held for a call, by server.
        """
        self._records = records
        self._campaign = campaign
        self._hopper = hopper
        self._windows = windows
        self._in_call = in_call
        self._now = now
        self._book = book
        self._agents = {server: [*able] for server, able in (agents or {}).items()}
        self._server: str | None = None
        self._trunk: str | None = None
        self._agent: str | None = None
        self._used: dict[str, None] = {}
        self._waiting: list[Verdict] = []
        self._alike: Counter[tuple[int, WindowKey, str]] = Counter()
        self.rested: list[Rested] = []
        """Leads that were put aside unseen, as others of their area wait for a caller id."""

        self.waits: dict[str, CallerIdWait] = {}
        """What calls on a trunk wait for, by trunk, where no caller id is left for them."""

        self._read: dict[int, Lead | None] = {}
        self._dnc: set[str] = set()
        self._attempts: dict[str, NumberAttempts] = {}
        self._of_bucket: dict[tuple[int, WindowKey, str | None], Facts] = {}
        self._to_write: list[Lead] = []
        self.callbacks: list[WaitingCallback] = []
        """Callbacks that wait for their agents from now on."""

        self.refused: list[tuple[LeadList, Lead, str]] = []
        """Leads that did not pass, with the gate that stopped them."""

    @property
    def has_refused_enough(self) -> bool:
        """Whether so many were refused that the transaction has to end."""
        return (
            len(self.refused) >= REFUSED_MAX
            or len(self._waiting) >= WAITING_MAX
            or sum(each.leads for each in self.rested) >= REST_MAX
        )

    @property
    def used(self) -> Iterable[str]:
        """The pool's numbers that calls show from now on."""
        return self._used

    def on(self, slot: Slot) -> bool:
        """Look for calls on a trunk; False where it has no caller id for anybody, and nobody is to be looked for."""
        trunk, self._trunk, self._server, self._agent = slot.trunk, slot.trunk, slot.server, slot.agent
        if self._book is None or self._book.is_any_free(trunk, self._now):
            return True
        if trunk not in self.waits:
            none = self._book.none_free(trunk, self._now)
            self.waits[trunk] = CallerIdWait(reason=none.reason, until=none.free_at)
        return False

    def read_ahead(self, turns: Mapping[int, int]) -> None:
        """Read those who will be called if nobody is refused: `turns` says how many of each list."""
        self._look_at([lead_id for list_id, n in turns.items() for lead_id in self._hopper.ahead(list_id, n)])

    def next_of(self, lead_list: LeadList) -> tuple[Lead, Verdict, str | None] | None:
        """Take the list's next lead that passes the gates; None: nobody is left, or enough were refused.

        With it comes the agent who has to be held for the call, None where it needs none.
        """
        while not self.has_refused_enough:
            lead_id = self._hopper.take(self._records, self._campaign, lead_list, self._now, before_refill=self.write)
            if lead_id is None:
                return None
            if lead_id not in self._read:
                self._look_at([lead_id, *self._hopper.ahead(lead_list.list_id, READ_AHEAD)])
            lead = self._read.pop(lead_id)
            if lead is None or lead.list_id != lead_list.list_id:
                continue  # Deleted or moved since it came into the hopper.
            if is_forgotten(lead, self._now):
                # Its callback has expired, and it has no business before the others any more.
                self._to_write.append(without_callback(lead))
                continue
            # Its batch has not come yet, and nobody is called by rules that are no longer.
            anew = self._replanned(lead, lead_list) if lead_list.awaits_replan(lead_id) else None
            lead = anew or lead
            facts = self._facts(lead, lead_list)
            verdict = dialable(lead, facts, self._now)
            if verdict.dialable:
                return lead, verdict, None
            able = self._agents.get(self._server or "", [])
            promised = lead.callback_agent if "agent" in verdict.shut else None
            if promised is not None or (verdict.shut == {"abandoned"} and able):
                agent = promised or able[0]
                held = dialable(lead, replace(facts, agent=agent), self._now)
                if held.dialable and agent in able:
                    self._take(agent)
                    return lead, held, agent
                if held.dialable:
                    self._wait_for(agent, lead, verdict)
                    self.refused.append((lead_list, lead, "agent"))
                    continue
                # Its agent does not matter then. Waiting for him it would miss the moment when he can call.
                verdict = held
            gate = next(gate.name for gate in verdict.gates if not gate.passed)
            self.refused.append((lead_list, lead, gate))
            self._note_wait(verdict, gate)
            aside = put_aside(lead, verdict, self._now, waits_for_agent=self._waits_for_agent) or anew
            if aside is not None:
                self._to_write.append(aside)
                if gate == "caller_id" and aside.due_at is not None:
                    self._rest_alike(lead, lead_list, verdict, aside.due_at)
        return None

    def _rest_alike(self, lead: Lead, lead_list: LeadList, verdict: Verdict, until: datetime) -> None:
        """Put those aside that wait for the same caller ids as a lead does, once there were many of them.

        No area of the pool tells them apart, and on no trunk there is one: the gates would say the same of each.
        """
        assert verdict.number is not None and self._book is not None
        region = region_of(lead.window_key)
        if until - self._now <= SHORT_WAIT or self._book.choose(verdict.number.number, region, None, self._now).number:
            return
        begins = self._book.alike(verdict.number.number)
        alike = (lead_list.list_id, lead.window_key, begins)
        self._alike[alike] += 1
        if self._alike[alike] < ALIKE_MIN:
            return
        self.write()
        places = [each for each in self._records.buckets([lead_list.list_id]) if each.key == lead.window_key]
        place = (lead_list.list_id, places[0].key_id)
        leads = self._records.rest_alike(place, begins, until, limit=REST_AT_ONCE)
        if leads:
            self.rested.append(Rested(lead_list=lead_list, leads=leads, until=until, reason=verdict.gates[-1].value))
            self._hopper.renew(lead_list.list_id)

    def _take(self, agent: str) -> None:
        for able in self._agents.values():
            if agent in able:
                able.remove(agent)

    def _wait_for(self, agent: str, lead: Lead, verdict: Verdict) -> None:
        """Put a lead aside whose callback its agent can't keep yet."""
        due_at = min(verdict.earliest or self._now + AGENT_REST, self._now + AGENT_REST)
        self._to_write.append(evolve(lead, state=LeadState.RESTING, due_at=due_at))
        self.callbacks.append(
            WaitingCallback(agent=agent, campaign_id=lead.campaign_id, lead_id=lead.lead_id, due_at=due_at)
        )

    @property
    def _waits_for_agent(self) -> bool:
        return self._campaign.settings.abandoned_hold_agent

    def _note_wait(self, verdict: Verdict, gate: str) -> None:
        """Note a lead that waits for a caller id for a little while.

        The others of its area would wait, too: after some of them the trunk waits, or each rest of a number would put
        all leads aside. One that waits for tomorrow is put aside like any other, and those of other areas go ahead.
        """
        if gate != "caller_id" or verdict.earliest is None or verdict.earliest - self._now > SHORT_WAIT:
            return
        self._waiting.append(verdict)
        if self.has_refused_enough and self._trunk is not None:
            first = min(self._waiting, key=lambda each: each.earliest or self._now)
            self.waits[self._trunk] = CallerIdWait(reason=first.gates[-1].value, until=first.earliest)

    def _choose(self, lead: Lead, number: str, now: datetime) -> Choice:
        assert self._book is not None
        return self._book.choose(number, region_of(lead.window_key), self._trunk, now)

    def call(self, lead: Lead, caller_id: str | None) -> date | None:
        """Note that a lead is in a call from now on, and what that shows; None: nothing yet, or nothing of a pool.

        Returns the pool's day on which the caller id is used, None where there is none.
        """
        self._to_write.append(called(lead))
        if self._book is None or caller_id is None:
            return None
        self._book.use(caller_id, self._now)
        self._used[caller_id] = None
        return self._book.uses[caller_id].day

    def write(self) -> None:
        """Write down what became of the leads so far."""
        self._records.set_leads(self._to_write)
        self._to_write.clear()

    def _look_at(self, lead_ids: Sequence[int]) -> None:
        leads = self._records.leads_with(lead_ids, to_change=True)
        self._read.update((lead_id, leads.get(lead_id)) for lead_id in lead_ids)
        numbers = sorted({number.number for lead in leads.values() for number in lead.numbers})
        self._dnc |= self._records.dnc_hits(self._campaign.campaign_id, numbers)
        self._attempts.update(self._records.number_attempts(self._campaign.campaign_id, numbers))

    def _replanned(self, lead: Lead, lead_list: LeadList) -> Lead | None:
        """Return the lead by the rules as they are now; None: it is so already."""
        changed = replan_leads(self._records, self._windows, self._campaign, lead_list, [lead], self._now)
        return changed[0][1] if changed else None

    def _facts(self, lead: Lead, lead_list: LeadList) -> Facts:
        """Return what the gates know beside the lead itself: the same for all leads of a bucket."""
        bucket = (lead_list.list_id, lead.window_key, self._agent)
        facts = self._of_bucket.get(bucket)
        if facts is None:
            facts = self._of_bucket[bucket] = Facts(
                campaign=self._campaign,
                lead_list=lead_list,
                window=self._windows.window(self._campaign.settings.hours, lead.window_key),
                in_call=self._in_call,
                dnc=self._dnc,
                attempts=self._attempts,
                agent=self._agent,
                caller_id=None if self._book is None else self._choose,
            )
        return facts
