"""The doors: a unix socket guarded by its mode, TCP guarded by tokens."""

import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dialler.api.desk import Desk
from dialler.api.hashing import new_token
from dialler.api.probe import answers
from dialler.api.serving import ApiAddresses, serve_api
from dialler.api.sockets import unix_socket
from dialler.cli.upload import upload_to_socket
from dialler.clock import FixedClock
from dialler.errors import Conflict, NotFound, UsageError
from dialler.settings import ApiSettings, TokenSettings
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW

TOKEN, SHA256 = new_token()


@pytest.fixture
async def desk(store: MemoryStore) -> Desk:
    return Desk(store=store, clock=FixedClock(NOW))


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    return ApiSettings(
        socket=tmp_path / "d.sock", tcp="127.0.0.1:0", tokens=(TokenSettings(name="crm", sha256=SHA256),)
    )


def over_socket(addresses: ApiAddresses) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(addresses.socket))
    return httpx.AsyncClient(transport=transport, base_url="http://dialler")


async def test_the_socket_is_for_owner_and_group_and_asks_for_no_token(desk: Desk, settings: ApiSettings) -> None:
    async with anyio.create_task_group() as tasks:
        addresses = await tasks.start(serve_api, desk, settings)
        assert stat.S_IMODE(addresses.socket.stat().st_mode) == 0o660
        async with over_socket(addresses) as client:
            assert (await client.get("/status")).json()["campaigns"] == []
        tasks.cancel_scope.cancel()
    assert not addresses.socket.exists()


async def test_tcp_opens_to_bearers_of_a_known_token_only(
    desk: Desk, settings: ApiSettings, store: MemoryStore
) -> None:
    async with anyio.create_task_group() as tasks:
        addresses = await tasks.start(serve_api, desk, settings)
        host, port = addresses.tcp
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
            for headers in (
                {},
                {"authorization": "Bearer wrong"},
                {"authorization": f"Basic {TOKEN}"},
                {"authorization": f"Bearer {SHA256}"},
                {"authorization": "Bearer"},
            ):
                refused = await client.get("/status", headers=headers)
                assert (refused.status_code, refused.json()["kind"]) == (401, "unauthorized")
                assert refused.headers["www-authenticate"] == "Bearer"
            known = {"authorization": f"Bearer {TOKEN}", "x-dialler-who": "root"}
            assert (await client.get("/status", headers=known)).status_code == 200
            assert (await client.post("/campaigns", json={"name": "spring"}, headers=known)).status_code == 201
        tasks.cancel_scope.cancel()
    ((who,),) = store._desk.link.rows("SELECT who FROM audit")
    assert who == "token:crm"  # whatever the header claims


async def test_the_description_is_open_to_any_browser_and_loads_nothing_from_elsewhere(
    desk: Desk, settings: ApiSettings
) -> None:
    async with anyio.create_task_group() as tasks:
        addresses = await tasks.start(serve_api, desk, settings)
        host, port = addresses.tcp
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
            page = await client.get("/docs")
            described = (await client.get("/openapi.json")).json()
            for path in ("/docs/", "/status", "/nothing"):
                assert (await client.get(path)).status_code == 401
        tasks.cancel_scope.cancel()
    assert page.headers["content-type"].startswith("text/html")
    for path, operations in described["paths"].items():
        for method in operations:
            assert f"<b>{method.upper()}</b> {path}</h3>" in page.text
    assert "<script" not in page.text
    assert "src=" not in page.text


async def test_an_upload_is_answered_while_it_is_sent(desk: Desk, settings: ApiSettings) -> None:
    rejected = b"Nobody,123\n" * 50_000  # Its echo is more than the sockets' buffers hold.
    lines: list[dict[str, Any]] = []

    async def chunks() -> AsyncIterator[bytes]:
        yield b"Name,Phone\nMercy,+12025550123\n"
        for start in range(0, len(rejected), 65536):
            yield rejected[start : start + 65536]

    async with anyio.create_task_group() as tasks:
        addresses = await tasks.start(serve_api, desk, settings)
        async with over_socket(addresses) as client:
            await client.post("/campaigns", json={"name": "spring"})
            await client.post("/campaigns/spring/lists", json={"name": "a"})
        target = "/leads/import?campaign=spring&list=a&region=US&rejects=true&map=number%3DPhone"
        await upload_to_socket(addresses.socket, target, {}, chunks(), lines.append)
        with pytest.raises(NotFound):
            await upload_to_socket(addresses.socket, target.replace("=a", "=b"), {}, chunks(), lines.append)
        tasks.cancel_scope.cancel()
    report = lines[-1]["report"]
    assert (report["imported"], report["rejected"]) == (1, 50_000)
    assert sum(line.get("rejects", "").count("Nobody") for line in lines) == 50_000


async def test_a_socket_left_behind_by_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    assert not answers(path)
    with unix_socket(path):
        assert answers(path)


async def test_a_socket_on_which_somebody_answers_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    with unix_socket(path):
        with pytest.raises(Conflict, match="another daemon"):
            unix_socket(path)
        assert answers(path)


async def test_a_path_that_can_not_hold_a_socket_is_told_by_its_key(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    for path in (tmp_path / ("x" * 120), file, file / "d.sock"):
        with pytest.raises(UsageError, match=r"api\.socket"):
            unix_socket(path)
    assert file.read_text() == "precious"


async def test_the_longest_path_that_is_allowed_works(tmp_path: Path) -> None:
    room = 107 - len(os.fsencode(tmp_path)) - 1
    assert room > 0
    with unix_socket(tmp_path / ("x" * room)):
        pass


async def test_a_taken_port_is_a_conflict_unless_any_will_do(desk: Desk, settings: ApiSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        clash = settings.model_copy(update={"tcp": f"127.0.0.1:{port}"})
        with pytest.raises(Conflict, match=r"api\.tcp"):
            await serve_api(desk, clash)
        assert not settings.socket.exists()
        async with anyio.create_task_group() as tasks:
            addresses = await tasks.start(serve_api, desk, clash.model_copy(update={"port_fallback": True}))
            assert addresses.tcp[1] not in (0, port)
            tasks.cancel_scope.cancel()
