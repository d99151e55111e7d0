"""What the board needs of the daemon's answer to `GET /status`; all else in it is left alone."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Part = Annotated[float, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(ge=0)]
Text = Annotated[str, Field(max_length=2_000)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Engine(_Answer):
    """The engine; its daemon may be there without one."""

    running: bool
    started_at: AwareDatetime | None = None
    note: Text | None = None


class Trunk(_Answer):
    """A carrier route; `up` tells whether the link to its server is."""

    name: Text
    server: Text
    up: bool
    channels_used: Count
    channels: Count
    calls_per_second: float


class Calls(_Answer):
    """Calls of a campaign by how far they came; None: nobody knows."""

    unanswered: Count | None = None
    waiting: Count | None = None
    talking: Count | None = None


class Agents(_Answer):
    """Agents of a campaign's queue; None: nobody knows."""

    ready: Count | None = None
    busy: Count | None = None


class Callbacks(_Answer):
    """Calls back that people were promised."""

    due: Count = 0
    waiting_for_agent: Count | None = None
    """Of these, the ones that lack nothing but the agent who promised them; None: nobody knows."""

    next_at: AwareDatetime | None = None


class Pacing(_Answer):
    """The last decision on how many calls to place."""

    strategy: Text
    calls: int | None = None
    reason: Text | None = None


class AbandonRate(_Answer):
    """Of how many persons who answered how many got no agent in time, in a period that ends now."""

    period: Text
    abandoned: float
    answered: float
    rate: float | None = None
    limit: float
    enforced: bool
    is_over: bool


class LeadList(_Answer):
    """A list; the counts from `dialable_now` on add up to its leads."""

    list_id: int
    name: Text
    weight: int
    to_dial: bool
    leads: Count
    dialable_now: Count
    waiting_for_window: Count
    resting: Count
    in_call: Count
    completed: Count
    percentage: Part | None = None
    """Of the campaign's calls, while each list has somebody to call; None: it is not to dial."""

    actual_percentage: Part | None = None
    runway_s: Seconds | None = None


class Campaign(_Answer):
    """A campaign; `actual` is None where no engine has taken it up."""

    campaign_id: int
    name: Text
    desired: Text
    actual: Text | None = None
    calls: Calls
    queue: Text | None = None
    agents: Agents
    callbacks: Callbacks = Callbacks()
    """None of a daemon of an older version."""

    hopper: Mapping[str, Count] = {}
    pacing: Pacing
    abandons: tuple[AbandonRate, ...] = ()
    """None of a campaign without agents, and of a daemon of an older version."""

    limits: tuple[Text, ...] = ()
    runway_s: Seconds | None = None
    next_at: AwareDatetime | None = None
    lists: tuple[LeadList, ...] = ()


class Status(_Answer):
    """Everything, of one moment."""

    at: AwareDatetime
    version: Text
    engine: Engine
    trunks: tuple[Trunk, ...] = ()
    agents: Mapping[str, Count] = {}
    """By state; a daemon of an older version does not tell them."""

    campaigns: tuple[Campaign, ...] = ()
