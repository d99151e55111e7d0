"""Files of rows that commands send to the API: read in chunks, with progress, and rejected rows written down."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Annotated, Any, cast

from cyclopts import Parameter

from dialler.cli.connection import connected
from dialler.cli.options import Reading, Writing
from dialler.cli.progress import Progress
from dialler.errors import DiallerError, UsageError

_CHUNK_BYTES = 256 * 1024


class UploadAnswer:
    """Takes the lines of the answer as they come: shows progress, keeps the last one, writes rejected rows down."""

    def __init__(self, rejects: IO[str] | None, *, progress: Callable[[Mapping[str, Any]], str]) -> None:
        """`progress` says in words how far it is."""
        self.report: dict[str, Any] | None = None
        self.one: dict[str, Any] | None = None
        """An import, where one is answered with."""

        self.progress: Mapping[str, Any] = {}
        """What was told last of how far it is."""

        self._rejects = rejects
        self._words = progress
        self._is_emptied = False
        self._progress = Progress()

    def take(self, line: dict[str, Any]) -> None:
        if "rejects" in line and self._rejects is not None:
            self._reject(line["rejects"])
        elif "progress" in line:
            self.progress = line["progress"]
            self._progress.tell(self._words(self.progress))
        elif "import" in line:
            self.one = line["import"]
        elif "report" in line:
            self.report = line["report"]
            self._reject("")

    def end(self) -> None:
        """Take the progress off the screen."""
        self._progress.end()

    def _reject(self, text: str) -> None:
        """Write rejected rows; what an earlier import left there goes only now, when this one was not refused."""
        if self._rejects is None:
            return
        try:
            if not self._is_emptied and self._rejects.seekable():
                self._rejects.truncate(0)
            self._is_emptied = True
            self._rejects.write(text)
        except OSError as error:
            raise DiallerError(f"{self._rejects.name}: {error.strerror or error}") from error


FileArgument = Annotated[str, Parameter(allow_leading_hyphen=True, help='The file; "-" is standard input.')]
Delimiter = Annotated[str | None, Parameter(help='One character, or "tab"; else it is guessed.')]
Encoding = Annotated[str | None, Parameter(help="Such as utf-8 or cp1252; else it is guessed.")]
Rejects = Annotated[Path | None, Parameter(help="Write rejected rows there, with their reasons, as CSV.")]


async def upload_file(
    path: str,
    file: str,
    params: Mapping[str, Any],
    *,
    rejects: Path | None,
    dry_run: bool,
    progress: Callable[[Mapping[str, Any]], str],
    options: Writing | Reading,
    on_failure: Callable[[Mapping[str, Any], BaseException], None] | None = None,
) -> dict[str, Any]:
    """Send a file, or standard input for "-", to a route that loads it; return its report. Raises what was said of it.

    `progress` as for `UploadAnswer`. `on_failure` is called with what was told last, and what went wrong.
    """
    said = {
        **params,
        "dry_run": "true" if dry_run else None,
        "rejects": "true" if rejects is not None else None,
        "source": "standard input" if file == "-" else file,
    }
    with ExitStack() as files:
        source = files.enter_context(source_of(file))
        answer = UploadAnswer(rejects_file(files, rejects, source), progress=progress)
        try:
            async with connected(options) as api:
                await api.upload(path, said, chunks_of(source, file), answer.take)
        except BaseException as error:
            if on_failure is not None:
                answer.end()
                on_failure(answer.progress, error)
            raise
        finally:
            answer.end()
    if answer.report is None:
        raise DiallerError("the import ended without a report")
    return answer.report


@contextmanager
def source_of(file: str) -> Iterator[IO[bytes]]:
    """Open a file that is to be sent, or give standard input. Raises DiallerError, UsageError for what is an option."""
    if file == "-":
        yield sys.stdin.buffer
        return
    if file.startswith("-"):
        raise UsageError(f"unknown option {file}")
    with opened(Path(file), "rb") as source:
        yield source


def rejects_file(files: ExitStack, path: Path | None, source: IO[bytes]) -> IO[str] | None:
    """Open the file for rejected rows, and leave it as it is. Raises DiallerError, UsageError for the lead file."""
    if path is None:
        return None
    sink = files.enter_context(opened(path, "a"))
    with suppress(OSError, ValueError):  # Standard input may be no file at all.
        if os.path.sameopenfile(sink.fileno(), source.fileno()) and path.is_file():
            raise UsageError(f"--rejects {path}: expected another file than the one that is read")
    return cast(IO[str], sink)


def opened(path: Path, mode: str) -> IO[Any]:
    """Open a file that the user named. Raises DiallerError."""
    try:
        return path.open(mode) if "b" in mode else path.open(mode, encoding="utf-8", newline="")
    except OSError as error:
        raise DiallerError(f"{path}: {error.strerror or error}") from error


async def chunks_of(source: IO[bytes], name: str) -> AsyncIterator[bytes]:
    import anyio

    while True:
        try:
            # A pipe may keep us waiting: not on the loop, since the answer arrives at the same time.
            chunk = await anyio.to_thread.run_sync(source.read, _CHUNK_BYTES)
        except OSError as error:
            raise DiallerError(f"{name}: {error.strerror or error}") from error
        if not chunk:
            return
        yield chunk
