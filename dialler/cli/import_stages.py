"""dialler import check, review, run, resume."""

from collections.abc import AsyncIterator
from typing import Annotated

from cyclopts import Parameter

from dialler.cli.connection import connected
from dialler.cli.import_printing import print_import
from dialler.cli.import_setup import ImportId
from dialler.cli.options import Writing
from dialler.cli.printing import print_json
from dialler.cli.progress import stage_words
from dialler.cli.uploading import UploadAnswer
from dialler.errors import DiallerError

_WRITING = Writing()


async def check(import_id: ImportId, /, *, options: Writing = _WRITING) -> None:
    """Check the rows, or go on with that.

    Example: `dialler import check 7`
    """
    await _staged(import_id, "check", options)


async def review(
    import_id: ImportId,
    /,
    *,
    update_existing: Annotated[
        bool, Parameter(help="Update leads that have the customer key of a row: mapped fields only.")
    ] = False,
    only_existing: Annotated[bool, Parameter(help="Update those, and import no new ones.")] = False,
    options: Writing = _WRITING,
) -> None:
    """Show what a run would do, and how many leads would not be dialled now, and why.

    The run loads this and nothing else: if the records change meanwhile it says so, and asks for a new review.

    Example: `dialler import review 7 --update-existing`
    """
    params = {
        "import_new": str(not only_existing).lower(),
        "update_existing": str(update_existing or only_existing).lower(),
    }
    await _staged(import_id, "review", options, **params)


async def run(import_id: ImportId, /, *, options: Writing = _WRITING) -> None:
    """Load what was reviewed, or go on with that.

    Example: `dialler import run 7`
    """
    await _staged(import_id, "run", options)


async def resume(import_id: ImportId, /, *, options: Writing = _WRITING) -> None:
    """Go on with an import at the stage it is at; say what is next where somebody must decide.

    One of `dialler lead import` that was interrupted goes to its end.

    Example: `dialler import resume 7`
    """
    await _staged(import_id, "resume", options)


async def _staged(import_id: int, stage: str, options: Writing, **params: str) -> None:
    answer = UploadAnswer(None, progress=stage_words)
    async with connected(options) as api:
        await api.upload(f"/imports/{import_id}/{stage}", params, _nothing(), answer.take)
    answer.end()
    if answer.one is None:
        raise DiallerError(f"the {stage} ended without an answer")
    if options.json:
        print_json(answer.one)
    else:
        print_import(answer.one)


async def _nothing() -> AsyncIterator[bytes]:
    for chunk in tuple[bytes]():
        yield chunk
