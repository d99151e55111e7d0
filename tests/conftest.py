"""Fixtures for all tests."""

import pytest
from hypothesis import settings

import dialler  # noqa: F401 - makes the tzdata package win before any test reads a zone
from tests.support.at_end import at_end

# No example is held to 200 ms: how long it takes tells of the machine, and what is measured is in benchmarks/.
settings.register_profile("dialler", deadline=None)
settings.load_profile("dialler")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For workers (`-n`): tests that share what their module has once are one piece, and the slow ones begin.

    Else each worker would build that thing for itself, and one would be left with a minute of work at the end.
    """
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if _shares(item):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_sessionfinish() -> None:
    """End what was left running for all tests."""
    at_end.close()


def _shares(item: pytest.Item) -> bool:
    """Tell whether a test has a fixture that is made once for its module."""
    info = getattr(item, "_fixtureinfo", None)
    made = [] if info is None else [each[-1] for each in info.name2fixturedefs.values()]
    return any(each.scope == "module" for each in made)


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio: panoramisk and redis know no other."""
    return "asyncio"
