"""Leads in the records: loading them, changing them, and which is next."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import orjson

from dialler.domain.campaign import LeadList
from dialler.domain.evolve import evolve
from dialler.domain.lead import Lead, LeadState, NewLead
from dialler.domain.rank import rank_of
from dialler.errors import Conflict, NotFound, StoreError
from dialler.ports import Bucket, LeadFilter
from dialler.stores.codec import from_us, from_us_or_none, to_us
from dialler.stores.lead_rows import (
    COLUMNS,
    GIVEN_COLUMNS,
    PROGRESS_COLUMNS,
    TURN_COLUMNS,
    beside_turn_of,
    given_of,
    given_values,
    lead_of,
    progress_values,
    turn_values,
)
from dialler.stores.search_index import pend
from dialler.stores.transaction import Transaction, portions

_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM leads"
_ASSIGN_PROGRESS: Final = ", ".join(f"{name} = ?" for name in PROGRESS_COLUMNS)
_ASSIGN_GIVEN: Final = ", ".join(f"{name} = ?" for name in GIVEN_COLUMNS)
_SET_PROGRESS: Final = f"UPDATE leads SET {_ASSIGN_PROGRESS} WHERE lead_id = ?"
# An index is written for each column that is assigned, also to what it was: those that tell of attempts are spared.
_SET_TURN: Final = f"UPDATE leads SET {', '.join(f'{name} = ?' for name in TURN_COLUMNS)} WHERE lead_id = ?"
_SET_ALL: Final = f"UPDATE leads SET {_ASSIGN_PROGRESS}, list_id = ?, key_id = ?, {_ASSIGN_GIVEN} WHERE lead_id = ?"
_ADDED: Final = ("lead_id", "list_id", "campaign_id", "key_id", "created_at", "rank", *GIVEN_COLUMNS)
_NUMBER: Final = ("number", "campaign_id", "lead_id")
_DROP_NUMBER: Final = "DELETE FROM lead_numbers WHERE number = ? AND campaign_id = ? AND lead_id = ?"
_PAGE: Final = "SELECT lead_id FROM leads WHERE list_id = ? AND state = ? AND lead_id > ? ORDER BY lead_id LIMIT ?"
# The state stands in the statement's text, not among its values: only then is the partial index used.
_READY: Final = (
    "SELECT priority, rank, lead_id FROM leads WHERE list_id = ? AND key_id = ? AND state = 'ready'"
    " ORDER BY priority DESC, rank, lead_id LIMIT ?"
)
_RANK: Final = "UPDATE leads SET rank = ? WHERE lead_id = ?"
_WAKE: Final = (
    "UPDATE leads SET state = 'ready', due_at = NULL WHERE lead_id IN ("
    "SELECT lead_id FROM leads WHERE list_id = ? AND key_id = ? AND state = 'resting' AND due_at <= ?"
    " ORDER BY due_at, lead_id LIMIT ?{for_update})"
)
_READY_NUMBERS: Final = (
    "SELECT lead_id, numbers FROM leads WHERE list_id = ? AND key_id = ? AND state = 'ready'"
    " ORDER BY priority DESC, rank, lead_id LIMIT ?"
)
_REST: Final = "UPDATE leads SET state = 'resting', due_at = ? WHERE state = 'ready' AND lead_id "
_NEXT_DUE: Final = (
    "SELECT due_at FROM leads WHERE list_id = ? AND key_id = ? AND state = 'resting' ORDER BY due_at, lead_id LIMIT 1"
)
_KEY_ID: Final = COLUMNS.index("key_id")
_ADDED_AT_ONCE: Final = 2_000
_ASKED_AT_ONCE: Final = 500


class LeadRecords:
    """The part of the records about leads."""

    _in: Transaction
    lead_list: Callable[[int], LeadList]

    def add_leads(self, list_id: int, leads: Iterable[NewLead], now: datetime) -> Sequence[int]:
        lead_list = self.lead_list(list_id)
        created_at, first, last = to_us(now), 1, 0
        added: Counter[int] = Counter()
        stream = iter(leads)
        self._in.run("SAVEPOINT add_leads")
        try:
            while chunk := list(islice(stream, _ADDED_AT_ONCE)):
                # The counter's row stays ours until the end, so that the ids of one call follow each other.
                last = self._take_ids(len(chunk))
                if not added:
                    first = last - len(chunk) + 1
                added.update(self._add_chunk(lead_list, chunk, last - len(chunk) + 1, created_at))
        except BaseException:
            self._in.forget_window_keys()
            with suppress(StoreError):  # the database has undone more than that already
                self._in.run("ROLLBACK TO SAVEPOINT add_leads")
                self._in.run("RELEASE SAVEPOINT add_leads")
            raise
        self._in.run("RELEASE SAVEPOINT add_leads")
        for key_id, n in added.items():
            self._in.count_leads(list_id, key_id, LeadState.READY.value, n)
        return range(first, last + 1)

    def _take_ids(self, n: int) -> int:
        """Return the last of `n` ids that were never given before."""
        row = self._in.row(
            "INSERT INTO meta (key, value) VALUES ('lead_id', ?)"
            " ON CONFLICT (key) DO UPDATE SET value = meta.value + excluded.value RETURNING value",
            (n,),
        )
        assert row is not None
        return int(row[0])

    def _add_chunk(self, lead_list: LeadList, chunk: Sequence[NewLead], first: int, created_at: int) -> Counter[int]:
        list_id, campaign_id, rules = lead_list.list_id, lead_list.campaign_id, lead_list.rules
        expires_at = None if lead_list.lead_days is None else from_us(created_at) + timedelta(days=lead_list.lead_days)
        self._check_customer_keys(list_id, [lead.customer_key for lead in chunk if lead.customer_key is not None])
        rows: list[tuple[Any, ...]] = []
        numbers: list[tuple[str, int, int]] = []
        for lead_id, lead in enumerate(chunk, first):
            key_id = self._in.window_key_id(lead.window_key)
            rank = rank_of(rules, lead_id=lead_id, attempts=0, data=lead.data)
            if lead.expires_at is None and expires_at is not None:
                lead = evolve(lead, expires_at=expires_at)
            rows.append((lead_id, list_id, campaign_id, key_id, created_at, rank, *given_values(lead)))
            numbers.extend((number, campaign_id, lead_id) for number in {one.number for one in lead.numbers})
        self._in.insert("leads", _ADDED, rows)
        self._in.insert("lead_numbers", _NUMBER, numbers)
        return Counter(row[3] for row in rows)

    def _check_customer_keys(self, list_id: int, keys: Sequence[str]) -> None:
        if len(set(keys)) < len(keys):
            repeated = next(key for key, n in Counter(keys).items() if n > 1)
            raise Conflict(f"customer key {repeated!r} is given to two leads of list {list_id}")
        if taken := self._ids_by_key(list_id, keys):
            key = self.lead(taken[0]).customer_key
            raise Conflict(f"list {list_id} has a lead with customer key {key!r} already")

    def _ids_by_key(self, list_id: int, keys: Sequence[str]) -> list[int]:
        """Return the ids of a list's leads that have one of the keys.

        One look-up for each key, whatever PostgreSQL thinks of the table: while a list is loaded its statistics are
        those of an empty one, and a search for several keys at once would walk all of the list.
        """
        found: list[int] = []
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            some = keys[start : start + _ASKED_AT_ONCE]
            rows = self._in.rows(
                f"WITH asked (key) AS (VALUES {', '.join(['(?)'] * len(some))}) SELECT"
                " (SELECT lead_id FROM leads WHERE list_id = ? AND customer_key = asked.key) FROM asked",
                (*some, list_id),
            )
            found.extend(row[0] for row in rows if row[0] is not None)
        return found

    def lead(self, lead_id: int) -> Lead:
        row = self._in.row(f"{_SELECT} WHERE lead_id = ?", (lead_id,))
        if row is None:
            raise NotFound(f"there is no lead {lead_id}")
        return lead_of(row, self._in)

    def leads_with(self, lead_ids: Sequence[int], *, to_change: bool = False) -> Mapping[int, Lead]:
        found: dict[int, Lead] = {}
        for marked, some in portions(sorted(set(lead_ids))):
            found |= self._leads_where(f"lead_id {marked}", some, to_change=to_change)
        return found

    def leads_by_key(
        self, list_id: int, customer_keys: Sequence[str], *, to_change: bool = False
    ) -> Mapping[str, Lead]:
        asked = set(customer_keys)
        ids = self._ids_by_key(list_id, sorted(asked))
        found = self.leads_with(ids, to_change=to_change)
        # Another engine may have moved one since, or given it another key.
        return {
            lead.customer_key: lead
            for lead in found.values()
            if lead.customer_key is not None and lead.list_id == list_id and lead.customer_key in asked
        }

    def _leads_where(self, condition: str, values: Sequence[object], *, to_change: bool) -> dict[int, Lead]:
        # In the order of ids: two engines never wait for each other in a ring.
        locked = f" ORDER BY lead_id{self._in.for_update}" if to_change and self._in.for_update else ""
        found: dict[int, Lead] = {}
        for row in self._in.rows(f"{_SELECT} WHERE {condition}{locked}", values):
            lead = found[row[0]] = lead_of(row, self._in)
            if to_change:
                self._in.leads[lead.lead_id] = lead, row[_KEY_ID]
        return found

    def lead_by_key(self, list_id: int, customer_key: str) -> Lead | None:
        row = self._in.row(f"{_SELECT} WHERE list_id = ? AND customer_key = ?", (list_id, customer_key))
        return None if row is None else lead_of(row, self._in)

    def numbers_known(self, campaign_id: int, numbers: Sequence[str]) -> frozenset[str]:
        known: set[str] = set()
        for start in range(0, len(numbers), _ASKED_AT_ONCE):
            some = numbers[start : start + _ASKED_AT_ONCE]
            # One look-up for each number asked, however many leads share it.
            rows = self._in.rows(
                f"WITH asked (number) AS (VALUES {', '.join(['(?)'] * len(some))}) SELECT number FROM asked"
                " WHERE EXISTS (SELECT 1 FROM lead_numbers AS known"
                " WHERE known.number = asked.number AND known.campaign_id = ?)",
                (*some, campaign_id),
            )
            known.update(row[0] for row in rows)
        return frozenset(known)

    def numbers_in_list(self, list_id: int, numbers: Sequence[str]) -> frozenset[str]:
        known: set[str] = set()
        for marked, some in portions(numbers):
            rows = self._in.rows(
                f"SELECT n.number FROM lead_numbers AS n JOIN leads AS l ON l.lead_id = n.lead_id"
                f" WHERE n.number {marked} AND l.list_id = ?",
                (*some, list_id),
            )
            known.update(row[0] for row in rows)
        return frozenset(known)

    def set_lead(self, lead: Lead) -> None:
        self.set_leads([lead])

    def set_leads(self, leads: Sequence[Lead]) -> None:
        known = self._in.leads
        self.leads_with([lead.lead_id for lead in leads if lead.lead_id not in known], to_change=True)
        progress: list[Lead] = []
        is_turn_only = True
        ranks: list[tuple[int, int]] = []
        for lead in leads:
            if lead.lead_id not in known:
                raise NotFound(f"there is no lead {lead.lead_id}")
            old, old_key_id = known[lead.lead_id]
            key_id = old_key_id if lead.window_key == old.window_key else self._in.window_key_id(lead.window_key)
            is_moved = lead.list_id != old.list_id
            if key_id == old_key_id and not is_moved and given_of(lead) == given_of(old):
                # Nearly every change is one of the engine's; it leaves most indexes alone.
                progress.append(lead)
                is_turn_only = is_turn_only and beside_turn_of(lead) == beside_turn_of(old)
            else:
                self._set_given(lead, key_id, old)
            if is_moved or lead.attempts != old.attempts or lead.data != old.data:
                ranks += self._new_rank(lead, old)
            known[lead.lead_id] = lead, key_id
            if lead.state is not old.state or key_id != old_key_id or is_moved:
                self._in.count_leads(old.list_id, old_key_id, old.state.value, -1)
                self._in.count_leads(lead.list_id, key_id, lead.state.value, 1)
        if is_turn_only:
            self._in.run_many(_SET_TURN, [(*turn_values(lead), lead.lead_id) for lead in progress])
        else:
            self._in.run_many(_SET_PROGRESS, [(*progress_values(lead), lead.lead_id) for lead in progress])
        self._in.run_many(_RANK, ranks)

    def _new_rank(self, lead: Lead, old: Lead) -> Sequence[tuple[int, int]]:
        """Return what is to be written of a lead's rank: nothing for most orders."""
        rules = self._in.rules.get(lead.list_id)
        if rules is None:
            rules = self._in.rules[lead.list_id] = self.lead_list(lead.list_id).rules
        before, after = (
            rank_of(rules, lead_id=each.lead_id, attempts=each.attempts, data=each.data) for each in (old, lead)
        )
        return [] if before == after and lead.list_id == old.list_id else [(after, lead.lead_id)]

    def _set_given(self, lead: Lead, key_id: int, old: Lead) -> None:
        place, old_place = (lead.list_id, lead.customer_key), (old.list_id, old.customer_key)
        if lead.customer_key is not None and place != old_place:
            self._check_customer_keys(lead.list_id, [lead.customer_key])
        if lead.list_id != old.list_id:
            target = self._in.row("SELECT campaign_id FROM lists WHERE list_id = ?", (lead.list_id,))
            if target is None:
                raise NotFound(f"there is no list {lead.list_id}")
            if target[0] != lead.campaign_id:
                raise Conflict(f"lead {lead.lead_id} is of campaign {lead.campaign_id}, list {lead.list_id} is not")
        self._in.run(_SET_ALL, (*progress_values(lead), lead.list_id, key_id, *given_values(lead), lead.lead_id))
        pend(self._in, lead.lead_id)
        before, after = ({one.number for one in each.numbers} for each in (old, lead))
        gone, come = sorted(before - after), sorted(after - before)
        self._in.run_many(_DROP_NUMBER, [(number, lead.campaign_id, lead.lead_id) for number in gone])
        self._in.insert("lead_numbers", _NUMBER, [(number, lead.campaign_id, lead.lead_id) for number in come])

    def leads(self, which: LeadFilter, *, after: int = 0, limit: int = 100) -> Sequence[Lead]:
        if which == LeadFilter():
            rows = self._in.rows(f"{_SELECT} WHERE lead_id > ? ORDER BY lead_id LIMIT ?", (after, limit))
            return [lead_of(row, self._in) for row in rows]
        if which.number is None and which.customer_key is None and which.external_lead_id is None:
            ids = self._ids_by_list(which, after, limit)
        else:
            ids = self._ids_by_mark(which, after, limit)
        found: list[Lead] = []
        for marked, some in portions(ids):
            rows = self._in.rows(f"{_SELECT} WHERE lead_id {marked} ORDER BY lead_id", some)
            found.extend(lead_of(row, self._in) for row in rows)
        return found

    def _ids_by_list(self, which: LeadFilter, after: int, limit: int) -> Sequence[int]:
        """Return a page of ids by list and state: each pair has its own run in the index, so they are merged."""
        conditions, values = ["1 = 1"], []
        if which.campaign_id is not None:
            conditions.append("campaign_id = ?")
            values.append(which.campaign_id)
        if which.list_id is not None:
            conditions.append("list_id = ?")
            values.append(which.list_id)
        lists = [row[0] for row in self._in.rows(f"SELECT list_id FROM lists WHERE {' AND '.join(conditions)}", values)]
        states = list(LeadState) if which.state is None else [which.state]
        ids = [
            row[0]
            for list_id in lists
            for state in states
            for row in self._in.rows(_PAGE, (list_id, state.value, after, limit))
        ]
        return sorted(ids)[:limit]

    def _ids_by_mark(self, which: LeadFilter, after: int, limit: int) -> Sequence[int]:
        """Return a page of ids of those few that share a number, a customer key or an external id."""
        conditions, values = ["lead_id > ?"], list[object]([after])
        if which.number is not None:
            conditions.append("lead_id IN (SELECT lead_id FROM lead_numbers WHERE number = ?)")
            values.append(which.number)
        if which.customer_key is not None:
            conditions.append("list_id IN (SELECT list_id FROM lists) AND customer_key = ?")
            values.append(which.customer_key)
        for name in ("external_lead_id", "campaign_id", "list_id", "state"):
            if (value := getattr(which, name)) is not None:
                conditions.append(f"{name} = ?")
                values.append(value)
        rows = self._in.rows(
            f"SELECT lead_id FROM leads WHERE {' AND '.join(conditions)} ORDER BY lead_id LIMIT ?", (*values, limit)
        )
        return [row[0] for row in rows]

    def buckets(self, list_ids: Sequence[int]) -> Sequence[Bucket]:
        self._in.settle()
        counts: dict[tuple[int, int], dict[LeadState, int]] = {}
        for marked, some in portions(list_ids):
            rows = self._in.rows(
                f"SELECT list_id, key_id, state, n FROM lead_counts WHERE list_id {marked} AND n <> 0"
                " ORDER BY list_id, key_id, state",
                some,
            )
            for list_id, key_id, state, n in rows:
                counts.setdefault((list_id, key_id), dict.fromkeys(LeadState, 0))[LeadState(state)] = n
        return [
            Bucket(list_id=list_id, key_id=key_id, key=self._in.window_key(key_id), counts=by_state)
            for (list_id, key_id), by_state in sorted(counts.items(), key=lambda item: item[0])
        ]

    def ready_ranks(self, bucket: tuple[int, int], *, limit: int) -> Sequence[tuple[int, int, int]]:
        return [(row[0], row[1], row[2]) for row in self._in.rows(_READY, (*bucket, limit))]

    def wake_rested(self, bucket: tuple[int, int], now: datetime, *, limit: int) -> int:
        self._in.leads.clear()  # some of them may be among the woken
        woken = self._in.run(_WAKE.format(for_update=self._in.for_update), (*bucket, to_us(now), limit))
        self._in.count_leads(*bucket, LeadState.RESTING.value, -woken)
        self._in.count_leads(*bucket, LeadState.READY.value, woken)
        return woken

    def rest_alike(self, bucket: tuple[int, int], begins: str, until: datetime, *, limit: int) -> int:
        self._in.leads.clear()  # some of them may be among those that rest
        rows = self._in.rows(_READY_NUMBERS, (*bucket, limit))
        alike = [row[0] for row in rows if all(each[0].startswith(begins) for each in orjson.loads(row[1]))]
        rested = sum(self._in.run(_REST + marked, (to_us(until), *some)) for marked, some in portions(sorted(alike)))
        self._in.count_leads(*bucket, LeadState.READY.value, -rested)
        self._in.count_leads(*bucket, LeadState.RESTING.value, rested)
        return rested

    def next_due_at(self, bucket: tuple[int, int]) -> datetime | None:
        row = self._in.row(_NEXT_DUE, bucket)
        return None if row is None else from_us_or_none(row[0])
