"""An agent's day over the command line, with a daemon whose calls go through the simulated network in real time."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from telephony.events import DIRECT_REASON
from tests.support.daemon import Installation, Line, installation

ANN: Final = "SIM/agent-001"
BEN: Final = "SIM/agent-002"
CID: Final = "PJSIP/7"
NETWORK: Final = """
[simulated]
answer_rate = 1.0
machine_rate = 0.0
invalid_rate = 0.0
post_dial_s = 0.05
answer_s = 0.1
talk_s = 0.5
wrap_up_s = 0.0
[[simulated.trunks]]
name = "sim"
server = "simulated"
calls_per_second = 20
channels = 10
[[simulated.agents]]
number = 2
queues = ["sales"]
"""
pytestmark = pytest.mark.slow


# Any of the tests may be the only one in its process.
@pytest.fixture(scope="module")
def office() -> Iterator[Installation]:
    with installation(NETWORK) as installed, installed.daemon():
        of = ("--queue", "sales", "--hours", "always", "--preview", "30m")
        installed.ok("campaign", "create", "spring", "--pacing", "preview", *of)
        installed.ok("list", "create", "spring", "all")
        leads = "number,name\n+12125550101,Ann\n+12125550102,Ben\n"
        (installed.folder / "leads.csv").write_text(leads, encoding="utf-8")
        installed.ok("lead", "import", "leads.csv", "--campaign", "spring", "--list", "all")
        yield installed


def eventually(office: Installation, condition: Callable[[Line | None], bool], name: str = ANN) -> None:
    """Look at an agent, None while he is not there, until `condition` holds for him."""

    def holds(page: Line) -> bool:
        return condition(next((agent for agent in page["items"] if agent["agent"] == name), None))

    office.until(holds, path="/agents", within_s=60, what=f"agent {name}")


def names(office: Installation) -> set[str]:
    return {agent["agent"] for agent in office.ask("agent", "list")["items"]}


def test_an_agent_takes_a_break_and_comes_back(office: Installation) -> None:
    office.ok("agent", "pause", ANN, "--reason", "lunch")
    eventually(office, lambda agent: agent is not None and agent["pause_reason"] == "lunch")
    office.ok("agent", "ready", ANN)
    eventually(office, lambda agent: agent is not None and (agent["state"], agent["pause_reason"]) == ("ready", None))


def test_an_agent_comes_and_leaves(office: Installation) -> None:
    assert f"{CID} is in sales now" in office.ok("agent", "login", CID, "--queue", "sales", "--name", "Cid")
    eventually(office, lambda agent: agent is not None, CID)
    assert "has left sales" in office.ok("agent", "logout", CID)
    eventually(office, lambda agent: agent is None, CID)


def test_what_can_not_be_done_is_refused_in_words(office: Installation) -> None:
    refused = office.run("agent", "login", "PJSIP/8", "--queue", "sales", "--queue", "nosuch")
    assert (refused.returncode, "no queue 'nosuch'" in refused.stderr) == (1, True)
    assert "PJSIP/8" not in names(office)  # in all of them or in none
    refused = office.run("agent", "pause", "PJSIP/9")
    assert (refused.returncode, "PJSIP/9" in refused.stderr) == (1, True)


def test_an_agent_takes_an_offer_leaves_another_and_dials_by_hand(office: Installation) -> None:
    office.ok("campaign", "start", "spring")
    for agent in (ANN, BEN):
        eventually(office, lambda found: found is not None and found["pause_reason"] == DIRECT_REASON, agent)
    offers = [office.ok("agent", "offer", agent) for agent in (ANN, BEN)]
    assert {offer.split(",")[0] for offer in offers} == {"lead 1: Ann +12125550101", "lead 2: Ben +12125550102"}
    assert all(re.search(r", until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$", offer.splitlines()[0]) for offer in offers)
    assert "decided 20" in office.ok("status")
    skipped = office.ask("agent", "offer", BEN)["lead_id"]
    refused = office.run("agent", "dial", ANN, "--lead", str(skipped))
    assert (refused.returncode, "is held for another call already" in refused.stderr) == (1, True)
    assert "is called for SIM/agent-001" in office.ok("agent", "accept", ANN)
    assert f"lead {skipped} is not called" in office.ok("agent", "skip", BEN, "--reason", "knows him")
    refused = office.run("agent", "accept", BEN)
    assert (refused.returncode, f"agent {BEN} has no offer" in refused.stderr) == (1, True)
    eventually(office, lambda agent: agent is not None and agent["state"] == "ready")
    refused = office.run("agent", "dial", ANN, "--lead", str(skipped))
    assert (refused.returncode, "resting" in refused.stderr) == (1, True)  # the rest after an attempt holds for all
    office.ok("agent", "dial", ANN, "--campaign", "spring", "--number", "+12125550103", "--list", "all")
    office.until(lambda status: status["campaigns"][0]["sessions"]["open"] == 0, within_s=30, what="its end")
    told = {(one["dial_mode"], one["status"], one["outcome"], one["agent"]) for one in office.pages("session", "list")}
    assert told == {
        ("preview", "complete", "CONNECTED", ANN),
        ("preview", "expired", "CANCELLED", None),
        ("manual", "complete", "CONNECTED", ANN),
    }
    assert office.problems() == []
