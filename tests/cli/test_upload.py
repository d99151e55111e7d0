"""The upload's client, against a daemon that does not want it all."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Thread

import pytest

from dialler.cli.upload import upload_to_socket
from dialler.errors import NotFound

ANSWER = json.dumps({"error": "there is no list north", "kind": "not_found"}).encode()


def refuse(listening: socket.socket, times: int) -> None:
    """Answer each upload after its first bytes, and close without having read the rest."""
    for _ in range(times):
        with listening.accept()[0] as peer:
            peer.recv(100)
            head = f"HTTP/1.1 404 Not Found\r\ncontent-length: {len(ANSWER)}\r\nconnection: close\r\n\r\n"
            peer.sendall(head.encode() + ANSWER)


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(1000):
        yield b"x" * 65536


async def test_what_a_daemon_says_that_refuses_an_upload_is_heard_while_it_is_still_sent(tmp_path: Path) -> None:
    times = 30
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "sock"))
        listening.listen()
        refusing = Thread(target=refuse, args=(listening, times), daemon=True)
        refusing.start()
        for _ in range(times):
            with pytest.raises(NotFound, match="no list north"):
                await upload_to_socket(tmp_path / "sock", "/leads/import", {}, chunks(), print)
