from itertools import product

import pytest

import telephony.events
from dialler.domain.call_state import HINTS, TRANSITIONS, CallState, advance
from dialler.errors import IllegalTransition
from telephony.events import CallEvent, DialEnded, OriginateEnded
from tests.support import call_stories as tell
from tests.support.values import NOON

# How far each event shows the call to be, at least.
SHOWS: dict[tell.Step, CallState | None] = {
    tell.dialling: CallState.DIALLING,
    tell.ringing: CallState.RINGING,
    tell.answered: CallState.ANSWERED,
    tell.amd("HUMAN"): CallState.ANSWERED,
    tell.queued: CallState.WAITING,
    tell.harbour: CallState.MESSAGE,
    tell.played: CallState.ANSWERED,
    tell.left: CallState.MESSAGE,
    tell.opted_out: CallState.MESSAGE,
    tell.bridged: CallState.TALKING,
    tell.hung_up(16): CallState.ENDED,
    tell.originate_end(4): None,
    tell.dial_end("ANSWER"): None,
}
ORDER = list(CallState)


@pytest.mark.parametrize(("state", "step"), list(product(CallState, SHOWS)))
def test_a_call_moves_on_and_never_back(state: CallState, step: tell.Step) -> None:
    event, shows = step(NOON), SHOWS[step]
    if state is CallState.ENDED and shows is not None:
        with pytest.raises(IllegalTransition):
            advance(state, event)
    else:
        assert advance(state, event) is max(state, shows or state, key=ORDER.index)


def test_the_walk_has_every_event_that_there_is() -> None:
    named = [thing for thing in vars(telephony.events).values() if isinstance(thing, type)]
    known = {thing for thing in named if issubclass(thing, CallEvent) and thing is not CallEvent}
    assert {type(step(NOON)) for step in SHOWS} == known
    assert set(TRANSITIONS) == set(CallState)
    assert set(HINTS) == {OriginateEnded, DialEnded}
