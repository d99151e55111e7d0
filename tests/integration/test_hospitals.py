"""From a CSV file to recorded calls, as a user does it: a real lead file, a real Asterisk, the command line.

The carrier is a fake: a number's last digit is its fate. The campaign's hours are set around the hour of the test, so
that at any time of any day the East and the middle of the United States are open, and the rest of it is shut.
"""

import csv
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from telephony.simulated import Fate
from tests.support.asterisk import SHORT_SOUND, fate_of
from tests.support.daemon import Installation, Line, asterisk_settings, installation, real_asterisk
from tests.support.lead_files import MAP_OPTIONS, expected_counts, lead_file

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.timeout(420)]

CALLS_PER_SECOND: Final = 40
CALLING_S: Final = 300.0
"""For all calls: at the trunk's rate they take 100 s."""

OUTCOME_OF: Final = {
    Fate.ANSWERED: ("PLAYED", "complete"),
    Fate.BUSY: ("BUSY", "expired"),
    Fate.NO_ANSWER: ("NO_ANSWER", "expired"),
    Fate.REJECTED: ("REJECTED_CALL", "expired"),
    Fate.UNREACHABLE: ("UNREACHABLE", "expired"),
    Fate.INVALID: ("INVALID_NUMBER", "failed"),
    Fate.CONGESTION: ("CONGESTION", "failed"),
}
"""A session's outcome and status."""

ZONES: Final = tomllib.loads((Path(__file__).parents[2] / "config/timezones/us.toml").read_text())["zones"]
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Hours:
    """Two hours on the wall clock: what Chicago and New York show now is in them, and the others' times are not.

    All zones of the United States differ by whole hours, and the ends are half an hour away from each: the run is over
    long before one of them opens or shuts.
    """

    start: datetime
    end: datetime

    @classmethod
    def around(cls, now: datetime) -> "Hours":
        start = local(now, "America/Chicago") - timedelta(minutes=30)
        end = local(now, "America/New_York") + timedelta(minutes=30)
        return cls(start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))

    def __str__(self) -> str:
        return f"{DAYS[self.start.weekday()]} {self.interval}"

    @property
    def interval(self) -> str:
        return f"{self.start:%H:%M}-{'24:00' if f'{self.end:%H:%M}' == '00:00' else f'{self.end:%H:%M}'}"

    def are_open(self, state: str, now: datetime) -> bool:
        return all(self.start <= local(now, zone) < self.end for zone in ZONES[state])


def local(at: datetime, zone: str) -> datetime:
    """Return what a wall clock shows."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@dataclass(frozen=True, kw_only=True)
class Lead:
    """A row of the file with a valid number."""

    key: str
    state: str
    number: str


def leads_in(path: Path) -> list[Lead]:
    leads = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                number = phonenumbers.parse(row["Phone Number"], "US")
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                leads.append(Lead(key=row["Provider ID"], state=row["State"], number=e164))
    return leads


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is there once every lead that may be called has been."""

    installed: Installation
    file: Path
    hours: Hours
    report: Line
    status: Line
    sessions: list[Line]
    rung: Counter[str]
    leads: list[Lead] = field(repr=False)
    began: datetime
    ended: datetime

    def may_call(self, lead: Lead) -> bool:
        is_open = self.hours.are_open(lead.state, self.began)
        assert is_open == self.hours.are_open(lead.state, self.ended), "a window opened or shut during the run"
        return is_open


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    file = lead_file(tmp_path_factory.mktemp("leads"))
    leads = leads_in(file)
    with real_asterisk() as asterisk:
        settings = asterisk_settings(
            asterisk.port, secret=asterisk.secret, calls_per_second=CALLS_PER_SECOND, channels=200
        )
        with installation(settings) as installed:
            began = datetime.now(UTC)
            hours = Hours.around(began)
            report = prepare(installed, hours, file)
            with installed.daemon():
                installed.ok("campaign", "start", "hospitals")
                due = sum(hours.are_open(lead.state, began) for lead in leads)
                status = installed.until(lambda status: is_done(status, due), within_s=CALLING_S, what=f"{due} calls")
                sessions = installed.pages("session", "list", "--oldest-first")
                yield Run(
                    installed=installed,
                    file=file,
                    hours=hours,
                    report=report,
                    status=status,
                    sessions=sessions,
                    rung=asterisk.rung(),
                    leads=leads,
                    began=began,
                    ended=datetime.now(UTC),
                )


def prepare(installed: Installation, hours: Hours, file: Path) -> Line:
    """Create the campaign and its lists, and import the file; return the import's report."""
    options = (
        "--timezone",
        "America/Chicago",
        "--hours",
        str(hours),
        "--pacing",
        "agentless",
        "--message",
        SHORT_SOUND,
    )
    installed.ok("campaign", "create", "hospitals", *options, "--ring-timeout", "5s")
    # Else congested numbers, which rest for a minute, would be tried again within the run.
    redial = '{"CONGESTION": {"rests": ["1d"]}}'
    installed.ok("strategy", "create", "once", "--redial", redial)
    installed.ok("list", "create", "hospitals", "all", "--weight", "70", "--strategy", "once")
    installed.ok("list", "create", "hospitals", "reserve", "--weight", "30")
    mapped = [word for each in MAP_OPTIONS for word in ("--map", each)]
    report: Line = installed.ask(
        "lead", "import", file, "--campaign", "hospitals", "--list", "all", "--region", "US", *mapped
    )
    return report


def is_done(status: Line, due: int) -> bool:
    """Tell whether `due` attempts were made, or more, and nobody is left to call."""
    [campaign] = status["campaigns"]
    sessions = campaign["sessions"]
    # Of two leads with one number the second waits, at rest, until the first one's call is over.
    return (
        sessions["opened"] >= due
        and sessions["open"] == 0
        and not any(each["dialable_now"] or each["in_call"] for each in campaign["lists"])
    )


def test_the_import_counts_rows_rejects_and_repeats(run: Run) -> None:
    expected = expected_counts(run.file)
    counts = {key: run.report[key] for key in ("rows", "imported", "updated", "rejected", "duplicates")}
    assert counts == {
        "rows": expected.rows,
        "imported": expected.imported,
        "updated": 0,
        "rejected": expected.rejected,
        "duplicates": expected.duplicates,
    }
    assert (counts["rejected"], counts["duplicates"]) == (2, 18)
    assert sum(run.report["reasons"].values()) == 2


def test_each_lead_in_its_window_is_called_once_and_ends_as_its_carrier_lets_it(run: Run) -> None:
    expected = Counter(
        (lead.key, lead.number, *OUTCOME_OF[fate_of(lead.number)]) for lead in run.leads if run.may_call(lead)
    )
    found = Counter((each["customer_key"], each["number"], each["outcome"], each["status"]) for each in run.sessions)
    assert found - expected == Counter()
    assert expected - found == Counter()
    assert len(run.sessions) > 400


def test_no_lead_outside_its_window_is_called(run: Run) -> None:
    shut = {lead.key for lead in run.leads if not run.may_call(lead)}
    assert shut and not shut & {each["customer_key"] for each in run.sessions}
    both_open = {state for state, zones in ZONES.items() if len(zones) > 1 and run.hours.are_open(state, run.began)}
    half_open = {
        state
        for state, zones in ZONES.items()
        if any(run.hours.start <= local(run.began, zone) < run.hours.end for zone in zones)
        and not run.hours.are_open(state, run.began)
    }
    assert {"FL", "TN"} <= both_open and {"TX", "NE"} <= half_open, "the hours do not test what they are made for"
    waiting = {each["name"]: each["waiting_for_window"] for each in run.status["campaigns"][0]["lists"]}
    assert waiting == {"all": len(shut), "reserve": 0}


def test_asterisk_rang_each_number_as_often_as_the_sessions_say(run: Run) -> None:
    assert run.rung == Counter(each["number"] for each in run.sessions)


def test_sessions_are_numbered_in_the_order_of_intent_without_a_gap(run: Run) -> None:
    assert [each["seq"] for each in run.sessions] == list(range(1, len(run.sessions) + 1))
    assert len({each["session_id"] for each in run.sessions}) == len(run.sessions)
    assert all(datetime.fromisoformat(each["created_at"]).utcoffset() is not None for each in run.sessions)


def test_a_session_tells_its_times_in_order_and_an_answer_only_where_there_was_one(run: Run) -> None:
    disordered = []
    for each in run.sessions:
        assert (each["answered_at"] is not None) == (fate_of(each["number"]) is Fate.ANSWERED)
        # A telephone may ring before the exchange has told us that it took the call.
        for steps in (("created_at", "sent_at", "ended_at"), ("created_at", "ringing_at", "answered_at", "ended_at")):
            times = [datetime.fromisoformat(each[step]) for step in steps if each[step] is not None]
            if times != sorted(times):
                disordered.append(each)
    # They are the wall clock's, which a machine may set back by some milliseconds.
    assert len(disordered) <= len(run.sessions) / 1000, disordered[:3]


def test_the_trunks_rate_is_kept(run: Run) -> None:
    created = [datetime.fromisoformat(each["created_at"]) for each in run.sessions]
    most = CALLS_PER_SECOND * 10 + CALLS_PER_SECOND // 5
    for first, later in zip(created, created[most:], strict=False):
        assert later - first >= timedelta(seconds=9.9)


def test_the_status_counts_what_the_sessions_say(run: Run) -> None:
    [campaign] = run.status["campaigns"]
    assert campaign["sessions"]["opened"] == len(run.sessions)
    assert campaign["sessions"]["by_outcome"] == Counter(each["outcome"] for each in run.sessions)
    assert [trunk["channels_used"] for trunk in run.status["trunks"]] == [0]


def test_the_records_keep_their_promises(run: Run) -> None:
    assert run.installed.problems() == []


def test_a_lead_outside_its_window_is_explained_with_its_local_time_rule_and_opening(run: Run) -> None:
    key = next(lead.key for lead in run.leads if ZONES[lead.state] == ["America/Denver"])
    [lead] = run.installed.pages("lead", "search", "--customer-key", key)
    told = run.installed.ask("lead", "explain", str(lead["lead_id"]))
    at = datetime.fromisoformat(told["at"])
    window = told["window"]
    assert not told["dialable"] and not window["open"]
    assert local(at, "America/Denver") == datetime.fromisoformat(window["local_times"]["America/Denver"]).replace(
        tzinfo=None
    )
    minutes = (at.replace(second=0, microsecond=0) + timedelta(minutes=each) for each in range(240))
    opens = next(minute for minute in minutes if run.hours.are_open("CO", minute))
    assert datetime.fromisoformat(window["next_open"]) == datetime.fromisoformat(told["earliest"]) == opens
    # Round midnight its own day may have no hours at all.
    assert window["rule"] in {str(run.hours), f"{DAYS[local(at, 'America/Denver').weekday()]} shut"}
    assert [gate["name"] for gate in told["gates"] if not gate["passed"]] == ["window"]
    text = run.installed.ok("lead", "explain", str(lead["lead_id"]))
    assert "not dialable now" in text and "in America/Denver" in text and window["rule"] in text
