"""The page over HTTP: what it is made of, who may ask, and what browsers are told about safety."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import anyio
import httpx
import pytest

from dialler.web.answers import Status
from dialler.web.site import FILES
from dialler.web.watch import Watch
from tests.support.boards import status, visitor

STATIC = files("dialler.web") / "static"
PATHS = [*FILES, "/board.json", "/nowhere", "/docs", "/openapi.json"]


async def answer() -> Status:
    return Status.model_validate(status())


@asynccontextmanager
async def site(*, host: str = "127.0.0.1:8080") -> AsyncIterator[httpx.AsyncClient]:
    watch = Watch(answer)
    async with anyio.create_task_group() as tasks, visitor(watch, host=host) as client:
        tasks.start_soon(watch.run)
        yield client
        tasks.cancel_scope.cancel()


async def test_the_page_comes_with_its_files_and_its_figures() -> None:
    async with site() as client:
        for path, (name, kind) in FILES.items():
            found = await client.get(path)
            assert (found.status_code, found.headers["content-type"]) == (200, kind)
            assert found.content == (STATIC / name).read_bytes()
            again = await client.get(path, headers={"if-none-match": found.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        figures = await client.get("/board.json")
        assert figures.json()["campaigns"][0]["name"] == "spring"
        assert figures.headers["cache-control"] == "no-store"
        assert (await client.head("/board.json")).status_code == 200
        assert [(await client.get(path)).status_code for path in PATHS[-3:]] == [404, 404, 404]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "board.example"])
async def test_every_answer_is_safe(path: str, host: str) -> None:
    async with site(host=host) as client:
        headers = (await client.get(path)).headers
    policy = {name: value for name, _, value in (part.strip().partition(" ") for part in headers[CSP].split(";"))}
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control-")]


CSP = "content-security-policy"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "127.1.2.3:1", "localhost", "LOCALHOST:9000", "[::1]", "[::1]:8080"]
)
async def test_it_answers_to_names_of_this_machine(host: str) -> None:
    async with site() as client:
        assert (await client.get("/board.json", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "board.example",
        "board.example:8080",
        "127.0.0.1.example",
        "localhost.example:8080",
        "192.0.2.7:8080",
        "0.0.0.0:8080",
        "[2001:db8::1]:8080",
        "127.0.0.1:8080@board.example",
        "",
        ":8080",
    ],
)
async def test_a_page_from_elsewhere_whose_name_leads_here_is_refused(host: str) -> None:
    async with site() as client:
        found = await client.get("/board.json", headers={"host": host})
    assert found.status_code == 421
    assert "spring" not in found.text


async def test_two_names_at_once_are_refused() -> None:
    async with site() as client:
        headers = [("host", "127.0.0.1"), ("host", "board.example")]
        assert (await client.get("/board.json", headers=headers)).status_code == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_it_can_only_be_looked_at(method: str) -> None:
    async with site() as client:
        for path in ("/", "/board.json"):
            found = await client.request(method, path)
            assert (found.status_code, found.headers["allow"]) == (405, "GET, HEAD")


def test_the_page_loads_nothing_from_elsewhere_and_puts_data_in_as_text_only() -> None:
    page = (STATIC / "board.html").read_text(encoding="utf-8")
    script = (STATIC / "board.js").read_text(encoding="utf-8")
    style = (STATIC / "board.css").read_text(encoding="utf-8")
    assert not re.findall(r"(?:https?:)?//[\w.]+\.\w", page + style)
    loaded = set(re.findall(r'(?:src|href)="([^"]*)"', page))
    assert loaded == {"board.css", "board.js", "board.svg"}  # relative: a proxy may have it below any path
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc", script)
    assert not re.search(r"\sstyle=|\son\w+=|<script>|<style", page)
    assert "url(" not in style


def test_every_place_on_the_page_is_filled_by_something() -> None:
    page = (STATIC / "board.html").read_text(encoding="utf-8")
    script = (STATIC / "board.js").read_text(encoding="utf-8")
    for name in re.findall(r'byId\("([\w-]+)"\)', script) + re.findall(r'copyOf\("([\w-]+)"\)', script):
        assert f'id="{name}"' in page, name
