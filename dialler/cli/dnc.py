"""dialler dnc ..."""

from typing import Annotated

from cyclopts import App, Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.options import Reading, Writing
from dialler.cli.printing import print_json, print_line

app = App(name="dnc", help="Numbers that must not be called.")

_READING, _WRITING = Reading(), Writing()

Region = Annotated[str | None, Parameter(help="Country of numbers that do not say theirs, such as US.")]
InCampaign = Annotated[str | None, Parameter(name="--campaign", help="Only in this campaign; else anywhere.")]


@app.command
async def add(
    number: str,
    /,
    *more: str,
    campaign: InCampaign = None,
    region: Region = None,
    reason: Annotated[str, Parameter(help="Why, for the record.")] = "",
    options: Writing = _WRITING,
) -> None:
    """Add numbers: E.164, or with --region as they are written there.

    Example: `dialler dnc add +12025550123 --reason "asked on the phone"`
    """
    numbers = [number, *more]
    async with connected(options) as api:
        answer = await api.post("/dnc", {"numbers": numbers, "campaign": campaign, "region": region, "reason": reason})
    if options.json:
        print_json(answer)
    else:
        print_line(f"{answer['added']} added, {len(numbers) - answer['added']} were there already")


@app.command
async def remove(
    number: str, /, *, campaign: InCampaign = None, region: Region = None, options: Writing = _WRITING
) -> int:
    """Remove a number: the campaign's entry, or the one that holds anywhere.

    Example: `dialler dnc remove +12025550123`
    """
    async with connected(options) as api:
        answer = await api.delete(f"/dnc/{segment(number)}", campaign=campaign, region=region)
    if options.json:
        print_json(answer)
    else:
        print_line(f"{answer['number']} " + ("is removed" if answer["removed"] else "was not there"))
    return 0 if answer["removed"] else 1


@app.command
async def check(
    number: str, /, *, campaign: InCampaign = None, region: Region = None, options: Reading = _READING
) -> None:
    """Tell whether a number must not be called.

    Example: `dialler dnc check +12025550123 --json`
    """
    async with connected(options) as api:
        answer = await api.get(f"/dnc/{segment(number)}", campaign=campaign, region=region)
    if options.json:
        print_json(answer)
    elif not answer["blocked"]:
        print_line(f"{answer['number']} may be called")
    else:
        where = "anywhere" if answer["everywhere"] else "in " + ", ".join(answer["campaigns"])
        print_line(f"{answer['number']} must not be called {where}")
