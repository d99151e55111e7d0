"""The answer to CoreShowChannels, as live calls."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Final

from telephony.ami.translate import Fields, text
from telephony.port import LiveCall, LiveState

CHANNEL_SUFFIX: Final = re.compile(r"-[0-9a-f]{8,}(;[12])?$")
"""What Asterisk adds to a device's name for each of its channels."""

HARBOUR: Final = "-harbour"
"""What the dialplan's context of the information message adds to the name of that of answered calls."""

WAITS: Final = frozenset({"Queue", "Dial"})
"""Applications in which an answered call waits for an agent: any of a queue, or one certain agent."""


def live_calls(
    messages: Iterable[Fields],
    *,
    server: str,
    is_ours: Callable[[str], bool],
    members: Collection[str],
    waits: Mapping[str, timedelta] | None = None,
) -> list[LiveCall]:
    """Return the calls among the channels of a CoreShowChannels list whose unique id `is_ours`.

    `waits` says how long calls have been in their queues, by unique id (`waits_in`). The other channel of a bridge is
    the agent, named like the queue member that it belongs to (`members` are their interfaces), or by its device where
    none fits.
    """
    channels = [message for message in messages if text(message, "event") == "CoreShowChannel"]
    ours = [channel for channel in channels if is_ours(text(channel, "uniqueid"))]
    ids = {text(channel, "uniqueid") for channel in ours}
    others: dict[str, str] = {}
    for channel in channels:
        if text(channel, "uniqueid") not in ids and text(channel, "bridgeid"):
            others.setdefault(text(channel, "bridgeid"), text(channel, "channel"))
    return [_live_call(channel, server, others, members, waits or {}) for channel in ours]


def waits_in(messages: Iterable[Fields]) -> dict[str, timedelta]:
    """Return how long calls have been in their queues, by unique id, from a QueueStatus list: whole seconds."""
    entries = [message for message in messages if text(message, "event") == "QueueEntry"]
    waits = {text(entry, "uniqueid"): text(entry, "wait") for entry in entries}
    return {call_id: timedelta(seconds=int(wait)) for call_id, wait in waits.items() if wait.isdecimal()}


def _live_call(
    channel: Fields,
    server: str,
    others: Mapping[str, str],
    members: Collection[str],
    waits: Mapping[str, timedelta],
) -> LiveCall:
    agent = others.get(text(channel, "bridgeid"))
    state = _state(channel, bridged=agent is not None)
    return LiveCall(
        call_id=text(channel, "uniqueid"),
        server=server,
        state=state,
        age=duration(text(channel, "duration")),
        agent=None if agent is None else interface_of(agent, members),
        waited=waits.get(text(channel, "uniqueid")) if state is LiveState.QUEUED else None,
    )


def _state(channel: Fields, *, bridged: bool) -> LiveState:
    if bridged:
        return LiveState.BRIDGED
    match text(channel, "channelstate"):
        case "6" if text(channel, "context").endswith(HARBOUR):
            return LiveState.HARBOUR
        case "6":
            return LiveState.QUEUED if text(channel, "application") in WAITS else LiveState.UP
        case "5":
            return LiveState.RINGING
    return LiveState.DIALLING


def interface_of(channel: str, members: Collection[str]) -> str:
    """Return the queue member whose device `channel` belongs to, or the device itself."""
    device = CHANNEL_SUFFIX.sub("", channel)
    for member in members:
        if member.removesuffix("/n") == device:
            return member
    return device


def duration(value: str) -> timedelta:
    """Return `HH:MM:SS` as a duration, zero for anything else."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d)", value)
    if match is None:
        return timedelta(0)
    hours, minutes, seconds = map(int, match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
