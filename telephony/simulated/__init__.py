"""A simulated telephone network: seeded, on any clock, with people, machines, trunks and agents.

`NetworkPlan` says what the network is like; `SimulatedNetwork` plays it behind the telephony port. A call's
fate is drawn from the seed, the number, and how many times that number was called before: never from the order in
which things happen to run. So one seed gives one day. Events come in the order in which Asterisk 22 sends them.

A call is a chain of steps on one schedule, which one loop plays: no task for a call, nothing outlives `run`.
The exchange is there whether or not somebody is linked to it: its calls go on while a link is cut, and while
`run` is not running; only their events are lost.
"""

from telephony.simulated.fate import Fate
from telephony.simulated.mistakes import PlanError, PlanMistake
from telephony.simulated.network import SimulatedNetwork
from telephony.simulated.plan import AgentGroup, NetworkPlan, Unanswered
from telephony.simulated.plan_table import plan_from_mapping
from telephony.simulated.spread import Spread

__all__ = [
    "AgentGroup",
    "Fate",
    "NetworkPlan",
    "PlanError",
    "PlanMistake",
    "SimulatedNetwork",
    "Spread",
    "Unanswered",
    "plan_from_mapping",
]
