"""Rosters: packed arrays that agree with what was said, and the moves they tell."""

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.roster import GONE, CallAt, Move, Roster

KEYS = st.integers(0, 9)
STEPS = st.lists(st.tuples(KEYS, st.sampled_from([*CallAt, None]), st.floats(0.0, 30.0)), max_size=80)


@given(STEPS)
@settings(max_examples=100)
def test_a_roster_holds_what_it_was_told_last_of_each_key(steps):
    moves, known, at_s = [], {}, 0.0
    roster = Roster(is_calls=True, moves=moves)
    for key, state, seconds in steps:
        at_s += seconds
        before = len(moves)
        if state is None:
            roster.drop(key, at_s)
            told = known.pop(key, None)
            expected = None if told is None else (told[0], at_s - told[1], GONE)
        else:
            roster.put(key, state, at_s)
            told = known.get(key)
            changed = told is not None and told[0] != state
            expected = (told[0], at_s - told[1], state) if changed else None
            if told is None or changed:
                known[key] = (state, at_s)
        new = [(move.was, move.age_s, move.now) for move in moves[before:]]
        assert new == ([] if expected is None else [expected])
    standing = roster.standing()
    seen = {
        roster.key(place): (int(standing.states[place]), float(standing.since_s[place])) for place in range(len(roster))
    }
    assert seen == known


def test_a_move_tells_how_long_the_state_before_lasted_too():
    moves: list[Move] = []
    roster = Roster(is_calls=True, moves=moves)
    roster.put("c", CallAt.SET_UP, 10.0)
    roster.put("c", CallAt.RINGING, 12.0)
    roster.put("c", CallAt.DETECTING, 20.0)
    assert roster.standing().before_s.tolist() == [8.0]
    roster.drop("c", 21.5, CallAt.ENDED)
    assert moves[-1] == Move(is_call=True, was=CallAt.DETECTING, age_s=1.5, before_s=8.0, now=CallAt.ENDED)


def test_a_roster_grows_and_keeps_what_it_has():
    roster = Roster(is_calls=False, moves=[])
    for key in range(500):
        roster.put(key, key % 5, float(key))
    for key in range(0, 500, 2):
        roster.drop(key, 1000.0)
    standing = roster.standing()
    assert sorted(roster.key(place) for place in range(250)) == list(range(1, 500, 2))
    assert all(standing.since_s[place] == roster.key(place) for place in range(250))
