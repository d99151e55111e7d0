"""What every route refuses by its key, with nothing done: text that no record can hold, keys that it does not have."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.api.desk import Desk
from dialler.api.routes import make_api
from dialler.clock import FixedClock
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine, fill

STORE: Final = MemoryStore()
DESK: Final = Desk(store=STORE, clock=FixedClock(NOW), engine=FakeEngine(STORE))
APP: Final = make_api(DESK)
OPENAPI: Final[Mapping[str, Any]] = APP.openapi()
SEGMENT: Final = "spring"

halves = st.characters(categories=["Cs"])
texts = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=5)
bad_texts = st.builds(lambda a, bad, b: a + bad + b, texts, halves | st.just("\x00"), texts)
with_nul = st.builds(lambda a, b: f"{a}\x00{b}", texts, texts)
"""In an address there are no halves: what is no UTF-8 there is read as U+FFFD."""


def operations() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, methods in OPENAPI["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


ROUTES: Final = dict(operations())


def names(label: str, where: str) -> list[str]:
    """Return the names of a route's parameters that stand in its path, or its query."""
    return [each["name"] for each in ROUTES[label].get("parameters", ()) if each["in"] == where]


def keys(label: str) -> list[str]:
    """Return the keys of a route's JSON body."""
    content = ROUTES[label].get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return []
    name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return list(OPENAPI["components"]["schemas"][name]["properties"])


def address(label: str, **said: str) -> str:
    path = label.partition(" ")[2]
    for name in names(label, "path"):
        path = path.replace(f"{{{name}}}", quote(said.get(name, SEGMENT), safe=""))
    return path


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(STORE.write(fill))
    yield loop
    loop.run_until_complete(STORE.aclose())
    loop.close()


def test_the_routes_with_a_body_are_seen() -> None:
    assert len([label for label in ROUTES if keys(label)]) >= 20


@pytest.mark.parametrize("label", [label for label in ROUTES if names(label, "query") or names(label, "path")])
def test_a_parameter_with_a_nul_is_refused_by_its_name(label: str, loop: asyncio.AbstractEventLoop) -> None:
    @settings(max_examples=10, derandomize=True, deadline=None, database=None)
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        where = data.draw(st.sampled_from([w for w in ("query", "path") if names(label, w)]))
        name = data.draw(st.sampled_from(names(label, where)))
        text = data.draw(with_nul)
        document = refused(
            loop,
            label,
            address(label, **({name: text} if where == "path" else {})),
            name,
            params={name: text} if where == "query" else {},
        )
        assert "NUL character" in document["error"]

    ask()


@pytest.mark.parametrize("label", [label for label in ROUTES if keys(label)])
def test_a_body_with_bad_text_is_refused_by_its_key(label: str, loop: asyncio.AbstractEventLoop) -> None:
    @settings(max_examples=15, derandomize=True, deadline=None, database=None)
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        name, text = data.draw(st.sampled_from(keys(label))), data.draw(bad_texts)
        value: Any = text
        for around in data.draw(st.lists(st.sampled_from(("list", "key")), max_size=2)):
            value = ["x", value] if around == "list" else {"k": value}
        value = data.draw(st.sampled_from((value, {text: "x"})))
        content = json.dumps({"x": 1, name: value}, ensure_ascii=data.draw(st.booleans()))
        document = refused(
            loop,
            label,
            address(label),
            name,
            content=content.encode("utf-8", "surrogatepass"),
            headers={"content-type": "application/json"},
        )
        assert "NUL character" in document["error"]

    ask()


@pytest.mark.parametrize("label", ROUTES)
def test_a_key_that_a_route_does_not_have_is_refused_by_its_name_and_the_others_are_told(
    label: str, loop: asyncio.AbstractEventLoop
) -> None:
    there = names(label, "query")
    asked = {"campain": "spring", **dict.fromkeys(there[:1], "1")}
    document = refused(loop, label, address(label), "campain", params=asked)
    assert document["mistakes"] == [document["error"]]
    assert all(name in document["error"] for name in there or ["none is taken here"])


def refused(loop: asyncio.AbstractEventLoop, label: str, path: str, name: str, **said: Any) -> dict[str, Any]:
    """Ask, and see it refused by its name, with nothing done; return the error."""

    async def ask() -> tuple[httpx.Response, int]:
        transport = httpx.ASGITransport(app=APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://dialler") as client:
            answer = await client.request(label.partition(" ")[0], path, **said)
        entries = await STORE.read(lambda records: records._in.rows("SELECT count(*) FROM audit"))  # type: ignore[attr-defined]
        return answer, entries[0][0]

    answer, entries = loop.run_until_complete(ask())
    assert answer.status_code == 422, (label, answer.text)
    document = answer.json()
    assert document["kind"] == "usage", document
    assert document["error"].startswith(name), document
    assert entries == 0
    return document
