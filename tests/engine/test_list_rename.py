"""A list is renamed while its calls are up: sessions keep the name of their time."""

from dataclasses import replace

import anyio

from dialler.app.virtual_time import run_virtually
from dialler.domain.campaign import Desired
from telephony.simulated import Fate
from tests.support.call_centre import QUICK, TRUNK, call_centre


def test_sessions_keep_the_name_of_their_time_and_calls_go_on() -> None:
    run_virtually(_renamed)


async def _renamed() -> None:
    plan = replace(QUICK, trunks=(replace(TRUNK, channels=500, calls_per_second=2.0),))
    async with call_centre(plan, seed=5, fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(lists={"gold": (100, 60)})
        await centre.start()
        await anyio.sleep(10)
        up = set(centre.engine.floor.board.calls)
        assert up
        await centre.change_list("gold", name="silver")
        assert set(centre.engine.floor.board.calls) >= up, "no call was taken back"
        await anyio.sleep(10)
        await centre.change(Desired.DRAINING)
        await centre.drained()
        sessions = await centre.sessions()
        names = [each.list for each in sessions]
        assert set(names) == {"gold", "silver"}
        assert names == sorted(names), "first the old name, then the new one"
        assert {each.list for each in sessions if each.session_id in up} == {"gold"}
        assert len({each.list_id for each in sessions}) == 1
        await centre.assert_accounted()
