"""dialler lead import."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from dialler.cli.options import Writing
from dialler.cli.printing import print_json, print_line
from dialler.cli.uploading import Delimiter, Encoding, FileArgument, Rejects, opened, upload_file
from dialler.errors import UsageError

_WRITING = Writing()
_EXAMPLES_SHOWN = 5
_PROGRESS = "{rows:,} rows, {imported:,} imported, {updated:,} updated, {rejected:,} rejected"


async def import_(
    file: FileArgument,
    /,
    *,
    campaign: Annotated[str, Parameter(help="The campaign.")],
    list_name: Annotated[str, Parameter(name="--list", help="Its list.")],
    map_: Annotated[
        tuple[str, ...],
        Parameter(
            name="--map",
            help="FIELD=COLUMN; fields are number (several), name, customer_key, external_lead_id, timezone,"
            " country, region, postcode, priority; any other is a data field.",
        ),
    ] = (),
    mapping: Annotated[
        Path | None, Parameter(help="The same from a TOML file, see config/mappings/example.toml.")
    ] = None,
    region: Annotated[
        str | None, Parameter(help="Country of numbers without country code, such as US; it chooses the zone rules.")
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    rejects: Rejects = None,
    dry_run: Annotated[bool, Parameter(help="Check everything, load nothing.")] = False,
    options: Writing = _WRITING,
) -> None:
    """Load leads from a delimited text file, or from standard input as "-".

    Rejected rows leave the exit code at 0: the report has their reasons.

    Example: `dialler lead import leads.csv --campaign spring --list hospitals --map number="Phone Number" --region US`
    """
    params: dict[str, Any] = {
        "campaign": campaign,
        "list": list_name,
        **mapping_params(map_, mapping),
        "region": region,
        "delimiter": delimiter,
        "encoding": encoding,
    }
    report = await upload_file(
        "/leads/import", file, params, rejects=rejects, dry_run=dry_run, progress=_PROGRESS, options=options
    )
    if options.json:
        print_json(report)
    else:
        _print_report(report, params, rejects)


def mapping_params(options: tuple[str, ...], file: Path | None) -> dict[str, Any]:
    """Return the mapping as the API takes it. Raises UsageError, SettingsError (each mistake in the file)."""
    if file is None:
        return {"map": options}
    if options:
        raise UsageError("give either --map or --mapping")
    from dialler.importing.mapping import load_mapping

    with opened(file, "r") as text:
        mapping = load_mapping(text.read(), str(file))
    return {
        "map": tuple(f"{field}={column}" for field, column in mapping.fields),
        "guess": str(mapping.guess).lower(),
        "keep_rest": str(mapping.keep_rest).lower(),
    }


def _print_report(report: Mapping[str, Any], params: Mapping[str, Any], rejects: Path | None) -> None:
    print_line(
        ("trial run, nothing loaded: " if report["dry_run"] else "")
        + f"{report['rows']:,} rows: {report['imported']:,} imported, {report['updated']:,} updated,"
        f" {report['rejected']:,} rejected, {report['duplicates']:,} with a number that another lead has"
    )
    for reason, count in report["reasons"].items():
        print_line(f"  rejected {count:,}: {reason}")
    for warning, count in report["warnings"].items():
        print_line(f"  noticed {count:,}: {warning}")
    print_line(f"  columns: {_columns_used(report['columns'], params['map'])}")
    for line in report["notes"]:
        print_line(f"  note: {line}")
    if params["region"] is None and "number_invalid" in report["reasons"]:
        print_line("  note: numbers without their country's code need --region, such as --region US")
    examples = sorted(report["examples"], key=lambda line: ": rejected: " not in line)
    for line in examples[:_EXAMPLES_SHOWN]:
        print_line(f"  {line}")
    if len(examples) > _EXAMPLES_SHOWN:
        print_line("  ... --json has more of them, --rejects FILE has each rejected row")
    if rejects is not None and report["rejected"]:
        print_line(f"  rejected rows are in {rejects}")


def _columns_used(columns: Mapping[str, list[str]], said: tuple[str, ...]) -> str:
    """Return the fields with their columns; of columns that nobody mapped, and that became data, only the number."""
    from dialler.importing.mapping import FIELDS

    named = {each.partition("=")[0].strip() for each in said} | set(FIELDS)
    used = [f"{field} from {', '.join(names)}" for field, names in columns.items() if field in named]
    rest = len(columns) - len(used)
    if rest:
        used.append(f"{rest} other column{'s' if rest > 1 else ''} kept as data")
    return "; ".join(used)
