"""How errors are told over HTTP; `kinds` says what of them."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from dialler.api.kinds import KINDS, error_document
from dialler.errors import DiallerError, TelephonyError

_HTTP_KINDS: Final[Mapping[int, str]] = {401: "unauthorized", 404: "not_found", 405: "usage"}


class ErrorDocument(BaseModel):
    """What every answer holds that is no success."""

    error: str = Field(description="what went wrong, for people")
    kind: str = Field(
        description="the same for programs", json_schema_extra={"enum": [*sorted({*KINDS, *_HTTP_KINDS.values()})]}
    )
    mistakes: list[str] = Field([], description="where a request is wrong: each of its mistakes, with its key")


ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "model": ErrorDocument,
        "description": (
            "404 no such thing, 409 not as things stand, 422 a mistake in the request, 401 no token, over TCP alone,"
            " 503 the records or the exchange can't be asked, 500 a fault of the daemon's own"
        ),
    }
}
"""The errors of each route, for the API's description."""


def tell_errors(app: FastAPI) -> None:
    """Make the application answer errors as this module says."""

    async def tell(request: Request, error: Exception) -> JSONResponse:
        status, document = error_document(error)
        return JSONResponse(document, status)

    async def tell_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        mistakes = [f"{_where(item['loc'])}: {_what(item['type'], item['msg'])}" for item in error.errors()]
        return JSONResponse({"error": "; ".join(mistakes), "kind": "usage", "mistakes": mistakes}, 422)

    async def tell_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        kind = _HTTP_KINDS.get(error.status_code, "failed")
        text = str(error.detail)
        if error.status_code == 404:
            text = f"there is nothing at {request.url.path}; see /docs"
        return JSONResponse({"error": text, "kind": kind}, error.status_code, dict(error.headers or {}))

    async def tell_fault(request: Request, error: Exception) -> JSONResponse:
        # It is raised once more behind this answer, so that the log has all of it.
        return JSONResponse({"error": "a fault of our own; the log has more about it", "kind": "failed"}, 500)

    app.add_exception_handler(DiallerError, tell)
    app.add_exception_handler(TelephonyError, tell)
    app.add_exception_handler(RequestValidationError, tell_invalid)
    app.add_exception_handler(HTTPException, tell_http)
    app.add_exception_handler(Exception, tell_fault)


def _what(kind: str, text: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such key, see /docs"
    return "it is needed" if kind == "missing" else text.removeprefix("Value error, ")


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location if step not in ("body", "query", "path")) or "request"
