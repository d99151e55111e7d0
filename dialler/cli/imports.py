"""dialler lead import."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from dialler.cli.import_printing import print_examples, print_notes, print_report
from dialler.cli.options import Writing
from dialler.cli.printing import note, print_json, print_line
from dialler.cli.progress import stage_words
from dialler.cli.uploading import Delimiter, Encoding, FileArgument, Rejects, opened, upload_file
from dialler.errors import UsageError

_WRITING = Writing()


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

    Rejected rows leave the exit code at 0: the report has their reasons. It is an import in stages of which nobody
    looks at the stages: interrupted after the file was read, `dialler import resume` goes on with it.

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
        "/leads/import",
        file,
        params,
        rejects=rejects,
        dry_run=dry_run,
        progress=stage_words,
        options=options,
        on_failure=None if dry_run else _tell_way_on,
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


def _tell_way_on(progress: Mapping[str, Any], error: BaseException) -> None:
    """Say what can be done with an import whose end we did not see; the API says so itself, if it still can."""
    import_id = progress.get("import_id")
    # While the file arrives nothing of it stays.
    if import_id is not None and progress["stage"] != "file" and f"import {import_id} " not in str(error):
        note(
            f"import {import_id}: `dialler import show {import_id}` tells where it is,"
            f" `dialler import resume {import_id}` goes on with it, `dialler import cancel {import_id}` gives it up"
        )


def _print_report(report: Mapping[str, Any], params: Mapping[str, Any], rejects: Path | None) -> None:
    print_report(report, before="trial run, nothing loaded: " if report["dry_run"] else "")
    print_line(f"  columns: {_columns_used(report['columns'], params['map'])}")
    print_notes(report["notes"])
    if params["region"] is None and "number_invalid" in report["reasons"]:
        print_notes(["numbers without their country's code need --region, such as --region US"])
    if print_examples(report["examples"]):
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
