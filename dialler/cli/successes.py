"""dialler success ..."""

from typing import Annotated

from cyclopts import App, Parameter

from dialler.cli.connection import connected
from dialler.cli.filters import ColumnsOption, Filters, FilterText, columns_of, headed
from dialler.cli.options import Paging, Reading
from dialler.cli.printing import print_fields, print_json, print_line, print_table
from dialler.cli.sessions import COLUMNS as SESSION_COLUMNS
from dialler.cli.sessions import SPARE as SESSION_SPARE
from dialler.cli.sessions import tell_next

app = App(name="success", help="Successes: leads completed by what the people agreed.")

_READING, _PAGING, _FILTERS = Reading(), Paging(), Filters()
_OPENED = ("lead_id", "external_lead_id", "created_at", "campaign", "merchant", "agency", "wrap_code")


@app.command(name="list")
async def list_(
    wanted: FilterText = None,
    /,
    *,
    campaign: Annotated[str | None, Parameter(help="Of one campaign.")] = None,
    list_name: Annotated[str | None, Parameter(name="--list", help="A list of the campaign.")] = None,
    filters: Filters = _FILTERS,
    columns: ColumnsOption = None,
    paging: Paging = _PAGING,
    options: Reading = _READING,
) -> None:
    """List successes, by lead.

    Example: `dialler success list 'last_contacted >= 2026-11-01' --campaign spring`
    """
    async with connected(options) as api:
        page = await api.pages(
            "/successes",
            limit=0 if paging.all else paging.limit,
            after=paging.after,
            campaign=campaign,
            list=list_name,
            **filters.params(wanted),
        )
        chosen = await columns_of(api, "successes", columns)
    if options.json:
        print_json(page)
        return
    print_table(page["items"], headed(chosen or (), {}), empty="no success yet")
    tell_next(page["next"])


@app.command
async def show(lead_id: int, /, *, options: Reading = _READING) -> None:
    """Show a success and its sessions, newest first.

    Example: `dialler success show 17`
    """
    async with connected(options) as api:
        success = await api.get(f"/successes/{lead_id}")
    if options.json:
        print_json(success)
        return
    print_fields({key: success[key] for key in _OPENED})
    print_line()
    print_table(success["sessions"], SESSION_COLUMNS, empty="no attempt was made", spare=SESSION_SPARE)
