"""dialler dnc ..."""

from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import App, Parameter

from dialler.cli.connection import connected, segment
from dialler.cli.options import Reading, Writing
from dialler.cli.printing import print_done, print_json, print_line, print_table
from dialler.cli.sessions import tell_next
from dialler.cli.uploading import Delimiter, Encoding, FileArgument, Rejects, upload_file

app = App(name="dnc", help="Numbers that must not be called.")

_READING, _WRITING = Reading(), Writing()
_COLUMNS = {
    "number": "number",
    "campaign": "campaign",
    "merchant": "merchant",
    "reason": "reason",
    "added_at": "added",
    "added_by": "by",
}
_SPARE = ("added_by", "added_at", "merchant")
_EXAMPLES_SHOWN = 5

Region = Annotated[str | None, Parameter(help="Country of numbers that do not say theirs, such as US.")]
InCampaign = Annotated[str | None, Parameter(name="--campaign", help="Only in this campaign.")]
OfMerchant = Annotated[
    str | None, Parameter(name="--merchant", help="In all campaigns of this merchant. Without either: anywhere.")
]
Why = Annotated[str, Parameter(name="--reason", help="Why, for the record.")]


@app.command
async def add(
    number: str,
    /,
    *more: str,
    campaign: InCampaign = None,
    merchant: OfMerchant = None,
    region: Region = None,
    reason: Why = "",
    options: Writing = _WRITING,
) -> None:
    """Add numbers: E.164, or with --region as they are written there.

    Example: `dialler dnc add +12025550123 --reason "asked on the phone"`
    """
    numbers = [number, *more]
    async with connected(options) as api:
        body = {"numbers": numbers, "campaign": campaign, "merchant": merchant, "region": region, "reason": reason}
        answer = await api.post("/dnc", body)
    print_done(answer, options.json, f"{answer['added']} added, {len(numbers) - answer['added']} were there already")


@app.command
async def remove(
    number: str,
    /,
    *,
    campaign: InCampaign = None,
    merchant: OfMerchant = None,
    region: Region = None,
    reason: Why = "",
    options: Writing = _WRITING,
) -> int:
    """Remove a number: the campaign's entry, the merchant's, or the one that holds anywhere.

    Example: `dialler dnc remove +12025550123 --reason "asked to be called again"`
    """
    async with connected(options) as api:
        answer = await api.delete(
            f"/dnc/{segment(number)}", campaign=campaign, merchant=merchant, region=region, reason=reason or None
        )
    print_done(answer, options.json, f"{answer['number']} " + ("is removed" if answer["removed"] else "was not there"))
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
        for entry in answer["entries"]:
            print_line(f"  {_scope_of(entry)}: {entry['reason'] or 'no reason given'}, {entry['added_at']}")


@app.command(name="list")
async def list_(
    *,
    campaign: InCampaign = None,
    merchant: OfMerchant = None,
    everywhere: Annotated[bool, Parameter(help="Only entries that hold anywhere.")] = False,
    digits: Annotated[str | None, Parameter(help="How the number begins, such as +1202.")] = None,
    limit: Annotated[int, Parameter(help="At most so many.")] = 100,
    all_: Annotated[bool, Parameter(name="--all", help="All there are.")] = False,
    after: Annotated[str | None, Parameter(help="Go on behind this one: the `next` of the page before.")] = None,
    options: Reading = _READING,
) -> None:
    """List entries by number.

    Example: `dialler dnc list --merchant "Acme" --all --json`
    """
    async with connected(options) as api:
        page = await api.pages(
            "/dnc",
            limit=0 if all_ else limit,
            after=after,
            campaign=campaign,
            merchant=merchant,
            everywhere="true" if everywhere else None,
            digits=digits,
        )
    if options.json:
        print_json(page)
        return
    print_table(page["items"], _COLUMNS, empty="no such numbers", spare=_SPARE)
    tell_next(page["next"])


@app.command(name="import")
async def import_(
    file: FileArgument,
    /,
    *,
    campaign: InCampaign = None,
    merchant: OfMerchant = None,
    column: Annotated[str | None, Parameter(help="The column of the numbers; else it is looked for.")] = None,
    reason: Why = "",
    reason_column: Annotated[str | None, Parameter(help="A column that says why, row by row.")] = None,
    region: Region = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    rejects: Rejects = None,
    dry_run: Annotated[bool, Parameter(help="Check everything, add nothing.")] = False,
    options: Writing = _WRITING,
) -> None:
    """Add the numbers of a delimited text file; one that is there already stays as it was.

    Example: `dialler dnc import register.csv --region US --reason "national register, October"`
    """
    params: dict[str, Any] = {
        "campaign": campaign,
        "merchant": merchant,
        "column": column,
        "reason": reason or None,
        "reason_column": reason_column,
        "region": region,
        "delimiter": delimiter,
        "encoding": encoding,
    }
    # A trial run writes nothing, so it need not wait for whoever does.
    way = Reading(config=options.config, json=options.json) if dry_run else options
    report = await upload_file(
        "/dnc/import", file, params, rejects=rejects, dry_run=dry_run, progress=_counts_words, options=way
    )
    if options.json:
        print_json(report)
        return
    print_line(("trial run, nothing added: " if dry_run else "") + _counts_words(report))
    for line in (*report["notes"], *report["examples"][:_EXAMPLES_SHOWN]):
        print_line(f"  {line}")
    if rejects is not None and report["rejected"]:
        print_line(f"  rejected rows are in {rejects}")


def _counts_words(counts: Mapping[str, Any]) -> str:
    return "{rows:,} rows, {added:,} added, {known:,} there already, {rejected:,} rejected".format(**counts)


def _scope_of(entry: dict[str, Any]) -> str:
    if entry["campaign"] is not None:
        return f"campaign {entry['campaign']}"
    return f"merchant {entry['merchant']}" if entry["merchant"] is not None else "anywhere"
