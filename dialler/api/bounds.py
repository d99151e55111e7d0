"""Parts of requests that the records can hold, and no others."""

from typing import Annotated, Final

from fastapi import Path
from pydantic import AfterValidator

from dialler.importing.rows import UNCLEAN

ID_MAX: Final = 2**63 - 1
"""The largest number of the records."""

LeadId = Annotated[int, Path(ge=1, le=ID_MAX)]


def _clean(text: str) -> str:
    if UNCLEAN.search(text):
        raise ValueError("it has a NUL character, or half of a surrogate pair")
    return text


Clean = Annotated[str, AfterValidator(_clean)]
"""A text without NUL characters and halves of surrogate pairs."""
