"""What a page of the board shows, in words. The page itself only puts it into its places."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from dialler.settings.sources import SYSTEM_FILE
from dialler.web.answers import Callbacks, Campaign, LeadList, Status, Trunk
from dialler.web.upstream import Trouble
from dialler.web.watch import Away, Seen

Json = dict[str, Any]

SLOW_AFTER: Final = timedelta(seconds=4)
"""An answer that is older than this, while another is awaited, is no longer what goes on now."""

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "running": ("running", "good"),
    "blocked": ("blocked", "bad"),
    "paused": ("paused", "warn"),
    "draining": ("draining", "warn"),
    "stopped": ("stopped", "idle"),
}
"""A campaign's state, and its tone."""

MEANINGS: Final[Mapping[str, str]] = {
    "ready": "free for a call",
    "reserved": "held for a call offered to or dialled for them",
    "ringing": "their telephone rings",
    "talking": "in a call",
    "wrap-up": "at work after a call",
    "paused": "on a break",
    "away": "not reachable",
}
"""Of an agent's states, in the order in which they are shown."""

PERIODS: Final[Mapping[str, str]] = {
    "30m": "in half an hour",
    "24h": "in 24 h",
    "month": "this month",
    "30d": "in 30 days",
}
"""Over which an abandon rate is measured."""

FIRST_STEPS: Final = (
    'campaign create spring --timezone America/Chicago --hours "mon-fri 09:00-20:00" --queue sales',
    "list create spring fresh --weight 100",
    "lead import leads.csv --campaign spring --list fresh --region US --map number=phone",
    "campaign start spring",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Writes the commands that an operator would type, on these settings."""

    settings_file: Path

    @property
    def is_system(self) -> bool:
        """Whether this is the machine's own installation, which systemd runs and commands find by themselves."""
        return self.settings_file == SYSTEM_FILE

    def dialler(self, words: str) -> str:
        """Return a command of `dialler`."""
        config = "" if self.is_system else f" -c {shlex.quote(str(self.settings_file))}"
        return f"dialler {words}{config}"

    def cures(self, trouble: Trouble) -> tuple[str, ...]:
        """Return what to do where the daemon gives no answer."""
        if not self.is_system:
            return (self.dialler("run"),) if trouble is Trouble.ABSENT else (self.dialler("doctor"),)
        match trouble:
            case Trouble.ABSENT:
                return ("systemctl status dialler", "journalctl -u dialler -e", "systemctl start dialler")
            case Trouble.DENIED:
                return ("systemctl cat dialler-web", "dialler doctor")
            case Trouble.SILENT:
                return ("systemctl status dialler", "journalctl -u dialler -e")
            case Trouble.STRANGE:
                return ("dialler --version", "systemctl restart dialler-web")


def board(seen: Seen, at: datetime, commands: Commands) -> Json:
    """Return what a page shows at `at`."""
    status = seen.status
    return {
        "at": at.isoformat(),
        "link": _link(seen, at, commands),
        "known_at": seen.status_at.isoformat() if seen.status_at else None,
        "engine": {"version": status.version, "started_at": _iso(status.engine.started_at)} if status else None,
        "totals": _totals(status) if status else None,
        "campaigns": [_campaign(each, commands) for each in status.campaigns] if status else [],
        "trunks": [_trunk(each) for each in status.trunks] if status else [],
        "agents": _agents(status) if status else [],
        "own_cures": ["systemctl status dialler-web"] if commands.is_system else [commands.dialler("web")],
        "doctor": commands.dialler("doctor"),
        "first_steps": [commands.dialler(words) for words in FIRST_STEPS],
    }


def _link(seen: Seen, at: datetime, commands: Commands) -> Json:
    """Say how the daemon is: here, asked, slow, away or idle (a daemon without an engine)."""
    if (away := seen.away) is not None:
        return _away(away, commands)
    if seen.status is None or seen.status_at is None:
        return {"state": "asked", "said": "The daemon is asked for the first time.", "since": None, "cures": []}
    if at - seen.status_at > SLOW_AFTER:
        said = "The daemon takes long to answer."
        return {"state": "slow", "said": said, "since": _iso(seen.status_at), "cures": []}
    if not seen.status.engine.running:
        said = seen.status.engine.note or "No engine runs."
        return {"state": "idle", "said": said, "since": None, "cures": [commands.dialler("run")]}
    return {"state": "here", "said": "The daemon answers.", "since": None, "cures": []}


def _away(away: Away, commands: Commands) -> Json:
    said = away.said[:1].upper() + away.said[1:]
    return {
        "state": "away",
        "said": f"{said}.",
        "since": _iso(away.since),
        "cures": list(commands.cures(away.trouble)),
    }


def _totals(status: Status) -> Json:
    calls = [campaign.calls for campaign in status.campaigns]
    trunks = [trunk for trunk in status.trunks if trunk.up]
    return {
        "ringing": sum(each.unanswered or 0 for each in calls),
        "waiting": sum(each.waiting or 0 for each in calls),
        "talking": sum(each.talking or 0 for each in calls),
        "agents_ready": status.agents.get("ready", 0),
        "agents_busy": status.agents.get("ringing", 0) + status.agents.get("talking", 0),
        "channels_used": sum(trunk.channels_used for trunk in status.trunks),
        "channels": sum(trunk.channels for trunk in trunks),
        "running": sum(campaign.actual == "running" for campaign in status.campaigns),
        "campaigns": len(status.campaigns),
        "callable": sum(each.dialable_now for campaign in status.campaigns for each in campaign.lists if each.to_dial),
    }


def _campaign(campaign: Campaign, commands: Commands) -> Json:
    word, tone, note = _state(campaign)
    return {
        "id": campaign.campaign_id,
        "name": campaign.name,
        "state": word,
        "tone": tone,
        "note": note,
        "queue": campaign.queue,
        "ringing": campaign.calls.unanswered,
        "waiting": campaign.calls.waiting,
        "talking": campaign.calls.talking,
        "agents_ready": campaign.agents.ready if campaign.queue else None,
        "agents_busy": campaign.agents.busy if campaign.queue else None,
        "why": _why(campaign),
        "cures": [commands.dialler(words) for words in _steps(campaign)],
        "pacing": _pacing(campaign),
        "abandoned": _abandoned(campaign),
        "callbacks": _callbacks(campaign.callbacks),
        "next_at": _iso(campaign.next_at),
        "lasts_s": campaign.runway_s,
        "lists": [_list(each, campaign.hopper) for each in campaign.lists],
    }


def _state(campaign: Campaign) -> tuple[str, str, str]:
    """Return what a campaign does, its tone, and what else has to be known of it at a glance."""
    if campaign.actual is None:
        if campaign.desired == "stopped":
            return *WORDS["stopped"], ""
        return "not taken up", "bad", f"wanted {campaign.desired}, and no engine runs it"
    word, tone = WORDS.get(campaign.actual, (campaign.actual, "warn"))
    if campaign.actual != campaign.desired:
        return word, tone, f"wanted {campaign.desired}"
    if campaign.actual == "running" and _is_idle(campaign):
        return word, "warn", "nobody to call now"
    return word, tone, ""


def _is_idle(campaign: Campaign) -> bool:
    calls = campaign.calls
    return not (
        calls.unanswered
        or calls.waiting
        or calls.talking
        or any(each.dialable_now for each in campaign.lists if each.to_dial)
    )


def _why(campaign: Campaign) -> Sequence[str]:
    """Return why it is not doing more, the most binding first."""
    if campaign.desired in ("stopped", "paused"):
        return (f"It is {campaign.desired}.",)
    if campaign.desired == "draining":
        return ("It is draining: no new calls, and live ones may end.",)
    return campaign.limits or ("Nothing.",)


def _steps(campaign: Campaign) -> Iterator[str]:
    """Yield the commands that come next for a campaign that can't call, or is not told to."""
    name = shlex.quote(campaign.name)
    if not campaign.lists:
        yield f"list create {name} fresh --weight 100"
    elif not any(each.leads for each in campaign.lists):
        lead_list = shlex.quote(campaign.lists[0].name)
        yield f"lead import leads.csv --campaign {name} --list {lead_list} --region US --map number=phone"
    elif not any(each.to_dial for each in campaign.lists):
        yield f"list set {name} {shlex.quote(campaign.lists[0].name)} --to-dial"
    elif campaign.desired in ("stopped", "paused"):
        yield f"campaign start {name}"


def _pacing(campaign: Campaign) -> str:
    """Say the strategy, and its last decision where there is one."""
    pacing = campaign.pacing
    if pacing.calls is None:
        return f"{pacing.strategy}; no decision yet"
    calls = {0: "no new call", 1: "1 new call"}.get(pacing.calls, f"{pacing.calls} new calls")
    # Where nothing else holds the campaign back, its reason is above this, as why there are not more.
    is_told = pacing.reason is None or any(pacing.reason in limit for limit in campaign.limits)
    reason = pacing.reason or ""
    for limit in campaign.limits:  # A cap says its own reason first, then the strategy's.
        reason = reason.removeprefix(f"{limit}; ")
    return f"{pacing.strategy}: {calls}" + ("" if is_told else f"; {reason}")


def _abandoned(campaign: Campaign) -> str:
    """Say how many of those who answered got no agent in time, by period, and the limit."""
    said = [
        f"{each.rate:.1%} {PERIODS.get(each.period, each.period)} ({each.abandoned:.0f} of {each.answered:.0f}"
        + (f", over the limit of {each.limit:.1%})" if each.enforced and each.is_over else ")")
        for each in campaign.abandons
        if each.rate is not None
    ]
    return "; ".join(said) or "nobody has answered"


def _callbacks(callbacks: Callbacks) -> str | None:
    """Say how many callbacks are due, for whom they wait, and when the next one is due; None: none is promised."""
    said = []
    if callbacks.due:
        waiting = callbacks.waiting_for_agent
        said.append(f"{callbacks.due} due" + (f", {waiting} of them wait for their agent" if waiting else ""))
    if callbacks.next_at is not None:
        said.append(f"{'the next' if said else 'the first'} is due at {callbacks.next_at.isoformat()}")
    return "; ".join(said) or None


def _list(each: LeadList, hopper: Mapping[str, int]) -> Json:
    return {
        "id": each.list_id,
        "name": each.name,
        "to_dial": each.to_dial,
        "hopper": hopper.get(each.name),
        "callable": each.dialable_now,
        "in_call": each.in_call,
        "shut": each.waiting_for_window,
        "resting": each.resting,
        "done": each.completed,
        "leads": each.leads,
        "weight": each.weight,
        "share": _percent(each.percentage),
        "so_far": _percent(each.actual_percentage),
        "lasts_s": each.runway_s,
    }


def _percent(percentage: float | None) -> str | None:
    return None if percentage is None else f"{percentage:.3g} %"


def _trunk(trunk: Trunk) -> Json:
    return {
        "name": trunk.name,
        "server": trunk.server,
        "up": trunk.up,
        "used": trunk.channels_used,
        "channels": trunk.channels,
        "calls_per_second": trunk.calls_per_second,
    }


def _agents(status: Status) -> Sequence[Json]:
    """Return a row for each state; those that a newer daemon may have come last."""
    states = [*MEANINGS, *(state for state in status.agents if state not in MEANINGS)]
    return [
        {"state": state, "meaning": MEANINGS.get(state, ""), "count": status.agents.get(state, 0)} for state in states
    ]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
