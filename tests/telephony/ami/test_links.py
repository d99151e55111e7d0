"""How the AMI adapter's links come up, are lost and come back, over TCP and TLS: against a scripted peer."""

import subprocess
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import anyio
import pytest

from telephony.ami import LinkState
from telephony.events import Dialling, HungUp, LinkDown, LinkUp, Ringing
from tests.support.ami_link import call, linked
from tests.support.ami_peer import AmiPeer, AmiSession, Headers, channel_event


async def test_the_filter_is_optional_and_asked_for_once(peer: AmiPeer) -> None:
    def deny(session: AmiSession, action: Headers) -> bool:
        session.respond(action, "Error", "Message: Permission denied")
        return True

    peer.on("Filter", deny)
    async with linked(peer) as one:
        assert one.network.is_up("a")
    assert len(peer.sent("Filter")) == 1


async def test_call_events_are_switched_on_after_the_link_was_told(peer: AmiPeer) -> None:
    async with linked(peer):
        await peer.until(lambda: bool(peer.sent("QueueStatus")))
        names = [action["action"][0] for action in peer.actions]
        assert names.index("Login") < names.index("Filter") < names.index("Events") < names.index("QueueStatus")
        assert peer.sent("Login")[0]["events"] == ["system"]
        assert "secret" not in peer.sent("Login")[0]


async def test_a_restart_of_asterisk_is_told_and_its_calls_are_forgotten(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        await one.network.originate(call("c-1"))
        peer.uptime_s = 0
        place = len(one.log.events)
        peer.session.cut()
        link = await one.log.first(LinkUp, after=place)
        assert link.restarted
        assert one.network.calls_known == 0
        peer.uptime_s = 1000
        place = len(one.log.events)
        peer.session.cut()
        link = await one.log.first(LinkUp, after=place)
        assert not link.restarted


async def test_each_answered_ping_is_timed_and_one_without_an_answer_is_not(peer: AmiPeer) -> None:
    pongs: list[tuple[str, float]] = []
    timed = anyio.Event()

    def on_pong(server: str, round_trip_s: float) -> None:
        pongs.append((server, round_trip_s))
        timed.set()

    async with linked(peer, on_pong=on_pong) as one:
        with anyio.fail_after(5):
            await timed.wait()
        assert {server for server, _ in pongs} == {"a"}
        assert all(0 < round_trip_s < 0.2 for _, round_trip_s in pongs)
        peer.silent = True
        told = len(pongs)
        await one.log.first(LinkDown)
        assert len(pongs) <= told + 1  # Its answer may have been on its way.


async def test_an_announced_shutdown_ends_the_link(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        peer.session.send("Event: Shutdown", "Privilege: system,all", "Shutdown: Uncleanly", "Restart: False")
        down = await one.log.first(LinkDown)
        assert "shutting down" in down.reason


async def test_an_account_that_may_not_read_system_still_gets_a_link(peer: AmiPeer) -> None:
    peer.boots = False
    async with linked(peer) as one:
        assert one.network.is_up("a")
    assert len(peer.sent("CoreStatus")) == 1


async def test_nothing_is_listening_is_told_once_and_tried_again(peer: AmiPeer) -> None:
    async with AmiPeer() as closed:
        pass
    async with linked(closed, wait=False) as one:
        down = await one.log.first(LinkDown)
        assert "refused" in down.reason.lower() or "connect" in down.reason.lower()
        async with AmiPeer() as back:
            assert back.port  # any peer: the address is the closed one's
        closed.sessions.clear()
        async with closed:
            await one.log.first(LinkUp)
        assert len([event for event in one.log.events if isinstance(event, LinkDown)]) <= 2


async def test_an_impossible_host_name_is_only_a_link_that_is_down(peer: AmiPeer) -> None:
    async with linked(peer, wait=False, host="a" * 70 + ".example") as one:
        await one.log.first(LinkDown)
        assert one.network.links["a"].state in (LinkState.DOWN, LinkState.CONNECTING)


async def test_a_cancelled_network_closes_its_links_and_connects_no_more(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        pass
    await peer.until(lambda: peer.session.writer.is_closing() or not one.network.is_up("a"))
    assert not one.network.is_up("a")
    connections = len(peer.sessions)
    await anyio.sleep(0.15)  # several back-offs
    assert len(peer.sessions) == connections


async def test_two_servers_are_one_set_of_trunks(peer: AmiPeer) -> None:
    async with AmiPeer() as other, linked(peer, other) as one:
        assert [(trunk.name, trunk.server) for trunk in one.network.trunks] == [("ta", "a"), ("tb", "b")]
        await one.network.originate(call("c-1", trunk="ta"))
        await one.network.originate(call("c-2", trunk="tb"))
        other.session.send_raw(channel_event("Newstate", "c-2", "ChannelState: 5"))
        await one.log.first(Ringing, call_id="c-2")
        assert [sent["actionid"][0] for sent in other.sent("Originate")] == ["c-2"]
        assert await one.network.hang_up("c-2") is False  # this peer knows no channel
        assert [len(peer.sent("Hangup")), len(other.sent("Hangup"))] == [0, 1]
        assert await one.network.hang_up("unknown") is False
        assert [len(peer.sent("Hangup")), len(other.sent("Hangup"))] == [1, 2]
        place = len(one.log.events)
        peer.session.cut()
        await one.log.first(LinkDown, server="a", after=place)
        await one.network.originate(call("c-3", trunk="tb"))


async def test_hundreds_of_events_in_any_chunks_are_told_in_order(peer: AmiPeer) -> None:
    calls = [f"c-{number}" for number in range(50)]
    async with linked(peer) as one:
        for call_id in calls:
            await one.network.originate(call(call_id))
        steps = [("Newchannel", ()), ("Newstate", ("ChannelState: 5",)), ("Hangup", ("Cause: 17",))]
        stream = b"".join(channel_event(name, call_id, *lines) for name, lines in steps for call_id in calls)
        for start in range(0, len(stream), 37):
            peer.session.send_raw(stream[start : start + 37])
            await peer.session.writer.drain()
        await one.log.first(HungUp, call_id=calls[-1])
        told = [(type(event), event.call_id) for event in one.log.events if hasattr(event, "call_id")]
        assert told == [(kind, call_id) for kind in (Dialling, Ringing, HungUp) for call_id in calls]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


async def test_a_login_over_tls_checks_the_certificate(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    async with AmiPeer(tls=context) as peer:
        async with linked(peer, tls=cert) as one:
            await one.network.originate(call("c-1"))
        assert len(peer.sent("Originate")) == 1
        async with linked(peer, tls=True, wait=False) as distrustful:
            down = await distrustful.log.first(LinkDown)
            assert "certificate" in down.reason.lower()
        assert len(peer.sent("Login")) == 1


async def test_a_ca_file_that_is_missing_is_told(peer: AmiPeer, tmp_path: Path) -> None:
    async with linked(peer, tls=tmp_path / "none.pem", wait=False) as one:
        down = await one.log.first(LinkDown)
        assert "No such file" in down.reason
