"""The API under requests that nobody would think of: whatever comes, it is no fault of ours.

Schemathesis makes them from the API's own description, the same ones each time. The application is asked in this
process, on records in memory with a small contact centre in them.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from dialler.api.desk import Desk
from dialler.api.routes import make_api
from dialler.clock import FixedClock
from dialler.stores.memory import MemoryStore
from tests.support.desks import NOW, FakeEngine, fill

BASE: Final = "http://dialler"
STORE: Final = MemoryStore()
APP: Final = make_api(Desk(store=STORE, clock=FixedClock(NOW), engine=FakeEngine(STORE)))
OPERATIONS: Final = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(APP.openapi()).get_all_operations()
    if isinstance(found, Ok)
}
REQUESTS_EACH: Final = 25


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop on which the records are filled."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(STORE.write(fill))
    yield loop
    loop.run_until_complete(STORE.aclose())
    loop.close()


def test_every_route_is_described() -> None:
    assert len(OPERATIONS) >= 38
    assert "PATCH /leads/{lead_id}" in OPERATIONS


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_meets_a_fault_of_ours(label: str, loop: asyncio.AbstractEventLoop) -> None:
    async def answer(asked: requests.PreparedRequest) -> httpx.Response:
        transport = httpx.ASGITransport(app=APP, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            body = asked.body.encode("utf-8", "surrogatepass") if isinstance(asked.body, str) else asked.body
            headers = {key: value for key, value in asked.headers.items() if key.lower() != "content-length"}
            return await client.request(str(asked.method), str(asked.url), content=body, headers=headers)

    @settings(
        max_examples=REQUESTS_EACH,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: schemathesis.Case) -> None:
        asked = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
        assert loop.run_until_complete(answer(asked)).status_code < 500

    ask()
