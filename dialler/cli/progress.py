"""Progress on the screen."""

import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from dialler.cli.printing import note

_TELL_EVERY_S: Final = 5.0
"""Between lines of progress where nobody watches them on a terminal."""


class Progress:
    """One line that is written over and over on a terminal; else a line now and then."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()
        self._is_watched = sys.stderr.isatty()

    def tell(self, text: str) -> None:
        if self._is_watched:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif time.monotonic() - self._told_at >= _TELL_EVERY_S:
            self._told_at = time.monotonic()
            note(text)

    def end(self) -> None:
        """Leave the line empty."""
        if self._is_watched:
            sys.stderr.write("\r\x1b[K")


def stage_words(progress: Mapping[str, Any]) -> str:
    """Return how far a stage of an import is; how many rows there are is not known while the file arrives."""
    of = f" of {progress['of']:,}" if "of" in progress else ""
    return f"{progress['stage']}: {progress['rows']:,}{of} rows"
