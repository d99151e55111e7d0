"""Whose turn, who, and the intent itself: gates and session New in one transaction.

Everything here runs inside one transaction of the records. If that is undone, nothing of it happened: the caller
forgets the hopper, and the round robin is read from the records again.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from dialler.clock import Clock
from dialler.domain.campaign import Campaign, Desired, LeadList
from dialler.domain.lead import Lead
from dialler.domain.session import Session
from dialler.engine.caller_ids import CallerIdBooks, CallerIdWait
from dialler.engine.hopper import Hopper
from dialler.engine.opening import Intent, Opening, Slot, promised_words
from dialler.engine.picking import Picking, Rested, WaitingCallback
from dialler.engine.windows import Windows
from dialler.ports import Records
from strategies.round_robin import LARGEST, RoundRobin

_TURN = "turn"
"""The key, beside the round robin's own state, of a list whose turn is not over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How many calls one campaign places now, and on which trunks."""

    campaign_id: int
    slots: Sequence[Slot]
    dial_mode: str
    reason: str
    is_offers: bool = False
    """Whether its calls wait until their agents accept them."""

    agents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Agents who can be held for a call to somebody who was abandoned, or whom they promised one; by server."""


@dataclass(slots=True, kw_only=True)
class Outcomes:
    """What came of one order."""

    intents: list[Intent] = field(default_factory=list)
    refused: list[tuple[LeadList, Lead, str]] = field(default_factory=list)
    """Leads that did not pass, with the gate that stopped them."""

    dry: list[LeadList] = field(default_factory=list)
    """Lists that have run out of leads to call now."""

    rounds: list[tuple[int, Mapping[int, int]]] = field(default_factory=list)
    """The rounds in which the intents had their turns, in order: how many intents came before one, and its weights by
    list."""

    is_fresh: bool = False
    """The first of the rounds began with this order, with nobody ahead."""

    is_carried: bool = False
    """The first turn was taken by the order before, whose leads were all refused."""

    is_unfinished: bool = False
    """So many leads were refused that the rest of the order was put off."""

    rested: Sequence[Rested] = ()
    """Leads that were put aside unseen."""

    callbacks: Sequence[WaitingCallback] = ()
    """Callbacks that wait for their agents from now on."""

    waits: Mapping[str, CallerIdWait] = field(default_factory=dict)
    """What the calls that were not placed wait for, by trunk, where no caller id is left for them."""


def round_scope(campaign_id: int) -> str:
    """Return the name under which a campaign's round robin is kept."""
    return f"campaign:{campaign_id}"


class Intents:
    """Commits the intents of orders."""

    def __init__(self, windows: Windows, clock: Clock, chance: random.Random) -> None:
        self._windows = windows
        self._clock = clock
        self._opening = Opening(windows, chance)
        self._caller_ids = CallerIdBooks()

    def lock(self, records: Records, campaigns: Iterable[Campaign]) -> None:
        """Take hold of what orders of several campaigns use, before any of them is committed."""
        self._caller_ids.lock(records, (each.settings.caller_id_pool for each in campaigns))

    def forget(self) -> None:
        """Forget what is kept between transactions: the last one may have been undone."""
        self._caller_ids.forget()

    def commit(self, records: Records, order: Order, hopper: Hopper, in_call: set[str]) -> Outcomes:
        """Fill the order's slots in the lists' turns; return the intents, in order.

        A lead refused by a gate is replaced by the next lead of the same list in the same slot; only when the list
        has nobody left is its slot given to the next list. `in_call` are the numbers that are being called; those
        of the intents come to them.
        """
        done = Outcomes()
        campaign = records.campaign(order.campaign_id)
        if campaign.desired is not Desired.RUNNING:
            return done
        now = self._clock.now()
        lists = self._with_stock(records, campaign, hopper, done, now)
        scope = round_scope(campaign.campaign_id)
        state = dict(records.round_state(scope) or {})
        # A turn whose leads were all refused up to the limit goes on in the next transaction.
        turn = state.pop(_TURN, None)
        weights = {list_id: each.weight if campaign.settings.weighting else 1 for list_id, each in lists.items()}
        turns = RoundRobin(weights, state)
        pool = campaign.settings.caller_id_pool
        book = None if pool is None else self._caller_ids.open(records, pool)
        picking = Picking(
            records,
            campaign,
            hopper,
            self._windows,
            in_call,
            now,
            book,
            agents=order.agents,
        )
        picking.read_ahead(_foreseen(turns, turn, len(order.slots)))
        opened: list[tuple[Session, datetime]] = []
        done.rounds.append((0, weights))
        done.is_fresh, done.is_carried = not state.get(LARGEST), turn in lists
        for slot in order.slots:
            if not picking.on(slot):
                continue
            if turn not in lists:
                turn = turns.next()
            picked = None
            while turn is not None:
                picked = picking.next_of(lists[turn])
                if picked is not None or picking.has_refused_enough:
                    break
                turns.leave(turn)
                done.rounds.append((len(opened), turns.weights))
                done.dry.append(lists.pop(turn))
                turn = turns.next()
            if picked is None or turn is None:
                break
            lead, verdict, agent = picked
            day = picking.call(lead, None if order.is_offers else verdict.caller_id)
            opened.append(
                self._opening.session_of(
                    campaign,
                    lists[turn],
                    lead,
                    verdict,
                    slot if agent is None else replace(slot, agent=agent),
                    dial_mode=order.dial_mode,
                    reason=_why(agent, lead, order.reason),
                    now=now,
                    caller_id_day=day,
                )
            )
            if agent is not None:
                session, until = opened[-1]
                opened[-1] = replace(session, accepted_at=now), until
            in_call.add(opened[-1][0].number)
            turn = None
        picking.write()
        if book is not None:
            self._caller_ids.write(records, book, picking.used)
        sessions = records.add_sessions([session for session, _ in opened])
        done.intents = [
            Intent(session=session, campaign=campaign, valid_until=valid_until)
            for session, (_, valid_until) in zip(sessions, opened, strict=True)
        ]
        done.refused, done.rested, done.waits = picking.refused, picking.rested, picking.waits
        done.callbacks = picking.callbacks
        done.is_unfinished = turn is not None
        records.save_round_state(scope, turns.state() if turn is None else {**turns.state(), _TURN: turn})
        return done

    @staticmethod
    def _with_stock(
        records: Records, campaign: Campaign, hopper: Hopper, done: Outcomes, now: datetime
    ) -> dict[int, LeadList]:
        """Return the lists that have somebody to call, by id; note those that have nobody any more."""
        lists = {}
        for each in records.lists(campaign.campaign_id):
            if not each.to_dial:
                continue
            was_dry = hopper.is_dry(each.list_id, now)
            if hopper.has_stock(records, campaign, each, now):
                lists[each.list_id] = each
            elif not was_dry:
                done.dry.append(each)
        return lists


def _why(agent: str | None, lead: Lead, pacing: str) -> str:
    """Return why a call is made; `agent` is held for it, who may be the one who promised it."""
    is_promised = agent is not None and lead.callback_at is not None and lead.callback_agent == agent
    return promised_words(agent, pacing) if is_promised else pacing


def _foreseen(turns: RoundRobin, turn: int | None, count: int) -> Mapping[int, int]:
    """Return how many of the next `count` turns each list has if nobody is refused; `turn` is not over yet."""
    ahead = turns.copy()
    members = [turn] if turn in ahead else []
    members += [ahead.next() for _ in range(count - len(members))]
    return Counter(member for member in members if member is not None)
