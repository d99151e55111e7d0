"""Answers in lines, and clients who go away."""

import json
from typing import Any

import anyio
import pytest
from starlette.requests import ClientDisconnect

from dialler.api.streaming import Lines, StreamedAnswer, WhenLeft
from dialler.errors import Conflict


class Client:
    """Takes an answer, or does not."""

    def __init__(self, *, is_deaf: bool = False) -> None:
        self.is_deaf = is_deaf
        self.has_left = anyio.Event()
        self.messages: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self.is_deaf:
            raise ClientDisconnect
        self.messages.append(message)

    @property
    def lines(self) -> list[Any]:
        body = b"".join(message.get("body", b"") for message in self.messages)
        return [json.loads(line) for line in body.splitlines()]


async def answer(client: Client, answered: StreamedAnswer) -> None:
    with anyio.fail_after(10):
        await answered({"type": "http"}, client.receive, client.send)  # type: ignore[arg-type]


async def test_each_stage_is_told_of_at_once_and_more_of_it_now_and_then() -> None:
    async def work(lines: Lines) -> dict[str, object]:
        for at, stage in enumerate(("file", "file", "check", "check")):
            await lines.progress({"stage": stage, "rows": at})
        return {"report": {}}

    client = Client()
    await answer(client, StreamedAnswer(work, what="it"))
    assert client.lines == [
        {"progress": {"stage": "file", "rows": 0}},
        {"progress": {"stage": "check", "rows": 2}},
        {"report": {}},
    ]
    assert client.messages[-1]["more_body"] is False


async def test_a_work_stops_when_its_client_goes_away() -> None:
    client, begun, stopped = Client(), anyio.Event(), False

    async def work(lines: Lines) -> dict[str, object]:
        nonlocal stopped
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped = True
        raise AssertionError

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer, client, StreamedAnswer(work, what="it"))
        await begun.wait()
        client.has_left.set()
    assert stopped
    assert client.messages == []


@pytest.mark.parametrize("when_left", [WhenLeft.GOES_ON, WhenLeft.STOPS_AT_BODY])
async def test_whether_a_work_goes_on_that_nobody_hears_is_said(when_left: WhenLeft) -> None:
    done = False

    async def work(lines: Lines) -> dict[str, object]:
        nonlocal done
        await lines.rejects("x")
        await lines.rejects("y")
        done = True
        return {"report": {}}

    await answer(Client(is_deaf=True), StreamedAnswer(work, what="it", when_left=when_left))
    assert done is (when_left is WhenLeft.GOES_ON)


@pytest.mark.parametrize("when_left", WhenLeft)
async def test_an_error_has_its_own_status_before_the_first_line_and_is_a_line_later(when_left: WhenLeft) -> None:
    async def early(lines: Lines) -> dict[str, object]:
        raise Conflict("no")

    async def late(lines: Lines) -> dict[str, object]:
        await lines.progress({"stage": "file"})
        raise Conflict("no")

    client = Client()
    with pytest.raises(Conflict):
        await answer(client, StreamedAnswer(early, what="it", when_left=when_left))
    assert client.messages == []
    await answer(client, StreamedAnswer(late, what="it", when_left=when_left))
    assert client.lines == [{"progress": {"stage": "file"}}, {"error": "no", "kind": "conflict"}]
