"""A real Asterisk with a team of agents and a carrier on which a scenario of `benchmarks.pacing` happens.

A number says what becomes of its call (`number_of`), so the dialplan has no chance in it but that of the talks, which
the agents' side draws from as many quantiles of their distribution. Agents are Local channels, which app_queue sees as
devices in use from the moment in which it rings them to the end of the talk; they pick up at once, as headsets do.
"""

import math
from collections.abc import Sequence
from string import Template
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.pacing.scenario import Scenario
from telephony.ami import AsteriskServer, AsteriskTrunk, Snippet
from tests.support.asterisk import CONFIG, RealAsterisk

TEAM_QUEUE: Final = "team"
TALKS: Final = 200
PERSON, FAILS, NOBODY = "123"

DIALPLAN: Final = Template("""\
[globals]
TALKS=$talks

; +1, four digits that make it another number, its fate, its set-up and its ring time in tenths of a second.
[team-carrier]
exten => _+1XXXX[123].,1,Set(FILE($home/rung,,,al,u)=$${EXTEN} $${UNIQUEID})
 same => n,Wait($${EXTEN:7:2}.$${EXTEN:9:1})
 same => n,Goto(fate-$${EXTEN:6:1}-$${EXTEN:10:2}.$${EXTEN:12:1},1)
exten => _fate-1-.,1,Ringing()
 same => n,Wait($${EXTEN:7})
 same => n,Answer()
 same => n,WaitExten(3600)
exten => _fate-2-.,1,Hangup(17)
exten => _fate-3-.,1,Ringing()
 same => n,Wait(3600)
; The agent has said goodbye: the person hangs up.
exten => #,1,Hangup(16)
exten => t,1,Hangup(16)

; Half of the talks are ended by the agent, half by the person.
[team-agents]
exten => _XXX,1,Answer()
 same => n,Wait($${CUT(TALKS,-,$${RAND(1,$count)})})
 same => n,GotoIf($$[$${RAND(0,1)}]?goodbye)
 same => n,Hangup(16)
 same => n(goodbye),SendDTMF(#)
 same => n,Wait(5)
 same => n,Hangup(16)
""")


def team(agents: int) -> Sequence[str]:
    """Return the interfaces of so many agents."""
    return [f"Local/{100 + each}@team-agents/n" for each in range(agents)]


class TeamAsterisk(RealAsterisk):
    """The tests' Asterisk, with a queue that the team may log in to and the carrier of a scenario; it logs nothing."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        super().__init__()

    @property
    def server(self) -> AsteriskServer:
        trunk = AsteriskTrunk(name="carrier", dial="Local/{number}@team-carrier/n", calls_per_second=40.0, channels=200)
        return AsteriskServer(
            name="asterisk", port=self.port, username=self.username, secret=self.secret, trunks=(trunk,)
        )

    def _write(self) -> None:
        super()._write()
        etc = self._home / "etc"
        talks = "-".join(f"{talk_s:.1f}" for talk_s in talk_quantiles_s(self.scenario, TALKS))
        queue = Snippet((CONFIG / "queues_dialler.conf").read_text())
        for name, text in (
            ("extensions.conf", DIALPLAN.substitute(home=self.home, talks=talks, count=TALKS)),
            ("modules.conf", "load = func_rand.so\n"),
        ):
            with (etc / name).open("a", encoding="utf-8") as file:
                file.write(text)
        (etc / "queues.conf").write_text("[general]\npersistentmembers = no\n" + queue.fill({"queue": TEAM_QUEUE}))
        (etc / "logger.conf").write_text("[general]\n[logfiles]\n", encoding="utf-8")


def talk_quantiles_s(scenario: Scenario, count: int) -> Sequence[float]:
    """Return so many talks that are as likely as each other, of the scenario's mean: lognormal, as there."""
    variance = math.log(1 + scenario.talk_cv**2)
    draws = np.random.default_rng(1).normal(size=200_000)
    middles = np.quantile(draws, (np.arange(count) + 0.5) / count)
    talks = np.exp(math.sqrt(variance) * middles)
    return list(talks * scenario.talk_mean_s / talks.mean())


def numbers(scenario: Scenario, count: int, seed: int) -> Sequence[str]:
    """Return the numbers of so many people, up to 10,000, who meet the fates of a scenario without machines."""
    assert count <= 10_000
    assert scenario.machine_share == 0.0, "nobody here tells machines from people"
    rng = np.random.default_rng(seed)
    [(_, rate)] = scenario.answer_rates
    chances, others = rng.random(count), rng.random(count)
    set_ups = _tenths(scenario.set_up_median_s * np.exp(scenario.set_up_sigma * rng.normal(size=count)))
    rings = _tenths(scenario.ring_median_s * np.exp(scenario.ring_sigma * rng.normal(size=count)))
    kinds = np.where(chances < rate, PERSON, np.where(others < scenario.failed_share, FAILS, NOBODY))
    return [
        f"+1{at:04}{kind}{set_up:03}{ring:03}"
        for at, (kind, set_up, ring) in enumerate(zip(kinds, set_ups, rings, strict=True))
    ]


def _tenths(times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.rint(times_s * 10), 1, 999).astype(np.int64)
