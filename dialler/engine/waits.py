"""Tells how people's waiting for an agent ended, and of agents who were overlooked meanwhile.

The dialler places calls for agents; it is the exchange that joins them. Where it leaves a ready agent idle beside a
person who waits, something is wrong with the queue, or with the telephone, and no pacing can make up for it.
"""

from datetime import datetime, timedelta
from typing import Final

from dialler.domain.call import Call, CallState, patience_began
from dialler.domain.call_verdict import AbandonReason
from dialler.engine.agent_shares import Idle, Key
from dialler.engine.board import Tracked
from dialler.engine.floor import Floor
from dialler.events import AgentJoined, AgentOverlooked, CallAbandoned, MessageStarted

READY_S: Final = 1.2
"""How long an agent has to have been ready. app_queue looks at a call that waits once a second, and then the telephone
of the agent has to begin to ring, of which the exchange tells: 0.2 s are enough for that."""

QUEUED_S: Final = 0.5
"""How long the person has to have been in the queue. Whoever comes into it while an agent is ready is given to him at
once, not at the next look."""

LATE_S: Final = 1.0
"""An end that is heard of so much later is from a gap; what agents do now says nothing about the moment of it."""


RANG_S: Final = 0.5
"""Until so long after it a telephone may have rung for a call that has left the queue: the exchange tells of both."""


def tell_wait(floor: Floor, tracked: Tracked, before: Call, came_at: datetime) -> None:
    """Tell how long somebody waited, when an agent or the information message comes; `before` it came."""
    call, session = tracked.call, tracked.session
    if not tracked.wants_agent or before.connected_at is not None or before.harbour:
        return
    if call.connected_at is None and not call.harbour:
        return
    began_at = patience_began(call, tracked.patience) or call.answered_at
    assert began_at is not None
    waited_s = max(0.0, (came_at - began_at).total_seconds())
    if call.harbour:
        tracked.overlooked = _idle_agent(floor, tracked, call, came_at)
        floor.journal.emit(
            MessageStarted(
                at=came_at,
                session_id=session.session_id,
                campaign=session.campaign,
                waited_s=waited_s,
                is_late=waited_s > tracked.patience.limit.total_seconds(),
            )
        )
    else:
        floor.journal.emit(
            AgentJoined(at=came_at, session_id=session.session_id, campaign=session.campaign, waited_s=waited_s)
        )


def look_for_idle(floor: Floor, tracked: Tracked, call: Call) -> None:
    """Note who could have had a call that has just ended, if it never came to the message."""
    if call.ended_at is not None and not call.harbour:
        tracked.overlooked = _idle_agent(floor, tracked, call, call.ended_at)


def tell_abandoned(floor: Floor, tracked: Tracked, reason: AbandonReason) -> None:
    """Tell that a call which has ended counts as abandoned, and of the agent who was idle meanwhile."""
    now, session, idle = floor.clock.now(), tracked.session, tracked.overlooked
    floor.journal.emit(
        CallAbandoned(at=now, session_id=session.session_id, campaign=session.campaign, reason=reason.value)
    )
    if idle is not None:
        floor.journal.emit(
            AgentOverlooked(
                at=now,
                session_id=session.session_id,
                campaign=session.campaign,
                server=session.server,
                agent=idle.agent,
                idle_s=round(idle.for_s, 3),
            )
        )


def _idle_agent(floor: Floor, tracked: Tracked, call: Call, at: datetime) -> Idle | None:
    """Return an agent who was idle while the person of a call waited in vain until `at`, which is now.

    None where everybody was busy or too briefly ready; where telephones rang for all who waited, so that it was agents
    who were slow; where the call was for one certain agent; and where nobody knows because the link was down.
    """
    session = tracked.session
    running = floor.campaigns.get(session.campaign_id)
    if running is None or tracked.is_direct or tracked.may_play or not floor.is_usable(session.server):
        return None
    if call.queued_at is None or call.connected_at is not None:
        return None
    if at - call.queued_at < timedelta(seconds=QUEUED_S) or (floor.clock.now() - at).total_seconds() > LATE_S:
        return None
    key, now_s, shares = (
        (session.server, running.campaign.settings.queue or ""),
        floor.clock.monotonic(),
        floor.agent_shares,
    )
    idle = shares.idle_in(key, until_s=now_s, for_s=READY_S)
    if idle is None or shares.ringing_in(key, until_s=now_s, for_s=RANG_S) >= 1 + _others_waiting(floor, tracked, key):
        return None
    return idle


def _others_waiting(floor: Floor, tracked: Tracked, key: Key) -> int:
    """Return how many other calls wait in a queue."""
    server, queue = key
    return sum(
        each.call.state is CallState.WAITING
        and (running := floor.campaigns.get(each.session.campaign_id)) is not None
        and running.campaign.settings.queue == queue
        for each in floor.board.of_server(server)
        if each is not tracked
    )
