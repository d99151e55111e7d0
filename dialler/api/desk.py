"""What the routes work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

import dialler
from dialler.clock import Clock
from dialler.errors import Conflict
from dialler.events import Journal
from dialler.ports import EngineControl, Store

WHO = "dialler_who"
"""The key of the request's scope under which a door leaves the caller's name."""

WHO_HEADER = "x-dialler-who"

NO_ENGINE = "no engine runs on these records: `dialler run` starts one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The records, the time, and the engine if one runs in this process."""

    store: Store
    clock: Clock
    journal: Journal = field(default_factory=Journal)
    engine: EngineControl | None = None
    """None: a command works on the records alone, and no daemon runs."""

    trunks: frozenset[str] = frozenset()
    """Trunks named by the settings, for use where no engine knows better; empty: they name none."""

    version: str = dialler.__version__

    def running_engine(self) -> EngineControl:
        """Return the engine, for what only an engine can do. Raises Conflict where none runs."""
        if self.engine is None:
            raise Conflict(NO_ENGINE)
        return self.engine

    def trunks_known(self) -> frozenset[str]:
        """Return the names of the trunks that calls can go out on; empty where nobody knows any."""
        if self.engine is None:
            return self.trunks
        return frozenset(trunk.name for trunk in self.engine.report().trunks)


async def noted(desk: Desk, who: str, what: str, details: Mapping[str, object]) -> None:
    """Note in the audit who did what."""
    now = desk.clock.now()
    await desk.store.write(lambda records: records.add_audit(now, who, what, details))


def desk_of(request: Request) -> Desk:
    """Return the desk that the application was made for."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


def who_of(request: Request) -> str:
    """Return who asks: the token's name over TCP; over the socket, which the file's mode guards, who they say."""
    return str(request.scope.get(WHO) or f"socket:{request.headers.get(WHO_HEADER, 'someone')[:64]}")


TheDesk = Annotated[Desk, Depends(desk_of)]
Who = Annotated[str, Depends(who_of)]
