"""The kinds of errors that the API tells of: a status, a text for people, and a word for programs."""

from collections.abc import Mapping
from typing import Final

from dialler.errors import (
    Conflict,
    DiallerError,
    ImportRefused,
    NotFound,
    SchemaOutdated,
    SettingsError,
    StoreError,
    StoreFull,
    StoreLocked,
    TelephonyError,
    UsageError,
)

KINDS: Final[Mapping[str, tuple[type[Exception], int]]] = {
    "not_found": (NotFound, 404),
    "conflict": (Conflict, 409),
    "usage": (UsageError, 422),
    "import_refused": (ImportRefused, 422),
    "store_locked": (StoreLocked, 503),
    "store_full": (StoreFull, 503),
    "schema_outdated": (SchemaOutdated, 503),
    "store": (StoreError, 503),
    "settings": (SettingsError, 422),
    "telephony": (TelephonyError, 503),
    "failed": (DiallerError, 500),
}
"""Each kind's error and status; the first that fits an error is its kind."""


def error_document(error: Exception) -> tuple[int, dict[str, object]]:
    """Return the status and the document that tell of `error`, one of `KINDS`."""
    kind, status = next((kind, status) for kind, (known, status) in KINDS.items() if isinstance(error, known))
    return status, {"error": str(error), "kind": kind}


def error_of(document: Mapping[str, object]) -> DiallerError | TelephonyError:
    """Return the error that a document tells of: the way back of `error_document`."""
    text = str(document.get("error", "the daemon gave no reason"))
    known, _ = KINDS.get(str(document.get("kind")), (DiallerError, 500))
    if issubclass(known, SettingsError):  # Its mistakes were listed in the text.
        return UsageError(text)
    error = known(text)
    assert isinstance(error, DiallerError | TelephonyError)
    return error
