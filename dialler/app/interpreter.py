"""The interpreter as a loop that dials needs it: threads that take turns often, and no long look for garbage."""

import gc
import sys
from typing import Final

SWITCH_INTERVAL_S: Final = 0.0005
"""How long the records' thread may compute before the loop that dials gets the interpreter. That loop gives it up with
each system call and would wait Python's usual 5 ms for it each time: two fifths fewer calls a second, measured."""


def take_turns_often() -> None:
    """Let threads take turns every SWITCH_INTERVAL_S."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def spare_what_is_loaded() -> None:
    """Keep the garbage collector from looking at what is there now: modules, and whatever lives as long as they do.

    That is 160,000 objects, and looking at them stops all threads for 150 ms; while a file is imported, every second or
    so.
    """
    gc.collect()
    gc.freeze()
