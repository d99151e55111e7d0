"""Who is in which queue, and paused: asked of one Asterisk server or of all whose link is up."""

from collections.abc import Mapping
from typing import Final

import anyio
from panoramisk.message import Message

from telephony.ami.link import AsteriskLink
from telephony.ami.translate import text
from telephony.errors import NotSent, Refused, TelephonyError, UnknownQueue
from telephony.member import Member, Pause

NO_QUEUE: Final = "no such queue"
NEEDLESS: Final = ("already there", "not there", "interface not found")
"""Ends of errors that say that there was nothing to do [app_queue.c `manager_add_queue_member` and those after it]."""

Action = dict[str, str]


class Membership:
    """Changes queue members. What it asks goes ahead of calls that wait to be placed: an agent is waiting for it."""

    def __init__(self, links: Mapping[str, AsteriskLink]) -> None:
        self._links = links

    async def add(self, member: Member, server: str | None) -> bool:
        """As the port's `add_to_queue`."""
        action = {
            "Action": "QueueAdd",
            "Queue": member.queue,
            "Interface": member.agent,
            "Penalty": str(member.penalty),
            "Paused": _flag(member.paused),
        }
        if member.name:
            action["MemberName"] = member.name
        added = await self._ask(action, server)
        for name in (name for name, was_added in added.items() if was_added and member.reason):
            # Not every release takes a reason with QueueAdd: the member is paused already, now it is told why.
            pause = Pause(agent=member.agent, paused=True, reason=member.reason, queue=member.queue)
            await self.pause(pause, name)
        return any(added.values())

    async def remove(self, member: Member, server: str | None) -> bool:
        """As the port's `remove_from_queue`."""
        action = {"Action": "QueueRemove", "Queue": member.queue, "Interface": member.agent}
        return any((await self._ask(action, server)).values())

    async def pause(self, pause: Pause, server: str | None) -> bool:
        """As the port's `set_paused`."""
        action = {"Action": "QueuePause", "Interface": pause.agent, "Paused": _flag(pause.paused)}
        if pause.queue is not None:
            action["Queue"] = pause.queue
        if pause.reason:
            action["Reason"] = pause.reason
        return any((await self._ask(action, server)).values())

    async def _ask(self, action: Action, server: str | None) -> dict[str, bool]:
        """Return by server whether it did something; those without the queue are left out.

        A link that broke just now counts as one that is down, as long as another server answers. Raises LinkLost,
        Refused, NotSent, once all have answered.
        """
        links = [link for name, link in self._links.items() if server in (None, name) and link.is_up]
        if not links:
            raise NotSent("no link is up" if server is None else f"no link to {server}")
        answers: dict[str, Message | TelephonyError] = {}

        async def ask(link: AsteriskLink) -> None:
            try:
                answers[link.server.name] = await link.ask(action, urgent=True)
            except TelephonyError as error:
                answers[link.server.name] = error

        async with anyio.create_task_group() as tasks:
            for link in links:
                tasks.start_soon(ask, link)
        done: dict[str, bool] = {}
        failed: list[TelephonyError] = []
        for name, answer in answers.items():
            if isinstance(answer, TelephonyError):
                failed.append(answer)
            elif text(answer, "response") == "Success":
                done[name] = True
            elif (message := text(answer, "message")).lower().endswith(NEEDLESS):
                done[name] = False
            elif not message.lower().endswith(NO_QUEUE):
                failed.append(Refused(f"{name}: {message or 'no reason given'}", configuration=True))
        for error in failed:
            if not isinstance(error, NotSent):
                raise error
        if not done:
            raise failed[0] if failed else UnknownQueue(action["Queue"], answers)
        return done


def _flag(value: bool) -> str:
    return "true" if value else "false"
