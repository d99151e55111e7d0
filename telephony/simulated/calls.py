"""The course of calls: each step does one thing, reports it, and puts the next ones on the schedule."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from telephony.events import (
    AgentState,
    Answered,
    Bridged,
    CallEvent,
    Classified,
    DialEnded,
    Dialling,
    HangupBy,
    HarbourStarted,
    HungUp,
    MessageLeft,
    MessagePlayed,
    OptedOut,
    OriginateEnded,
    Queued,
    Ringing,
    TelephonyEvent,
)
from telephony.port import LiveState, Origination, Trunk
from telephony.simulated.agents import Agents
from telephony.simulated.call import Call
from telephony.simulated.desk import Agent, Desk
from telephony.simulated.fate import (
    ANSWERS,
    CAUSE_CLEARING,
    CAUSE_CLEARING_TEXT,
    CAUSE_TIME_OUT,
    CAUSE_TIME_OUT_TEXT,
    FAILURES,
    Failure,
    Fate,
)
from telephony.simulated.journey import Journeys
from telephony.simulated.plan import NetworkPlan
from telephony.simulated.schedule import Schedule

KEY_AFTER_S = 3.0
"""How much of a message those hear who press a key in it."""

KEY_WAIT_S = 3.0
"""How long a key is waited for after a campaign's message."""

WRONG_KEYS_MAX = 2
"""How often a wrong key begins the message anew; the next one ends the call."""

MACHINE_MESSAGE_S = 15.0
"""What is left of a machine's greeting, the silence behind it, and a message."""

ENDED_MAX = 10_000
"""Answered calls remembered after their end."""

REASON_NONE, REASON_TIME_OUT, REASON_ANSWERED = 0, 3, 4

_HINTS = frozenset({DialEnded, OriginateEnded})
"""What is not the call's own story."""

Report = Callable[[str, TelephonyEvent], None]
"""Takes a server and its event; `at` is set when the event is handed out."""


class Calls:
    """All calls and agents of the network."""

    def __init__(self, plan: NetworkPlan, journeys: Journeys, schedule: Schedule, report: Report) -> None:
        self._plan = plan
        self._journeys = journeys
        self._schedule = schedule
        self._report = report
        self._on_trunk: Counter[str] = Counter()
        self.desk = Desk(plan.agents, plan.servers[0])
        self.agents = Agents(self.desk, schedule, report, self._connect_waiting)
        self.live: dict[str, Call] = {}
        self.ended: dict[str, Sequence[CallEvent]] = {}
        """What happened to the last ENDED_MAX answered calls that have ended, from the answer on."""

    # Calls from outside

    def place(self, origination: Origination, trunk: Trunk) -> None:
        """Begin a call."""
        placed_at = self._schedule.moment
        journey = self._journeys.draw(origination.number, placed_at)
        has_room = self._on_trunk[trunk.name] < trunk.channels
        if not has_room:
            journey = replace(journey, fate=Fate.CONGESTION, post_dial_s=0.0)
        call = Call(origination, trunk, journey, placed_at, has_room)
        self.live[call.call_id] = call
        self._on_trunk[trunk.name] += call.holds_channel
        self._put(call, self._plan.ack_s, self._dial)

    def hang_up(self, call_id: str) -> bool:
        """End a call for whoever placed it; False if it isn't there."""
        call = self.live.get(call_id)
        if call is None:
            return False
        if call.answered:
            self._end(call, by=HangupBy.SYSTEM)
        else:
            self._fail(
                call,
                Failure(
                    cause=CAUSE_CLEARING,
                    cause_text=CAUSE_CLEARING_TEXT,
                    tech_cause=None,
                    dial_status="NOANSWER",  # Asterisk 22 says so of a dial that the Hangup action cancels.
                    by=HangupBy.SYSTEM,
                ),
            )
        return True

    def divert(self, call_id: str) -> bool:
        """Take an answered call to the information message; False if it isn't there, or not answered."""
        call = self.live.get(call_id)
        if call is None or not call.answered:
            return False
        agent, talked = call.agent, call.state is LiveState.BRIDGED
        call.turns += 1
        call.agent = None
        self.desk.leave(call_id)
        self._harbour(call)
        self._let_go(call, agent, talked=talked)
        return True

    def forget(self, server: str) -> None:
        """Lose all calls of a server without a word, as its restart does; its agents log in anew."""
        for call in [call for call in self.live.values() if call.server == server]:
            self._remove(call)
        self.agents.restart(server)

    # Before the answer

    def _dial(self, call: Call) -> None:
        self._tell(call, Dialling)
        journey = call.journey
        self._put(call, call.origination.ring_timeout.total_seconds(), self._time_out)
        failure = FAILURES.get(journey.fate)
        if failure is None or failure.rings:
            self._put(call, journey.post_dial_s, self._ring)
        else:
            self._put(call, journey.post_dial_s, partial(self._fail, failure=failure))

    def _ring(self, call: Call) -> None:
        call.state = LiveState.RINGING
        self._tell(call, Ringing)
        if call.journey.fate in ANSWERS:
            self._put(call, call.journey.answer_s, self._answer)
        elif call.journey.fate in FAILURES:
            self._put(call, call.journey.answer_s, partial(self._fail, failure=FAILURES[call.journey.fate]))

    def _time_out(self, call: Call) -> None:
        if call.answered:
            return
        self._tell(call, OriginateEnded, success=False, reason=REASON_TIME_OUT)
        self._hung_up(call, cause=CAUSE_TIME_OUT, cause_text=CAUSE_TIME_OUT_TEXT, by=HangupBy.SYSTEM)

    def _fail(self, call: Call, failure: Failure) -> None:
        if call.answered:
            return
        self._tell(call, DialEnded, dial_status=failure.dial_status)
        self._tell(call, OriginateEnded, success=False, reason=REASON_NONE)
        self._hung_up(
            call, cause=failure.cause, cause_text=failure.cause_text, tech_cause=failure.tech_cause, by=failure.by
        )

    # From the answer on

    def _answer(self, call: Call) -> None:
        call.state = LiveState.UP
        self._tell(call, Answered)
        self._tell(call, DialEnded, dial_status="ANSWER")
        self._tell(call, OriginateEnded, success=True, reason=REASON_ANSWERED)
        if call.journey.stay_s is not None:
            self._put_whatever(call, call.journey.stay_s, partial(self._end, by=HangupBy.CUSTOMER))
        if self._plan.amd or call.origination.answer.amd:
            self._put(call, call.journey.classify_s, self._classify)
        else:
            self._serve(call)

    def _classify(self, call: Call) -> None:
        answer, is_machine = call.origination.answer, call.journey.fate is Fate.MACHINE
        status, cause = ("MACHINE", "LONGGREETING-1520-1500") if is_machine else ("HUMAN", "HUMAN-800-800")
        if call.journey.is_unsure:
            cause = "TOOLONG-5000" if is_machine else "INITIALSILENCE-2500-2500"
            status = "MACHINE" if answer.unsure_is_machine else "NOTSURE"
        self._tell(call, Classified, status=status, cause=cause)
        if status != "MACHINE":
            self._serve(call)
        elif answer.machine_sound is None:
            self._end(call, by=HangupBy.SYSTEM)
        else:
            self._put(call, MACHINE_MESSAGE_S, self._leave_message)

    def _leave_message(self, call: Call) -> None:
        self._tell(call, MessageLeft)
        self._end(call, by=HangupBy.SYSTEM)

    def _serve(self, call: Call) -> None:
        if call.origination.agent is not None:
            self._call_agent(call, call.origination.agent)
            return
        if call.origination.queue is not None:
            self._enter_queue(call, call.origination.queue)
        elif call.origination.answer.message is None:
            self._harbour(call)
        else:
            self._play_message(call)
        self._put_impatience(call)

    def _enter_queue(self, call: Call, queue: str) -> None:
        call.state, call.queued_at = LiveState.QUEUED, self._schedule.moment
        self._tell(call, Queued, queue=queue)
        priority = call.origination.answer.queue_priority
        self.desk.enter(call.call_id, server=call.server, queue=queue, priority=priority)
        self._connect_waiting()

    def _call_agent(self, call: Call, name: str) -> None:
        """Ring the one agent whom a call is for; nobody else gets it."""
        call.state = LiveState.QUEUED
        self._tell(call, Queued, queue="")
        self._put_impatience(call)
        agent = self.desk.agents.get(name)
        if agent is None or agent.server != call.server or agent.phone is not AgentState.READY:
            self.divert(call.call_id)
        else:
            self._ring_agent(call, agent)

    def _play_message(self, call: Call, *, again: int = 0) -> None:
        """Play a campaign's message to its end, or to a key; `again` is how often it has begun anew."""
        answer, journey = call.origination.answer, call.journey
        length_s = self._plan.sounds.get(answer.message or "", self._plan.message_s)
        key_after_s = min(KEY_AFTER_S, length_s / 2)
        self._put(call, length_s, self._played)
        if journey.fate is Fate.MACHINE:
            return
        if journey.opts_out:
            self._put(call, key_after_s, self._opt_out)
        elif journey.asks_agent and answer.message_queue is not None:
            self._put(call, key_after_s, self._ask_agent)
        elif journey.fate is Fate.WRONG_KEY:
            self._put(call, key_after_s, partial(self._press_wrong_key, again=again))

    def _played(self, call: Call) -> None:
        self._tell(call, MessagePlayed)
        self._put(call, KEY_WAIT_S, partial(self._end, by=HangupBy.SYSTEM))

    def _press_wrong_key(self, call: Call, *, again: int) -> None:
        call.turns += 1
        if again < WRONG_KEYS_MAX:
            self._play_message(call, again=again + 1)
        else:
            self._end(call, by=HangupBy.SYSTEM)

    def _ask_agent(self, call: Call) -> None:
        queue = call.origination.answer.message_queue
        assert queue is not None
        call.turns += 1
        self._enter_queue(call, queue)

    def _harbour(self, call: Call) -> None:
        """Play the information message to its end, or to the key that opts out."""
        call.state = LiveState.HARBOUR
        self._tell(call, HarbourStarted)
        self._put(call, self._plan.message_s, partial(self._end, by=HangupBy.SYSTEM))
        if call.journey.opts_out and call.journey.fate is not Fate.MACHINE:
            self._put(call, min(KEY_AFTER_S, self._plan.message_s / 2), self._opt_out)

    def _opt_out(self, call: Call) -> None:
        self._tell(call, OptedOut)
        self._end(call, by=HangupBy.SYSTEM)

    def _put_impatience(self, call: Call) -> None:
        # A pinned fate says itself when the far end goes.
        if call.journey.stay_s is None:
            is_machine = call.journey.fate is Fate.MACHINE
            stay_s = self._plan.machine_stay_s if is_machine else call.journey.patience_s
            self._put_whatever(call, stay_s, self._lose_patience)

    def _lose_patience(self, call: Call) -> None:
        if call.state is not LiveState.BRIDGED:
            self._end(call, by=HangupBy.CUSTOMER)

    def _connect_waiting(self) -> None:
        while (match := self.desk.match()) is not None:
            self._ring_agent(self.live[match[0]], match[1])

    def _ring_agent(self, call: Call, agent: Agent) -> None:
        call.agent = agent
        if agent.picks_up and not call.journey.pickup_s:
            self._bridge(call)
            return
        self.agents.ring(agent)
        if agent.picks_up:
            self._put(call, call.journey.pickup_s, self._bridge)

    def _bridge(self, call: Call) -> None:
        assert call.agent is not None
        call.state = LiveState.BRIDGED
        self.agents.talk(call.agent)
        self._tell(call, Bridged, agent=call.agent.name)
        if call.agent.talks_s is not None:
            self._put(call, call.agent.talks_s, partial(self._end, by=HangupBy.AGENT))
        if call.journey.stay_s is None:
            by = HangupBy.AGENT if call.journey.agent_hangs_up else HangupBy.CUSTOMER
            self._put(call, call.journey.talk_s, partial(self._end, by=by))

    def _end(self, call: Call, by: HangupBy) -> None:
        self._hung_up(call, cause=CAUSE_CLEARING, cause_text=CAUSE_CLEARING_TEXT, by=by)

    def _hung_up(self, call: Call, *, cause: int, cause_text: str, by: HangupBy, tech_cause: int | None = None) -> None:
        talked = call.state is LiveState.BRIDGED
        self._remove(call)
        if call.answered:
            self.ended[call.call_id] = call.trail
            if len(self.ended) > ENDED_MAX:
                del self.ended[next(iter(self.ended))]
        self._tell(call, HungUp, cause=cause, cause_text=cause_text, tech_cause=tech_cause, by=by)
        self._let_go(call, call.agent, talked=talked)

    def _let_go(self, call: Call, agent: Agent | None, *, talked: bool) -> None:
        """Free the agent of a call, if it has one; after a talk once the work that follows is done."""
        if agent is not None:
            self.agents.let_go(agent, work_s=call.journey.wrap_up_s if talked else 0.0)

    # All of them

    def _remove(self, call: Call) -> None:
        call.over = True
        self.live.pop(call.call_id, None)
        self._on_trunk[call.trunk.name] -= call.holds_channel
        self.desk.leave(call.call_id)

    def _put(self, call: Call, delay_s: float, step: Callable[[Call], None]) -> None:
        """Put a step of a call; it is not played once the call is over, or was taken to something else."""
        turns = call.turns

        def play(call: Call) -> None:
            if call.turns == turns:
                step(call)

        self._put_whatever(call, delay_s, play)

    def _put_whatever(self, call: Call, delay_s: float, step: Callable[[Call], None]) -> None:
        """Put a step of the person called, which is played whatever is done with the call, until it is over."""

        def play() -> None:
            if not call.over:
                step(call)

        self._schedule.put(delay_s, play)

    def _tell(self, call: Call, kind: Callable[..., CallEvent], **facts: object) -> None:
        event = kind(call_id=call.call_id, at=self._schedule.moment, **facts)
        if kind is Answered or (call.trail and kind not in _HINTS):
            call.trail.append(event)
        self._report(call.server, event)
