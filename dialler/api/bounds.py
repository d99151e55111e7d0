"""Parts of requests that the records can hold, and no others."""

from typing import Annotated, Final

from fastapi import Path

ID_MAX: Final = 2**63 - 1
"""The largest number of the records."""

LeadId = Annotated[int, Path(ge=1, le=ID_MAX)]
