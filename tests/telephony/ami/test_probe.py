"""Examining an exchange that misbehaves: against a scripted peer."""

import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from telephony.ami import AsteriskServer, AsteriskTrunk, Timing
from telephony.ami.calls import UUID, CallBook
from telephony.ami.probe import examine
from telephony.ami.probe_answers import ENDPOINT, LOCAL, takes_failed
from telephony.health import Placing, Reached
from tests.support.ami_peer import AmiPeer, AmiSession, Headers

QUICK = Timing(connect_s=0.5, login_s=0.5, boot_s=0.1, action_s=0.3)


@pytest.fixture
async def peer() -> AsyncIterator[AmiPeer]:
    async with AmiPeer() as running:
        running.on("ShowDialPlan", dialplan("s"))
        running.on("Originate", places(tells=True))
        yield running


def server(peer: AmiPeer, **facts: str) -> AsteriskServer:
    return AsteriskServer(
        **{"name": "a", "port": peer.port, "username": "dialler", "secret": "test-secret", **facts},  # type: ignore[arg-type]
        trunks=(AsteriskTrunk(name="t", dial="PJSIP/{number}@carrier", calls_per_second=1.0, channels=1),),
    )


def dialplan(*extensions: str) -> Callable[[AmiSession, Headers], bool]:
    def answer(session: AmiSession, action: Headers) -> bool:
        session.respond(action, "Success", "EventList: start")
        action_id = f"ActionID: {action['actionid'][0]}"
        for extension in extensions:
            session.send("Event: ListDialplan", action_id, f"Extension: {extension}")
        session.send("Event: ShowDialPlanComplete", action_id, "EventList: Complete")
        return True

    return answer


def says(response: str, *lines: str) -> Callable[[AmiSession, Headers], bool]:
    def answer(session: AmiSession, action: Headers) -> bool:
        session.respond(action, response, *lines)
        return True

    return answer


def places(*, tells: bool) -> Callable[[AmiSession, Headers], bool]:
    def answer(session: AmiSession, action: Headers) -> bool:
        session.respond(action, "Success", "Message: Originate successfully queued")
        if tells:
            action_id = f"ActionID: {action['actionid'][0]}"
            session.send("Event: OriginateResponse", "Privilege: call,all", action_id, "Response: Failure")
        return True

    return answer


async def test_the_call_it_places_can_not_ring_and_is_nobodys(peer: AmiPeer) -> None:
    peer.on("Originate", places(tells=True))
    facts = await examine(server(peer), timing=QUICK)
    assert facts.reached is Reached.END and facts.placing is Placing.TOLD
    [sent] = peer.sent("Originate")
    assert sent["channel"] == ["DiallerDoctor/none"] and sent["async"] == ["true"]
    assert sent["context"] == ["dlr-answered"] and sent["exten"] == ["s"]
    assert not UUID.fullmatch(sent["actionid"][0]), "a running dialler would take it for a call of its own"


async def test_only_questions_are_asked(peer: AmiPeer) -> None:
    peer.on("ListCommands", says("Success", "GetConfig: x (Priv: config,all)", "Filter: y (Priv: system,all)"))
    await examine(server(peer), timing=QUICK)
    assert {action["action"][0] for action in peer.actions} == {
        "Challenge", "Login", "Events", "ListCommands", "CoreSettings", "Ping", "QueueStatus", "Getvar",
        "ShowDialPlan", "Originate", "GetConfig", "Filter",
    }  # fmt: skip


async def test_modules_are_asked_for_only_by_an_account_that_may(peer: AmiPeer) -> None:
    def loaded(session: AmiSession, action: Headers) -> bool:
        session.respond(action, "Success" if action["module"] == ["app_queue"] else "Error")
        return True

    peer.on("ModuleCheck", loaded)
    assert (await examine(server(peer), modules=["app_queue"], timing=QUICK)).modules is None
    assert not peer.sent("ModuleCheck")
    peer.on("ListCommands", says("Success", "ModuleCheck: x (Priv: system,all)"))
    facts = await examine(server(peer), modules=["app_queue", "app_amd"], timing=QUICK)
    assert facts.modules == {"app_queue": True, "app_amd": False}


async def test_an_end_that_is_not_told_is_noticed(peer: AmiPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.ami.probe.TOLD_WITHIN_S", 0.05)
    peer.on("Originate", places(tells=False))
    assert (await examine(server(peer), timing=QUICK)).placing is Placing.UNTOLD


@pytest.mark.parametrize(
    ("message", "placing"),
    [
        ("Permission denied", Placing.FORBIDDEN),
        ("Extension does not exist.", Placing.NO_CONTEXT),
        ("Asterisk is shutting down", Placing.REFUSED),
    ],
)
async def test_a_refused_call_says_why(peer: AmiPeer, message: str, placing: Placing) -> None:
    peer.on("Originate", says("Error", f"Message: {message}"))
    assert (await examine(server(peer), timing=QUICK)).placing is placing


@pytest.mark.parametrize("extension", ["failed", "_.", "_!"])
async def test_no_call_is_placed_where_one_that_fails_would_run_something(peer: AmiPeer, extension: str) -> None:
    peer.on("ShowDialPlan", dialplan("s", extension))
    facts = await examine(server(peer), timing=QUICK)
    assert facts.placing is Placing.NOT_TRIED and not peer.sent("Originate")


async def test_a_dialplan_that_may_not_be_read_is_not_called_into(peer: AmiPeer) -> None:
    peer.on("ShowDialPlan", says("Error", "Message: Permission denied"))
    peer.on("Originate", places(tells=True))
    facts = await examine(server(peer), timing=QUICK)
    assert facts.extensions is None and facts.placing is Placing.TOLD
    [sent] = peer.sent("Originate")
    assert sent["application"] == ["NoOp"] and "context" not in sent


async def test_an_exchange_that_says_nothing_is_given_up(peer: AmiPeer) -> None:
    peer.silent = True
    facts = await examine(server(peer), timing=QUICK)
    assert facts.reached is Reached.BROKEN and "no answer to the login" in facts.reason


async def test_one_that_falls_silent_later_is_given_up_and_what_was_told_is_kept(peer: AmiPeer) -> None:
    def silent(session: AmiSession, action: Headers) -> bool:
        return True

    peer.on("CoreSettings", says("Success", "AsteriskVersion: 22.10.1"))
    peer.on("QueueStatus", silent)
    facts = await examine(server(peer), timing=QUICK)
    assert facts.reached is Reached.BROKEN and "did not answer QueueStatus" in facts.reason
    assert facts.version == "22.10.1"


async def test_a_link_that_is_cut_is_a_fact(peer: AmiPeer) -> None:
    def cut(session: AmiSession, action: Headers) -> bool:
        session.cut()
        return True

    peer.on("Ping", cut)
    assert (await examine(server(peer), timing=QUICK)).reached is Reached.BROKEN


async def test_a_wrong_secret_is_refused(peer: AmiPeer) -> None:
    facts = await examine(server(peer, secret="wrong"), timing=QUICK)
    assert facts.reached is Reached.REFUSED and facts.reason == "Authentication failed"


async def test_one_that_has_not_booted_or_may_not_tell_is_noticed(peer: AmiPeer) -> None:
    peer.boots = False
    facts = await examine(server(peer), timing=QUICK)
    assert facts.reached is Reached.END and not facts.booted


async def test_the_difference_of_the_clocks_is_measured(peer: AmiPeer) -> None:
    def ahead(session: AmiSession, action: Headers) -> bool:
        session.respond(action, "Success", "Ping: Pong", f"Timestamp: {time.time() + 60:.6f}")
        return True

    peer.on("Ping", ahead)
    facts = await examine(server(peer), timing=QUICK)
    assert facts.clock_ahead_s == pytest.approx(60, abs=0.3)
    assert facts.round_trip_s is not None and 0 < facts.round_trip_s < 0.3


async def test_events_that_nobody_reads_are_noticed(peer: AmiPeer) -> None:
    def busy(session: AmiSession, action: Headers) -> bool:
        session.send("Event: BridgeEnter", "Privilege: call,all", "Uniqueid: 1")
        session.send("Event: Hangup", "Privilege: call,all", "Uniqueid: 1")
        session.respond(action, "Success", "Ping: Pong")
        return True

    peer.on("Ping", busy)
    facts = await examine(server(peer), timing=QUICK)
    assert facts.unwanted_events == {"BridgeEnter"} and "Hangup" in facts.events_read


async def test_the_secret_of_the_account_is_not_kept(peer: AmiPeer) -> None:
    peer.on("ListCommands", says("Success", "GetConfig: x (Priv: config,all)"))
    lines = ("secret=test-secret", "read=call, system", "write=all", "writetimeout=5000", "eventfilter=!x")
    peer.on("GetConfig", says("Success", *(f"Line-000000-{at:06}: {line}" for at, line in enumerate(lines))))
    facts = await examine(server(peer), timing=QUICK)
    assert facts.account is not None and facts.account.read == {"call", "system"}
    assert facts.account.write_timeout_ms == 5000 and list(facts.account.filters) == ["eventfilter=!x"]
    assert "test-secret" not in repr(facts)


@pytest.mark.parametrize(
    ("dial", "endpoint", "context"),
    [
        ("PJSIP/{number}@carrier-a", "carrier-a", None),
        ("PJSIP/{digits}@a", "a", None),
        ("Local/{number}@out/n", None, "out"),
        ("Local/{number}@out", None, "out"),
        ("DAHDI/g1/{digits}", None, None),
        ("PJSIP/a/sip:{number}@192.0.2.1", None, None),
    ],
)
def test_what_a_trunk_leads_to_is_read_from_its_channel(dial: str, endpoint: str | None, context: str | None) -> None:
    assert [found and found[1] for found in (ENDPOINT.search(dial), LOCAL.search(dial))] == [endpoint, context]


def test_a_context_without_extensions_runs_nothing() -> None:
    assert not takes_failed(None) and not takes_failed(frozenset()) and not takes_failed(frozenset({"s", "_X."}))


async def test_a_dialler_at_work_hears_the_end_of_that_call_and_takes_it_for_nobodys(peer: AmiPeer) -> None:
    facts = await examine(server(peer), timing=QUICK)
    [sent] = peer.sent("Originate")
    heard = {
        "event": "OriginateResponse",
        "actionid": sent["actionid"][0],
        "response": "Failure",
        "uniqueid": "<unknown>",
    }
    assert facts.placing is Placing.TOLD
    assert CallBook().take(heard, server="a", generation=1, at=datetime.now(UTC)) is None
    call = {**heard, "actionid": "0192f0c1-2345-7abc-8def-0123456789ab"}
    assert CallBook().take(call, server="a", generation=1, at=datetime.now(UTC)) is not None
