"""`dialler campaign abandons`, and the settings of the limit."""

import asyncio
from datetime import UTC, datetime, timedelta

from dialler.domain.evolve import evolve
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.ports import Records
from tests.cli.conftest import Dialler
from tests.support.stores import opened
from tests.support.values import a_session


async def _ended(url: str) -> None:
    """Put four abandoned calls and one that an agent took into the records, all of a moment ago."""

    def work(records: Records) -> None:
        for at in range(5):
            session = records.add_session(a_session(session_id=f"s{at}", lead_id=at))
            outcome = Outcome.ABANDONED if at else Outcome.CONNECTED
            told = {"outcome": outcome, "ended_at": datetime.now(UTC) - timedelta(seconds=1)}
            records.set_session(evolve(session, status=SessionStatus.EXPIRED, **told))

    async with opened(url) as store:
        await store.write(work)


def test_the_table_has_numerator_denominator_limit_and_what_may_still_be(spring: Dialler, records: str) -> None:
    asyncio.run(_ended(records))
    said = spring("campaign", "abandons", "spring")
    assert said.code == 0
    half_hour, day = (" ".join(line.split()) for line in said.out.splitlines()[2:4])
    assert half_hour.startswith("30m ") and half_hour.endswith(" 4 5 80.00% 3.00% 2 within")
    assert day.startswith("24h ") and day.endswith(" 4 5 80.00% 3.00% 0 OVER")
    assert "over the limit: it places one call for each free agent at most" in said.out
    assert "days and months are those of Etc/UTC" in said.out
    assert len(spring("campaign", "abandons", "spring", "--days", "3").out.splitlines()) > len(said.out.splitlines())


def test_periods_without_a_limit_are_told_so_and_json_has_everything(spring: Dialler, records: str) -> None:
    asyncio.run(_ended(records))
    given = ("--abandon-period", "30d", "--abandon-over", "stop", "--abandon-sample", "200", "--abandon-limit", "0.05")
    assert spring("campaign", "set", "spring", *given).code == 0
    said = spring("campaign", "abandons", "spring")
    assert [line.split()[-1] for line in said.out.splitlines()[2:6]] == ["limit", "limit", "limit", "within"]
    assert "over the limit" not in said.out
    assert "over 5.00% and within: while fewer than 200 answered" in said.out
    document = spring("campaign", "abandons", "spring", "--days", "1", "--json").json
    assert [each["enforced"] for each in document["periods"]] == [False, False, False, True]
    assert document["over"] == "stop" and document["days"][0]["counts"]["passed"] == 1
    assert spring("campaign", "set", "spring", "--abandon-period", "none").code == 0
    assert "abandon_periods       none" in spring("campaign", "show", "spring").out


def test_a_campaign_that_is_not_there_is_told_with_those_there_are(spring: Dialler) -> None:
    said = spring("campaign", "abandons", "autumn")
    assert (said.code, said.err) == (1, "dialler: there is no campaign 'autumn'; there is spring\n")
