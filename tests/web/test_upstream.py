"""Whatever is at the daemon's socket, the board learns what it does, or why it can't tell."""

import json
import os
import socket
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream

from dialler.web import upstream
from dialler.web.upstream import Trouble, Unanswered, upstream_at
from tests.support.boards import status


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "d.sock"


async def answering(path: Path, reply: bytes, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    """Answer each request at `path` with `reply`, and hang up; an empty one stays away."""

    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            if not reply:
                await anyio.sleep_forever()
            await stream.send(reply)

    async with await anyio.create_unix_listener(path) as listener:
        task_status.started()
        await listener.serve(answer)


async def trouble_with(path: Path, reply: bytes) -> Unanswered:
    async with anyio.create_task_group() as tasks, upstream_at(path) as daemon:
        await tasks.start(lambda *, task_status: answering(path, reply, task_status=task_status))
        with pytest.raises(Unanswered) as raised:
            await daemon.status()
        tasks.cancel_scope.cancel()
    return raised.value


def http(body: bytes, code: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {code}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def test_a_daemon_is_asked_and_tells(path: Path) -> None:
    reply = http(json.dumps(status()).encode())
    async with anyio.create_task_group() as tasks, upstream_at(path) as daemon:
        await tasks.start(lambda *, task_status: answering(path, reply, task_status=task_status))
        assert (await daemon.status()).campaigns[0].name == "spring"
        assert (await daemon.status()).campaigns[0].name == "spring"  # over a new connection
        tasks.cancel_scope.cancel()


async def test_no_daemon_is_told_with_the_socket(path: Path) -> None:
    async with upstream_at(path) as daemon:
        with pytest.raises(Unanswered, match=str(path)) as raised:
            await daemon.status()
        assert raised.value.trouble is Trouble.ABSENT
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))  # and leaves it behind
        with pytest.raises(Unanswered, match=str(path)) as raised:
            await daemon.status()
        assert raised.value.trouble is Trouble.ABSENT


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
async def test_a_socket_that_is_not_for_this_user_is_told(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.parent.chmod(0o700)
        os.seteuid(65534)
        try:
            async with upstream_at(path) as daemon:
                with pytest.raises(Unanswered) as raised:
                    await daemon.status()
        finally:
            os.seteuid(0)
    assert raised.value.trouble is Trouble.DENIED


async def test_a_daemon_that_says_nothing_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "ANSWER_S", 0.2)
    error = await trouble_with(path, b"")
    assert (error.trouble, str(error)) == (Trouble.SILENT, "the daemon gave no answer within 0.2 s")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (http(b"not JSON"), "not one that this version understands"),
        (http(b"[]"), "not one that this version understands"),
        (http(b'{"campaigns": 7}'), "not one that this version understands"),
        (http(b"[" * 100_000), "not one that this version understands"),
        (http(b'"\xff"'), "not one that this version understands"),
        (http(json.dumps(status(agents={"ready": -1})).encode()), "1 differences"),
        (http(b'{"error": "the records\\nare locked"}', "503 no"), "answered 503: the records are locked"),
        (http(b"<html>", "404 no"), "answered 404: with no reason"),
    ],
)
async def test_an_answer_that_is_none_is_told_as_such(path: Path, reply: bytes, said: str) -> None:
    error = await trouble_with(path, reply)
    assert error.trouble is Trouble.STRANGE
    assert said in str(error)


@pytest.mark.parametrize("reply", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"])
async def test_one_that_does_not_speak_to_the_end_is_told_as_such(path: Path, reply: bytes) -> None:
    assert (await trouble_with(path, reply)).trouble is Trouble.SILENT


async def test_an_answer_without_end_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "ANSWER_BYTES_MAX", 1 << 20)
    error = await trouble_with(path, http(b" " * (2 << 20)))
    assert error.trouble is Trouble.STRANGE
    assert "more than 1 MiB" in str(error)
